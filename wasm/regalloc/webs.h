// SPDX-License-Identifier: MIT
// Where values in memory are live, and which of them share a slot because an edge passes one to another: such
// an edge then has nothing to copy.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/regalloc/allocator.h"

namespace nebulet::wasm::regalloc {

class Webs {
 public:
  /// Requires: the values in memory are known (spill points, parameters that arrive in their slots).
  Webs(const mir::Function& function, const Allocator& allocator, Arena& arena);

  /// A web: values with one slot. No two of them are live at once.
  struct Web {
    std::uint32_t start, end;  ///< hull of its live ranges over the visiting order
    std::uint32_t first;       ///< first member
    bool wide;                 ///< 16 bytes
  };
  std::span<const Web> by_start() const { return {webs_.data(), webs_.size()}; }
  /// Members of a web: from Web::first to kNone.
  std::uint32_t vreg(std::uint32_t member) const { return members_[member].vreg; }
  std::uint32_t next(std::uint32_t member) const { return members_[member].next; }

 private:
  /// A value in memory. Members are ranked by their definitions in a preorder of the dominator tree.
  struct Member {
    std::uint32_t vreg;
    std::uint32_t position;    ///< of the definition in its block
    std::uint32_t start, end;  ///< over the visiting order
    std::uint32_t first_use = 0, use_count = 0;
    std::uint32_t leader;        ///< union-find: a member of lower or equal rank
    std::uint32_t next;          ///< of the same web, in the order of ranks
    std::uint32_t side = 0;      ///< which of two webs it belongs to
    std::uint32_t last = kNone;  ///< youngest entry of uses_
  };
  /// Last position in a block where a value is live.
  struct LastUse {
    std::uint32_t member, order, position;
  };
  struct Pair {
    std::uint32_t param, arg;
    std::uint64_t weight;
  };

  void rank_members(Arena& arena);
  void find_uses();
  void note_use(std::uint32_t vreg, std::uint32_t order, std::uint32_t position);
  void sort_uses(Arena& arena);
  void join_pairs(Arena& arena);
  std::uint32_t leader(std::uint32_t member);
  bool live_behind(std::uint32_t member, std::uint32_t definition) const;
  bool dominates(std::uint32_t a, std::uint32_t b) const;
  bool interfere(std::uint32_t a, std::uint32_t b);
  void unite(std::uint32_t a, std::uint32_t b);
  void collect();

  const mir::Function& f_;
  const Allocator& a_;
  const Liveness& live_;
  ArenaVector<Member> members_;
  std::span<std::uint32_t> member_of_;  ///< by vreg
  std::span<std::uint32_t> at_;         ///< by block: its place in the visiting order
  ArenaVector<LastUse> uses_;
  std::span<LastUse> by_member_;
  ArenaVector<std::uint32_t> stack_;
  ArenaVector<Web> webs_;
  std::uint64_t fuel_;
};

}  // namespace nebulet::wasm::regalloc
