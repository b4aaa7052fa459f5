// SPDX-License-Identifier: MIT
// A process: linked module instances, a handle table, threads, one memory limit, one end.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>
#include <vector>

#include "kernel/loader/program.h"
#include "kernel/memory/process_memory.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/object.h"
#include "kernel/process/registry.h"
#include "kernel/sched/wait_queue.h"
#include "kernel/status.h"

namespace nebulet::kernel {

class Thread;
using abi::EndReason;

/// Exit statuses of the machine that are not the program's own (design: what a user touches).
constexpr int kExitError = 125;  ///< the module cannot be run
constexpr int kExitTrap = 134;
constexpr int kExitKilled = 137;  ///< killed, or by a limit

/// Made, filled with instances, started, ended. With its last thread everything goes that it has; what stays
/// until the last reference is how it ended.
class Process final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::process;
  static constexpr std::size_t kMaxName = 256;
  static constexpr std::size_t kMaxStartup = 1 << 20;
  /// A directory that the WASI library keeps in its memory.
  struct MemoryDirectory {
    std::string path;
    std::uint64_t quota;
  };
  struct Options {
    std::uint64_t memory_limit = 0;  ///< bytes; 0: what the machine has free
    std::vector<std::string> arguments, environment, preopens;
    std::uint32_t terminals = 0;  ///< bits 0, 1, 2: input, output, errors are a terminal
    bool devices = false;         ///< it gets the root resource
    std::vector<MemoryDirectory> memory_directories;
    std::span<const std::byte> initfs;  ///< the boot module that it gets as a memory object; empty: none
  };

  /// The kernel's own: with handles to `console` and `files` (each may be null), named in the startup block.
  static Result<Ref<Process>> create(const Options& options, Ref<Object> console, Ref<Object> files);
  /// Of a program: `memory_limit` bytes are taken from `creator`. Fails with out_of_memory, limit_reached.
  static Result<Ref<Process>> create(const QuotaRef& creator, std::string name, std::uint64_t memory_limit);
  ~Process() override;

  std::uint64_t id() const { return id_; }
  const std::string& name() const { return name_; }
  ProcessMemory& memory() { return memory_; }
  const QuotaRef& quota() const { return memory_.quota(); }
  /// Its instances, for the first thread, for whoever fills it before that, and for its kernel calls.
  Program& program() { return *program_; }
  wasm::Store& store() { return program_->store(); }
  HandleTable& handles() { return handles_; }
  /// See process_startup in docs/reference/abi.md.
  std::span<const std::byte> startup_block() const { return startup_block_; }

  // For whoever makes a process for a program; any thread.
  /// Program::add. Fails with bad_state if it was started or ended. Ends it if an instance was half made.
  Loaded<> add(std::string name, Ref<Module> module);
  /// Starts the first thread, which calls `entry` of the last instance. `handles` of `from` become the first
  /// ones of this process. Nothing is changed if it fails.
  Result<> start(std::string_view entry, HandleTable& from, std::span<const HandleValue> handles,
                 std::vector<std::byte> startup);

  /// The memory for an imported shared memory of an instance of each thread; made when first asked for.
  /// nullptr: no address space. With `add` or by a thread that copies its program.
  wasm::Memory* shared_memory(std::size_t instance, std::uint32_t import, const wasm::MemoryType& type);
  /// Whether each thread gets this memory.
  bool is_shared_memory(const wasm::Memory& memory);
  /// A number for a thread, 1, 2, …
  std::uint64_t next_thread_number() { return threads_made_.fetch_add(1, std::memory_order_relaxed) + 1; }

  /// Ends the process: the first call decides how. Threads that run wasm code stop there, those in kernel
  /// calls when the calls end. Returns at once, for a thread of the process too. Thread context, no locks.
  void end(EndReason reason, std::uint32_t code);
  void exit(int status) { end(EndReason::exited, static_cast<std::uint32_t>(status)); }
  const std::atomic<bool>& exiting() const { return exiting_; }
  struct End {
    EndReason reason;
    std::uint32_t code;
  };
  /// `none` until it has ended.
  End how_it_ended() const;
  /// Waits until it has ended; the machine's exit status. A process that is never started must be ended.
  int wait();

  std::uint32_t threads() const { return thread_count_.load(std::memory_order_relaxed); }
  /// Of processor time: processes get equal parts, however many threads they have.
  const Share& share() const { return share_; }
  /// Before it starts, or any time later, from any thread.
  void set_share(Priority priority, std::uint32_t weight);
  /// Processor time of all threads.
  std::uint64_t cpu_ns();
  /// How many kernel calls its threads have made.
  std::uint64_t kernel_calls();

  RegistryHook registry_hook;

 private:
  friend class Thread;
  template <std::derived_from<Object> T, class... Args>
  friend Result<Ref<T>> make_object(const QuotaRef&, std::uint64_t, Args&&...);
  Process(Charge charge, QuotaRef quota, std::string name);
  void no_handles(DropList& list) override;
  Result<> make_startup_block(const Options& options, Ref<Object> console, Ref<Object> files);
  /// False: the process is ending.
  bool add(Thread& thread);
  void remove(Thread& thread);
  void finish();

  const Charge charge_;
  const std::uint64_t id_;
  const std::string name_;
  ProcessMemory memory_;  // outlives what follows
  struct SharedMemory {
    std::size_t instance;
    std::uint32_t import;
    std::unique_ptr<wasm::Memory> memory;
  };
  Mutex building_;  ///< of what the process consists of
  SpinLock memories_lock_;
  std::vector<SharedMemory> shared_memories_;
  std::unique_ptr<Program> program_;
  HandleTable handles_;
  std::vector<std::byte> startup_block_;
  Charge startup_charge_;
  std::atomic<std::uint64_t> threads_made_ = 0;

  std::atomic<bool> exiting_ = false;
  std::atomic<bool> finished_ = false;
  std::atomic<std::uint64_t> end_ = 0;  ///< reason and code; 0: exiting_ is not set

  Share share_;
  SpinLock lock_;
  std::vector<Thread*> threads_;
  std::atomic<bool> started_ = false;  ///< had a thread
  bool finishing_ = false;             ///< somebody calls finish()
  std::uint64_t ended_threads_ns_ = 0;
  std::uint64_t ended_threads_calls_ = 0;
  std::atomic<std::uint32_t> thread_count_ = 0;
  WaitQueue waiters_;
};

}  // namespace nebulet::kernel
