// SPDX-License-Identifier: MIT
// What is around each call of the library. The threads of a process have an instance of it each, over one
// memory, so they share descriptors and all else; one of them is inside at a time, and none while it waits
// for a pipe, a time or a file server. A call has a place: a stack and buffers, which the next one gets when
// it is over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "user/wasi/types.h"

namespace nebulet::wasi {

inline constexpr std::size_t kCallStack = 64 * 1024;
inline constexpr std::size_t kCallBuffer = 64 * 1024;

namespace files {
struct Buffers;
}

/// Stacks grow down, towards the fields before them.
struct CallPlace {
  CallPlace* next = nullptr;
  files::Buffers* messages = nullptr;  ///< made by the first call here that has to do with files
  alignas(16) std::byte stack[kCallStack];
  std::byte buffer[kCallBuffer];
};

/// Of the whole library: all that it keeps belongs to the thread that has it. A thread without it only waits.
class LibraryLock {
 public:
  // "Futexes are tricky" (Drepper 2011), the second mutex: 0 free, 1 taken, 2 taken and waited for.
  void lock() {
    int seen = 0;
    if (__atomic_compare_exchange_n(&state_, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) return;
    while (__atomic_exchange_n(&state_, 2, __ATOMIC_ACQUIRE) != 0)
      __builtin_wasm_memory_atomic_wait32(&state_, 2, kForever);
  }
  void unlock() {
    if (__atomic_exchange_n(&state_, 0, __ATOMIC_RELEASE) == 2)
      __builtin_wasm_memory_atomic_notify(&state_, 1);
  }

 private:
  static constexpr long long kForever = -1;
  int state_ = 0;
};

struct CallState {
  LibraryLock lock;
  CallPlace* free = nullptr;     ///< never none while the lock is free
  CallPlace* current = nullptr;  ///< of the call that has the lock
};
extern constinit CallState call_state;

/// At the start of an exported function, which has no frame.
[[gnu::always_inline]] inline void enter() {
  call_state.lock.lock();
  CallPlace* const place = call_state.free;
  call_state.free = place->next;
  call_state.current = place;
  // SAFETY: the caller keeps nothing on the stack that it had; what it calls finds a stack of its own.
  __asm__ volatile("local.get %0\n\tglobal.set __stack_pointer"
                   :
                   : "r"(place->stack + kCallStack)
                   : "memory");
}

[[gnu::always_inline]] inline void leave() {
  call_state.current->next = call_state.free;
  call_state.free = call_state.current;
  call_state.lock.unlock();
}

/// Bytes that belong to the call.
inline std::span<std::byte, kCallBuffer> call_buffer() { return call_state.current->buffer; }

/// Lets other threads' calls go on while this one waits. What it knew of descriptors may have changed after
/// that.
class OthersGoOn {
 public:
  /// `nomem`: there is no memory for the place of another call.
  static Result<> prepare();
  OthersGoOn() : place_(call_state.current) { call_state.lock.unlock(); }
  ~OthersGoOn() {
    call_state.lock.lock();
    call_state.current = place_;
  }
  OthersGoOn(const OthersGoOn&) = delete;
  OthersGoOn& operator=(const OthersGoOn&) = delete;

 private:
  CallPlace* const place_;
};

/// What calls of several threads may use one after the other only; all else goes on while they wait for that.
/// Whoever has the library's lock may look at it and change it.
class Turn {
 public:
  class Taken {
   public:
    explicit Taken(Turn& turn) : turn_(&turn) {}
    Taken(Taken&& other) noexcept : turn_(other.turn_) { other.turn_ = nullptr; }
    Taken& operator=(Taken&&) = delete;
    ~Taken() {
      if (turn_ != nullptr) turn_->give_back();
    }

   private:
    Turn* turn_;
  };

  /// Waits. `nomem`: there is no memory for the place of another call meanwhile.
  Result<Taken> take();

 private:
  enum : int { kFree, kHeld, kWaitedFor };
  void give_back();

  int state_ = kFree;
};

}  // namespace nebulet::wasi
