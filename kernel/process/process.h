// SPDX-License-Identifier: MIT
// A process: module instances that share a store, a handle table, threads, one memory limit, one end.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <string>
#include <vector>

#include "kernel/memory/process_memory.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/object.h"
#include "kernel/sched/wait_queue.h"
#include "kernel/status.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

class Thread;

/// Exit statuses that are not the program's own (design: what a user touches).
constexpr int kExitError = 125;  ///< the module cannot be run
constexpr int kExitTrap = 134;
constexpr int kExitKilled = 137;  ///< by a limit

/// Lives until its last thread ended and its last reference went.
class Process final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::process;
  struct Options {
    std::uint64_t memory_limit = 0;  ///< bytes; 0: what the machine has free
    std::vector<std::string> arguments, environment, preopens;
  };

  /// Without threads and instances. Gets handles to `console` and `files` (each may be null), named in the
  /// startup block.
  static Result<Ref<Process>> create(const Options& options, Ref<Object> console, Ref<Object> files);
  ~Process() override;

  std::uint64_t id() const { return id_; }
  ProcessMemory& memory() { return memory_; }
  const QuotaRef& quota() const { return memory_.quota(); }
  wasm::Store& store() { return store_; }
  HandleTable& handles() { return handles_; }
  /// See process_startup in docs/reference/abi.md.
  std::span<const std::byte> startup_block() const { return startup_block_; }

  /// Ends the process: the first call decides the status. Threads that run wasm code stop there, those in
  /// kernel calls when the calls end. Returns at once, for a thread of the process too.
  void exit(int status);
  const std::atomic<bool>& exiting() const { return exiting_; }
  /// Waits until all threads ended. A process that never started a thread must have been told to exit.
  int wait();

  /// Processor time of all threads.
  std::uint64_t cpu_ns();
  /// How many kernel calls the threads that ended have made.
  std::uint64_t kernel_calls();

 private:
  friend class Thread;
  explicit Process(std::uint64_t memory_limit);
  Result<> make_startup_block(const Options& options, Ref<Object> console, Ref<Object> files);
  void add(Thread& thread);
  void remove(Thread& thread);

  const std::uint64_t id_;
  ProcessMemory memory_;  // outlives the store
  wasm::Store store_;
  HandleTable handles_;
  std::vector<std::byte> startup_block_;
  std::atomic<bool> exiting_ = false;
  std::atomic<int> status_ = 0;

  SpinLock lock_;
  std::vector<Thread*> threads_;
  std::uint64_t ended_threads_ns_ = 0;
  std::uint64_t ended_threads_calls_ = 0;
  std::atomic<std::uint32_t> thread_count_ = 0;
  WaitQueue waiters_;
};

}  // namespace nebulet::kernel
