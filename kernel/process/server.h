// SPDX-License-Identifier: MIT
// A thread that serves door calls: while it waits for them, threads of other processes run on its wasm stack,
// in its instance, one at a time.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/memory/quota.h"
#include "kernel/process/thread.h"
#include "kernel/sched/spin_lock.h"
#include "wasm/runtime/word_call.h"

namespace nebulet::kernel {

/// Used by one serving thread after another; its memory stays as long as the service has it, so that callers
/// may look at it without a lock. Entering and leaving are one atomic operation each.
class Server {
 public:
  explicit Server(Charge charge) : charge_(std::move(charge)) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The serving thread.
  /// False: another thread serves with this.
  bool take();
  /// From now on callers may enter. The thread is in a kernel call on its home stack.
  void open(Thread& thread, wasm::Function& entry);
  enum class Closed : std::uint8_t { closed, failed, busy };
  /// Ends that, unless a caller is inside: that one then unparks the thread when it leaves. `failed`: the
  /// last caller's code trapped; see WordCall::hand_over.
  Closed try_close();
  /// After failed: lets another thread take it.
  void give_up();
  bool has_failed() const { return visitor_.load(std::memory_order_relaxed) == kFailed; }
  wasm::WordCall& code() { return code_; }

  // A caller.
  bool enter(Thread& visitor);
  Process& process() const { return *process_; }
  wasm::WasmStack& stack() const { return *stack_; }
  /// Task::number of the serving thread.
  std::uint32_t thread_number() const { return thread_number_; }
  /// `failed`: the code did not return and was not ended from outside.
  void leave(Thread& visitor, bool failed);
  bool is_visited_by(const Thread& thread) const {
    return visitor_.load(std::memory_order_relaxed) == reinterpret_cast<std::uintptr_t>(&thread);
  }
  bool is_in_use() const { return visitor_.load(std::memory_order_relaxed) != kAbsent; }

  /// Makes the caller inside, if any, look whether the process is ending. The serving thread does not end
  /// meanwhile.
  void disturb();

  Server* next = nullptr;  ///< of its service; set once

 private:
  // Beside these, the address of the thread inside, perhaps with kPinned.
  static constexpr std::uintptr_t kFree = 0;
  static constexpr std::uintptr_t kPinned = 1;  ///< disturb() looks at it: it does not change
  static constexpr std::uintptr_t kAbsent = 2;  ///< nobody serves
  static constexpr std::uintptr_t kTaken = 4;   ///< by a thread that does not serve yet
  static constexpr std::uintptr_t kFailed = 6;
  static_assert(alignof(Thread) >= 8);
  void change(std::uintptr_t from, std::uintptr_t to);

  std::atomic<std::uintptr_t> visitor_ = kAbsent;
  std::atomic<bool> wanted_ = false;  ///< the serving thread waits for the caller inside
  Process* process_ = nullptr;
  wasm::WasmStack* stack_ = nullptr;
  std::uint32_t thread_number_ = 0;
  wasm::WordCall code_;
  SpinLock lock_;
  Thread* thread_ NB_GUARDED_BY(lock_) = nullptr;  ///< whom to unpark; nullptr: it is gone
  const Charge charge_;
};

}  // namespace nebulet::kernel
