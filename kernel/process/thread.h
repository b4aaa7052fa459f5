// SPDX-License-Identifier: MIT
// A thread of a process: a kernel stack (Task) and a wasm stack.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "kernel/object/handle_cache.h"
#include "kernel/object/object.h"
#include "kernel/process/process.h"
#include "kernel/sched/task.h"
#include "kernel/status.h"
#include "wasm/runtime/stack.h"

namespace nebulet::kernel {

class Server;
struct DoorCall;

/// Where a thread runs: in its own process on its own stack, or, inside a door call, in the server's on that
/// of a thread which serves there.
struct Place {
  Process* process = nullptr;
  wasm::WasmStack* stack = nullptr;
  DoorCall* call = nullptr;  ///< the innermost door call; nullptr at home
};

/// Holds a reference to itself while it runs, and to its process until its body ended.
class Thread final : public Object, public Task {
 public:
  static constexpr ObjectType kType = ObjectType::thread;
  using Body = std::function<void(Thread&)>;

  /// A thread that does not run yet. The body runs on the kernel stack; it may call wasm::invoke with
  /// stack(). What it captures is destroyed on the thread before the process learns of its end, then
  /// `program`, which is the thread's own. Fails with out_of_memory.
  static Result<Ref<Thread>> create(Ref<Process> process, Body body,
                                    std::unique_ptr<Program> program = nullptr);
  /// Lets it run, once. False: the process is ending, and the thread never runs.
  bool launch();
  /// Both. Fails with bad_state if the process is ending.
  static Result<Ref<Thread>> start(Ref<Process> process, Body body);
  ~Thread() override;
  /// The running thread. Only where a thread of a process is known to run: in kernel calls and preemption.
  static Thread& current() { return *static_cast<Thread*>(Scheduler::current()); }

  Process& process() const { return *process_; }
  wasm::WasmStack& stack() const { return *stack_; }
  /// How many kernel calls it made; counted by itself.
  std::uint64_t kernel_calls() const { return kernel_calls_.load(std::memory_order_relaxed); }
  void count_call() { kernel_calls_.store(kernel_calls() + 1, std::memory_order_relaxed); }
  Thread* as_thread() override { return this; }
  /// The number of the kernel call that it is in, 0: none. Calls keep it while threads are observed.
  std::uint16_t current_call() const { return current_call_; }
  void set_current_call(std::uint16_t number) { current_call_ = number; }
  /// Changed by the thread itself only.
  Place& place() { return place_; }
  bool is_at_home() const { return place_.call == nullptr; }
  /// Of the handles of its process. Only at home, where one kernel call at a time uses it.
  HandleCache& handle_cache() { return handle_cache_; }
  /// Through which callers from other processes use this thread's stack, while it waits for them.
  void set_server(Server* server);

 private:
  template <std::derived_from<Object> T, class... Args>
  friend Result<Ref<T>> make_object(const QuotaRef&, std::uint64_t, Args&&...);
  Thread(Charge charge, Ref<Process> process, std::unique_ptr<Program> program,
         std::unique_ptr<wasm::WasmStack> stack, Body body);
  void run() override;
  void finished() override;

  friend class Process;
  Charge charge_;  ///< with the kernel stack
  Ref<Process> process_;
  std::unique_ptr<Program> program_;  ///< nullptr: it runs the process's
  std::unique_ptr<wasm::WasmStack> stack_;
  Place place_;
  HandleCache handle_cache_;
  Server* server_ = nullptr;  ///< under the process's lock
  Body body_;
  std::atomic<std::uint64_t> kernel_calls_ = 0;
  std::uint16_t current_call_ = 0;
};

/// The end of every kernel call and of every preemption: does not return if the process is ending; lets
/// others run if it is time. The caller's frames must hold nothing that needs a destructor.
void leave_kernel(Thread& thread);

/// In place of an interrupted instruction of wasm code: what leave_kernel does.
void preempt_thread(Thread& thread);
/// How often that happened since the kernel started.
std::uint64_t preemptions();

}  // namespace nebulet::kernel
