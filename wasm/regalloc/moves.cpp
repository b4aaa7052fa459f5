// SPDX-License-Identifier: MIT
#include "wasm/regalloc/moves.h"

#include <algorithm>

namespace nebulet::wasm::regalloc {
namespace {
constexpr std::uint32_t kNoMove = 0xffffffff;
}

MoveResolver::MoveResolver(Arena& arena, mir::PReg vec_scratch, std::uint32_t slots, std::uint32_t emergency)
    : moves_(arena),
      ready_(arena),
      cycle_(arena),
      readers_(arena.allocate_array<std::uint32_t>(32 + slots / 8 + 1, 0)),
      writer_(arena.allocate_array<std::uint32_t>(32 + slots / 8 + 1, kNoMove)),
      scratch_(Location::reg(vec_scratch)),
      emergency_(emergency) {}

void MoveResolver::add(Location to, Location from, std::uint32_t width) {
  if (to == from) return;
  moves_.push_back({to, from, width, false});
}

void MoveResolver::emit(std::uint32_t before, ArenaVector<Edit>& out) {
  if (moves_.empty()) return;
  before_ = before;
  out_ = &out;
  for (std::uint32_t i = 0; i < moves_.size(); ++i) {
    ++readers_[id(moves_[i].from)];
    NB_ASSERT(writer_[id(moves_[i].to)] == kNoMove);
    writer_[id(moves_[i].to)] = i;
  }
  for (std::uint32_t i = 0; i < moves_.size(); ++i)
    if (readers_[id(moves_[i].to)] == 0) ready_.push_back(i);
  drain();
  for (std::uint32_t i = 0; i < moves_.size(); ++i)
    if (!moves_[i].done) break_cycle(i);
  for (const Move& move : moves_) {
    readers_[id(move.from)] = 0;
    writer_[id(move.to)] = kNoMove;
  }
  moves_.clear();
}

void MoveResolver::drain() {
  while (!ready_.empty()) {
    Move& move = moves_[ready_.back()];
    ready_.pop_back();
    move.done = true;
    copy(move);
    const std::uint32_t from = id(move.from);
    if (--readers_[from] == 0 && writer_[from] != kNoMove && !moves_[writer_[from]].done)
      ready_.push_back(writer_[from]);
  }
}

void MoveResolver::copy(const Move& move) {
  if (move.to.is_reg() || move.from.is_reg()) {
    out_->push_back({before_, move.width, move.from, move.to});
    return;
  }
  out_->push_back({before_, move.width, move.from, scratch_});
  out_->push_back({before_, move.width, scratch_, move.to});
}

/// What is left when nothing is ready are disjoint cycles: each location in them is read once.
void MoveResolver::break_cycle(std::uint32_t start) {
  cycle_.clear();
  std::uint32_t at = start;
  bool slots = false;
  do {
    cycle_.push_back(at);
    moves_[at].done = true;
    slots |= !moves_[at].to.is_reg();
    at = writer_[id(moves_[at].from)];
  } while (at != start);
  if (slots) {
    std::uint32_t first = 0;
    while (moves_[cycle_[first]].to.is_reg()) ++first;
    std::rotate(cycle_.begin(), cycle_.begin() + first, cycle_.end());
  }
  const Location head = moves_[cycle_[0]].to;
  const Move& last = moves_[cycle_.back()];
  if (!slots && head.preg().reg_class() == mir::RegClass::gpr) {
    for (std::uint32_t i = 0; i + 1 < cycle_.size(); ++i)
      out_->push_back({before_, 8, moves_[cycle_[i]].from, moves_[cycle_[i]].to, Edit::Kind::swap});
    return;
  }
  used_emergency_ |= slots;
  const Location saved = slots ? Location::slot(emergency_) : scratch_;
  copy(saved, head, last.width);
  for (std::uint32_t i = 0; i + 1 < cycle_.size(); ++i) copy(moves_[cycle_[i]]);
  copy(last.to, saved, last.width);
}

}  // namespace nebulet::wasm::regalloc
