// SPDX-License-Identifier: MIT
// The form of the stack maps: the collector may follow them without a check. Whether they name the right
// slots is not checked; a wrong one can only mislead the collector about what of the own heap is alive.
#include <vector>

#include "wasm/verify/checker.h"

namespace nebulet::wasm::verify {

/// Chains of differences are short: what the collector does for a frame is linear in the frame's references.
bool Checker::check_stack_maps() {
  constexpr std::uint32_t kChain = 16;
  const auto& maps = code_.stack_maps;
  const auto& slots = code_.map_slots;
  if (slots.size() >= 0xffffffff) return fail("stack maps are too large");
  if (maps.empty()) return slots.empty() || fail("slots of no stack map");
  if (maps[0].first != 0 || maps[0].full != 1) return fail("the first stack map is not full");
  std::vector<bool> in(kMaxFrame / 4, false);
  std::uint32_t count = 0, since_full = 0;
  std::size_t full = 0;
  for (std::size_t m = 0; m < maps.size(); ++m) {
    const std::size_t begin = maps[m].first, end = m + 1 < maps.size() ? maps[m + 1].first : slots.size();
    if (begin >= end || end > slots.size() || maps[m].full > 1) return fail("stack maps are not in order");
    if (maps[m].full) {
      for (; full < begin; ++full) in[slots[full] / 4] = false;
      count = since_full = 0;
    } else {
      since_full += static_cast<std::uint32_t>(end - begin);
    }
    for (std::size_t at = begin; at < end; ++at) {
      const std::uint32_t slot = slots[at];
      if (slot % 4 != 0 || slot > kMaxFrame - 4) return fail("stack map names no slot");
      if (maps[m].full && in[slot / 4]) return fail("stack map names a slot twice");
      in[slot / 4] = !in[slot / 4];
      in[slot / 4] ? ++count : --count;
    }
    if (since_full > (count < kChain ? kChain : count)) return fail("too many stack maps without a full one");
  }
  for (const CodeFunction& function : code_.functions)
    if (function.stack_map != kNoStackMap &&
        (function.stack_map >= maps.size() || !maps[function.stack_map].full))
      return fail("stack map does not exist");
  for (const CallSite& call : code_.calls)
    if (call.stack_map != kNoStackMap && call.stack_map >= maps.size())
      return fail("stack map does not exist");
  return true;
}

}  // namespace nebulet::wasm::verify
