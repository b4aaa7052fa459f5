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
  call_state.free = place;
  return {};
}

}  // namespace nebulet::wasi
