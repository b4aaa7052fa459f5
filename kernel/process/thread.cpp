// SPDX-License-Identifier: MIT
#include "kernel/process/thread.h"

#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {
namespace {

std::atomic<std::uint64_t> preemption_count = 0;

}  // namespace

Thread::Thread(Ref<Process> process, std::unique_ptr<wasm::WasmStack> stack, Body body)
    : Object(kType), process_(std::move(process)), stack_(std::move(stack)), body_(std::move(body)) {
  place_ = {.process = process_.get(), .stack = stack_.get()};
}

Result<Ref<Thread>> Thread::start(Ref<Process> process, Body body) {
  std::unique_ptr<wasm::WasmStack> stack = wasm::WasmStack::create(process->memory(), nullptr);
  if (!stack) return fail(Status::out_of_memory);
  Ref<Thread> thread(new Thread(std::move(process), std::move(stack), std::move(body)));
  thread->stack_->control().thread = thread.get();
  thread->process_->add(*thread);
  intrusive_ptr_add_ref(thread.get());  // its own, until finished()
  if (!Scheduler::start(*thread)) {
    thread->process_->remove(*thread);
    intrusive_ptr_release(thread.get());
    return fail(Status::out_of_memory);
  }
  return thread;
}

void Thread::run() {
  if (!process_->exiting()) body_(*this);
  body_ = nullptr;
  stack_.reset();
  process_->remove(*this);
  process_.reset();
}

void Thread::set_server(Server* server) {
  const SpinGuard guard(process_->lock_);
  server_ = server;
}

void Thread::finished() { intrusive_ptr_release(static_cast<Object*>(this)); }

void leave_kernel(Thread& thread) {
  if (Scheduler::wants_reschedule()) [[unlikely]]
    Scheduler::yield();
  const Place& place = thread.place();
  if (place.process->exiting().load(std::memory_order_relaxed)) [[unlikely]]
    wasm::unwind(*place.stack, 0);
}

void preempt_thread(Thread& thread) {
  preemption_count.fetch_add(1, std::memory_order_relaxed);
  leave_kernel(thread);
}

std::uint64_t preemptions() { return preemption_count.load(std::memory_order_relaxed); }

}  // namespace nebulet::kernel
