// SPDX-License-Identifier: MIT
#include "user/wasi/entry.h"

#include <cstdlib>

#include "base/result.h"

namespace nebulet::wasi {

constinit CallState call_state;

Result<> OthersGoOn::prepare() {
  if (call_state.free != nullptr) return {};
  auto* const place = static_cast<CallPlace*>(std::aligned_alloc(alignof(CallPlace), sizeof(CallPlace)));
  if (place == nullptr) return fail(Errno::nomem);
  place->next = nullptr;
  place->messages = nullptr;
  call_state.free = place;
  return {};
}

Result<Turn::Taken> Turn::take() {
  while (state_ != kFree) {
    TRY(OthersGoOn::prepare());
    state_ = kWaitedFor;
    const OthersGoOn guard;
    // If it was given back since, or taken again by somebody, this returns at once.
    __builtin_wasm_memory_atomic_wait32(&state_, kWaitedFor, -1);
  }
  state_ = kHeld;
  return Taken(*this);
}

void Turn::give_back() {
  constexpr unsigned kAll = ~0u;
  if (__atomic_exchange_n(&state_, kFree, __ATOMIC_RELEASE) == kWaitedFor)
    __builtin_wasm_memory_atomic_notify(&state_, kAll);
}

}  // namespace nebulet::wasi
