// SPDX-License-Identifier: MIT
// Which locals without a default value have one (spec 3.3.8: the local types' initialization status).
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "wasm/binary/subtype.h"
#include "wasm/validate/locals.h"

namespace nebulet::wasm {

/// A set that grows by `local.set` and shrinks to what it was at the start of a block when the block ends.
/// Costs nothing in functions whose locals all have default values.
class InitializedLocals {
 public:
  explicit InitializedLocals(Arena& arena) : bits_(arena), history_(arena) {}

  bool contains(const Locals& locals, std::uint32_t local, ValType type) const {
    return is_defaultable(type) || local < locals.params() || (!bits_.empty() && test(local));
  }
  void add(const Locals& locals, std::uint32_t local, ValType type) {
    if (contains(locals, local, type)) return;
    if (bits_.empty()) bits_.resize((locals.size() + 31) / 32);
    bits_[local / 32] |= 1u << local % 32;
    history_.push_back(local);
  }
  std::uint32_t mark() const { return history_.size(); }
  void return_to(std::uint32_t mark) {
    for (std::uint32_t i = mark; i < history_.size(); ++i)
      bits_[history_[i] / 32] &= ~(1u << history_[i] % 32);
    history_.resize(mark);
  }

 private:
  bool test(std::uint32_t local) const { return (bits_[local / 32] >> local % 32 & 1) != 0; }
  ArenaVector<std::uint32_t> bits_, history_;
};

}  // namespace nebulet::wasm
