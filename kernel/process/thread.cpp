// SPDX-License-Identifier: MIT
#include "kernel/process/thread.h"

#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {
namespace {

std::atomic<std::uint64_t> preemption_count = 0;

}  // namespace

Thread::Thread(Charge charge, Ref<Process> process, std::unique_ptr<Program> program,
               std::unique_ptr<wasm::WasmStack> stack, Body body)
    : Object(kType),
      Task(StackKind::thread),
      charge_(std::move(charge)),
      process_(std::move(process)),
      program_(std::move(program)),
      stack_(std::move(stack)),
      body_(std::move(body)) {
  place_ = {.process = process_.get(), .stack = stack_.get()};
  set_share(&process_->share_);
  if (trace::is_observing()) trace::thread(number(), process_->id());
}

Thread::~Thread() { Scheduler::discard(*this); }

Result<Ref<Thread>> Thread::create(Ref<Process> process, Body body, std::unique_ptr<Program> program) {
  std::unique_ptr<wasm::WasmStack> stack = wasm::WasmStack::create(process->memory(), nullptr);
  if (!stack) return fail(Status::out_of_memory);
  const QuotaRef quota = process->quota();
  Ref<Thread> thread =
      TRY(make_object<Thread>(quota, kernel_stack_size(StackKind::thread), std::move(process),
                              std::move(program), std::move(stack), std::move(body)));
  thread->stack_->control().thread = thread.get();
  if (!Scheduler::prepare(*thread)) return fail(Status::out_of_memory);
  return thread;
}

bool Thread::launch() {
  if (!process_->add(*this)) return false;
  intrusive_ptr_add_ref(this);  // its own, until finished()
  Scheduler::start(*this);
  return true;
}

Result<Ref<Thread>> Thread::start(Ref<Process> process, Body body) {
  Ref<Thread> thread = TRY(create(std::move(process), std::move(body)));
  if (!thread->launch()) return fail(Status::bad_state);
  return thread;
}

void Thread::run() {
  if (!process_->exiting()) body_(*this);
  body_ = nullptr;
  place_ = {};  // the profiler looks at it at any time
  handle_cache_.clear();
  program_.reset();
  stack_.reset();
  charge_ = {};
  Scheduler::leave_share();  // the process's goes with it
  process_->remove(*this);
  process_.reset();
  signal({}, Signal::terminated);
}

void Thread::set_server(Server* server) {
  const SpinGuard guard(process_->lock_);
  server_ = server;
}

void Thread::finished() { intrusive_ptr_release(static_cast<Object*>(this)); }

void leave_kernel(Thread& thread) {
  if (Scheduler::wants_reschedule()) [[unlikely]]
    Scheduler::end_slice();
  const Place& place = thread.place();
  if (place.process->exiting().load(std::memory_order_relaxed)) [[unlikely]]
    wasm::unwind(*place.stack, 0);
}

void preempt_thread(Thread& thread) {
  preemption_count.fetch_add(1, std::memory_order_relaxed);
  if (trace::is_observing()) trace::flush();
  leave_kernel(thread);
}

std::uint64_t preemptions() { return preemption_count.load(std::memory_order_relaxed); }

}  // namespace nebulet::kernel
