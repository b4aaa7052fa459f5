// SPDX-License-Identifier: MIT
#include "kernel/process/process.h"

#include <algorithm>
#include <limits>

#include "kernel/device/console.h"
#include "kernel/device/files.h"
#include "kernel/process/server.h"
#include "kernel/process/thread.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

std::atomic<std::uint64_t> next_process_id = 1;

/// Builds the block that process_startup copies.
class BlockWriter {
 public:
  void word(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) block_.push_back(static_cast<std::byte>(value >> shift));
  }
  void strings(std::span<const std::string> strings) {
    word(static_cast<std::uint32_t>(strings.size()));
    for (const std::string& text : strings) {
      word(static_cast<std::uint32_t>(text.size()));
      const auto bytes = std::as_bytes(std::span(text));
      block_.insert(block_.end(), bytes.begin(), bytes.end());
      block_.resize((block_.size() + 3) & ~std::size_t{3});
    }
  }
  std::vector<std::byte> take() { return std::move(block_); }

 private:
  std::vector<std::byte> block_;
};

}  // namespace

Process::Process(std::uint64_t memory_limit)
    : Object(kType),
      id_(next_process_id.fetch_add(1, std::memory_order_relaxed)),
      memory_(memory_limit, &exiting_),
      store_(memory_) {}

Process::~Process() = default;

Result<Ref<Process>> Process::create(const Options& options, Ref<Object> console, Ref<Object> files) {
  const std::uint64_t limit = options.memory_limit != 0 ? options.memory_limit : machine::free_memory();
  Ref<Process> process(new Process(limit));
  TRY(process->make_startup_block(options, std::move(console), std::move(files)));
  return process;
}

Result<> Process::make_startup_block(const Options& options, Ref<Object> console, Ref<Object> files) {
  HandleValue console_handle = HandleValue::none, files_handle = HandleValue::none;
  const Rights common = Right::duplicate | Right::transfer;
  if (console)
    console_handle = TRY(handles_.insert(Handle(std::move(console), common | Right::read | Right::write)));
  if (files) files_handle = TRY(handles_.insert(Handle(std::move(files), common | Right::transact)));
  BlockWriter block;
  block.word(1);
  block.word(static_cast<std::uint32_t>(console_handle));
  block.word(static_cast<std::uint32_t>(files_handle));
  block.strings(options.arguments);
  block.strings(options.environment);
  block.strings(options.preopens);
  startup_block_ = block.take();
  return {};
}

void Process::exit(int status) {
  const SpinGuard guard(lock_);
  if (!exiting_.load(std::memory_order_relaxed)) status_.store(status, std::memory_order_relaxed);
  exiting_.store(true, std::memory_order_release);  // pairs with the reads of exiting() and with wait
  for (Thread* thread : threads_) {
    Scheduler::unpark(*thread);
    Scheduler::interrupt(*thread);
    if (thread->server_ != nullptr) thread->server_->disturb();
  }
}

int Process::wait() {
  waiters_.wait([this] { return exiting_.load(std::memory_order_acquire) && thread_count_.load() == 0; });
  return status_.load(std::memory_order_relaxed);
}

void Process::add(Thread& thread) {
  const SpinGuard guard(lock_);
  threads_.push_back(&thread);
  thread_count_ = static_cast<std::uint32_t>(threads_.size());
}

void Process::remove(Thread& thread) {
  {
    const SpinGuard guard(lock_);
    std::erase(threads_, &thread);
    ended_threads_ns_ += Scheduler::cpu_ns(thread);
    ended_threads_calls_ += thread.kernel_calls();
    if (threads_.empty()) exiting_ = true;  // nobody is left who could set a status
    thread_count_ = static_cast<std::uint32_t>(threads_.size());
  }
  waiters_.wake_all();
}

std::uint64_t Process::cpu_ns() {
  const SpinGuard guard(lock_);
  std::uint64_t sum = ended_threads_ns_;
  for (const Thread* thread : threads_) sum += Scheduler::cpu_ns(*thread);
  return sum;
}

std::uint64_t Process::kernel_calls() {
  const SpinGuard guard(lock_);
  return ended_threads_calls_;
}

}  // namespace nebulet::kernel
