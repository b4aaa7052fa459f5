// SPDX-License-Identifier: MIT
// Parallel moves: many locations take over values of many others at once. Orders them and breaks cycles.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "wasm/regalloc/regalloc.h"

namespace nebulet::wasm::regalloc {

class MoveResolver {
 public:
  /// `slots` is an upper bound of the slots' byte offsets; `emergency` the offset of 16 bytes that no value
  /// has.
  MoveResolver(Arena& arena, mir::PReg vec_scratch, std::uint32_t slots, std::uint32_t emergency);

  void add(Location to, Location from, std::uint32_t width);
  /// Appends the edits that execute all moves added, and forgets these. No location may be the target of two
  /// moves.
  void emit(std::uint32_t before, ArenaVector<Edit>& out);
  bool empty() const { return moves_.empty(); }
  bool used_emergency() const { return used_emergency_; }

 private:
  struct Move {
    Location to, from;
    std::uint32_t width;
    bool done;
  };
  static std::uint32_t id(Location l) { return l.is_reg() ? l.value : 32 + l.slot_offset() / 8; }
  void copy(const Move& move);
  void copy(Location to, Location from, std::uint32_t width) { copy(Move{to, from, width, false}); }
  void drain();
  void break_cycle(std::uint32_t start);

  ArenaVector<Move> moves_;
  ArenaVector<std::uint32_t> ready_;
  ArenaVector<std::uint32_t> cycle_;
  std::span<std::uint32_t> readers_;  ///< by location: pending moves that read it
  std::span<std::uint32_t> writer_;   ///< by location: the move that writes it
  Location scratch_;
  std::uint32_t emergency_;
  bool used_emergency_ = false;
  std::uint32_t before_ = 0;
  ArenaVector<Edit>* out_ = nullptr;
};

}  // namespace nebulet::wasm::regalloc
