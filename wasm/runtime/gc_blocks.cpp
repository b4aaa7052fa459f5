// SPDX-License-Identifier: MIT
#include "wasm/runtime/gc_blocks.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "wasm/runtime/layout.h"

namespace nebulet::wasm {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;
/// A run is at most this long, so that what is zeroed, and what is allocated without being collected, stays
/// small.
constexpr std::uint32_t kRunBytes = 16 * 1024;
constexpr int kPoison = 0xdb;

constexpr auto kClassOf = [] {  // by (bytes + 7) / 8
  std::array<std::uint8_t, kGcMaxSmall / 8 + 1> table{};
  std::uint32_t c = 0;
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    while (kGcCellSizes[c] < i * 8) ++c;
    table[i] = static_cast<std::uint8_t>(c);
  }
  return table;
}();
/// Rounded up, so that offset * inverse >> 32 is offset / size for every offset in a block.
constexpr auto kInverse = [] {
  std::array<std::uint64_t, kGcClasses> table{};
  for (std::uint32_t c = 0; c < kGcClasses; ++c)
    table[c] = ((1ull << 32) + kGcCellSizes[c] - 1) / kGcCellSizes[c];
  return table;
}();

/// The first bit from `from` on that is `value`, or `end`.
std::uint32_t find_bit(const std::uint64_t* words, std::uint32_t from, std::uint32_t end, bool value) {
  while (from < end) {
    const std::uint64_t word = (value ? words[from / 64] : ~words[from / 64]) >> (from % 64);
    if (word != 0) return std::min(end, from + static_cast<std::uint32_t>(std::countr_zero(word)));
    from = (from / 64 + 1) * 64;
  }
  return end;
}

void set_bits(std::uint64_t* words, std::uint32_t from, std::uint32_t end) {
  for (; from < end && from % 64 != 0; ++from) words[from / 64] |= 1ull << (from % 64);
  for (; from + 64 <= end; from += 64) words[from / 64] = ~0ull;
  for (; from < end; ++from) words[from / 64] |= 1ull << (from % 64);
}

}  // namespace

std::uint32_t gc_class_of(std::uint64_t bytes) { return kClassOf[(bytes + 7) / 8]; }

bool GcBlocks::reserve() {
  slot_ = host_.reserve(kMemorySlotSize, kMemorySlotSize);
  if (slot_) base_ = slot_ + kMemorySlotBase;
  return slot_ != nullptr;
}

GcBlocks::~GcBlocks() {
  if (slot_) host_.release(slot_, kMemorySlotSize);
  host_.uncharge(charged_);
}

std::uint64_t GcBlocks::growth() const {
  const std::uint64_t most = std::min<std::uint64_t>(limit_, std::uint64_t{kMost} << kGcBlockShift);
  return committed_ >= most ? 0 : std::min(most - committed_, host_.available());
}

std::uint64_t GcBlocks::available() const { return free_bytes_ + growth(); }

GcBlocks::Cell GcBlocks::find(GcRef ref) const {
  if (ref < kGcObjectsOffset || index_of(ref) >= blocks_.size()) return {};
  const Block& block = blocks_[index_of(ref)];
  const std::uint32_t offset = ref & (kGcBlock - 1);
  if (block.state == State::small) {
    const std::uint32_t size = kGcCellSizes[block.size_class];
    const auto cell = static_cast<std::uint32_t>(offset * kInverse[block.size_class] >> 32);
    if (cell * size != offset || !(block.bits->live[cell / 64] >> (cell % 64) & 1)) return {};
    return {ref, size};
  }
  if (block.state != State::large || offset != 0 || !block.live) return {};
  return {ref, std::uint64_t{block.blocks} << kGcBlockShift};
}

std::uint64_t GcBlocks::mark(GcRef ref) {
  const Cell cell = find(ref);
  if (cell.size == 0) return 0;
  Block& block = blocks_[index_of(ref)];
  if (block.state == State::large) {
    if (block.marked) return 0;
    block.marked = true;
    return cell.size;
  }
  const auto index = static_cast<std::uint32_t>((ref & (kGcBlock - 1)) * kInverse[block.size_class] >> 32);
  std::uint64_t& word = block.bits->marks[index / 64];
  const std::uint64_t bit = 1ull << (index % 64);
  if (word & bit) return 0;
  word |= bit;
  return cell.size;
}

// --- Allocation

bool GcBlocks::refill(std::uint32_t size_class, bool black) {
  auto& with_room = with_room_[size_class];
  for (;;) {
    while (!with_room.empty()) {
      const std::uint32_t block = with_room.back();
      if (take_run(block, black)) return true;
      with_room.pop_back();
    }
    if (swept_ < blocks_.size()) {
      sweep(64);
      continue;
    }
    const std::uint32_t block = new_small(size_class);
    if (block == kNone) return false;
    with_room.push_back(block);
  }
}

bool GcBlocks::take_run(std::uint32_t index, bool black) {
  Block& block = blocks_[index];
  const std::uint32_t size = kGcCellSizes[block.size_class], cells = cells_of(block.size_class);
  const std::uint32_t first = find_bit(block.bits->live.data(), block.hint, cells, false);
  if (first == cells) return false;
  const std::uint32_t most = std::min(cells, first + std::max(1u, kRunBytes / size));
  const std::uint32_t end = find_bit(block.bits->live.data(), first, most, true);
  set_bits(block.bits->live.data(), first, end);
  if (black) set_bits(block.bits->marks.data(), first, end);
  block.hint = static_cast<std::uint16_t>(end);
  const GcRef ref = ref_of(index) + first * size;
  const std::uint32_t bytes = (end - first) * size;
  if (!block.fresh) std::memset(base_ + ref, 0, bytes);
  used_ += bytes;
  runs_[block.size_class] = {ref, ref + bytes};
  return true;
}

bool GcBlocks::commit(std::uint32_t index, std::uint32_t count) {
  const std::uint64_t bytes = std::uint64_t{count} << kGcBlockShift;
  const std::uint64_t charge = bytes + count * (sizeof(Block) + sizeof(Bits));
  if (committed_ + bytes > limit_ || !host_.charge(charge)) return false;
  if (!host_.commit(base_ + ref_of(index), bytes, Host::Protection::read_write)) {
    host_.uncharge(charge);
    return false;
  }
  charged_ += charge;
  committed_ += bytes;
  return true;
}

/// A committed block that nobody has, or kNone.
std::uint32_t GcBlocks::take_free() {
  while (!free_.empty()) {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    blocks_[index].in_free = false;
    if (blocks_[index].state != State::free) continue;
    free_bytes_ -= kGcBlock;
    return index;
  }
  return kNone;
}

std::uint32_t GcBlocks::new_small(std::uint32_t size_class) {
  std::uint32_t index = take_free();
  if (index == kNone) {
    while (index == kNone && !unused_.empty()) {
      index = unused_.back();
      unused_.pop_back();
      blocks_[index].in_unused = false;
      if (blocks_[index].state != State::unused) index = kNone;
    }
    if (index == kNone) {
      if (blocks_.size() == kMost) return kNone;
      index = static_cast<std::uint32_t>(blocks_.size());
      blocks_.emplace_back();
      ++swept_;
    }
    if (!commit(index, 1)) {
      blocks_[index].in_unused = true;
      unused_.push_back(index);
      return kNone;
    }
    blocks_[index].fresh = true;
  }
  Block& block = blocks_[index];
  block.state = State::small;
  block.size_class = static_cast<std::uint8_t>(size_class);
  block.hint = 0;
  if (!block.bits) block.bits = std::make_unique<Bits>();
  *block.bits = {};
  return index;
}

GcRef GcBlocks::take_large(std::uint64_t bytes, bool black) {
  if (bytes > std::uint64_t{kMost} << kGcBlockShift) return 0;
  sweep(~0u);
  const auto count = static_cast<std::uint32_t>((bytes + kGcBlock - 1) >> kGcBlockShift);
  // Without a gap that is large enough, at the end; the last blocks may belong to it.
  std::uint32_t first = 0, length = 0;
  for (std::uint32_t i = 0; i < blocks_.size() && length < count; ++i) {
    const bool usable = blocks_[i].state == State::unused || blocks_[i].state == State::free;
    if (!usable) first = i + 1;
    length = usable ? length + 1 : 0;
  }
  if (first + count > kMost) return 0;
  std::uint64_t missing = 0;
  for (std::uint32_t i = first; i < first + count; ++i)
    missing += i >= blocks_.size() || blocks_[i].state == State::unused;
  if (missing > growth() >> kGcBlockShift) return 0;
  while (blocks_.size() < first + count) {
    blocks_.emplace_back();
    ++swept_;
  }
  for (std::uint32_t i = first; i < first + count; ++i) {
    Block& block = blocks_[i];
    if (block.state == State::unused && !commit(i, 1)) {
      for (std::uint32_t k = first; k < i; ++k) make_free(k);
      return 0;
    }
    if (block.state == State::free) {
      free_bytes_ -= kGcBlock;
      std::memset(base_ + ref_of(i), 0, kGcBlock);
    }
    block.state = State::large_tail;
  }
  Block& head = blocks_[first];
  head.state = State::large;
  head.blocks = count;
  head.live = true;
  head.marked = black;
  used_ += std::uint64_t{count} << kGcBlockShift;
  return ref_of(first);
}

void GcBlocks::make_free(std::uint32_t index) {
  Block& block = blocks_[index];
  block.state = State::free;
  block.fresh = block.live = block.marked = block.revisit = false;
  free_bytes_ += kGcBlock;
  if (poison_) std::memset(base_ + ref_of(index), kPoison, kGcBlock);
  if (block.in_free) return;
  block.in_free = true;
  free_.push_back(index);
}

// --- Marks and sweeping

void GcBlocks::clear_marks() {
  sweep(~0u);
  for (Block& block : blocks_) {
    block.marked = block.revisit = false;
    if (block.state == State::small) block.bits->marks = {};
  }
  for (std::uint32_t c = 0; c < kGcClasses; ++c) {
    const GcRun& run = runs_[c];
    if (run.next == run.end) continue;
    const std::uint32_t size = kGcCellSizes[c], at = run.next & (kGcBlock - 1);
    set_bits(blocks_[index_of(run.next)].bits->marks.data(), at / size, (at + (run.end - run.next)) / size);
  }
}

bool GcBlocks::take_revisit(std::uint32_t& from, std::vector<GcRef>& cells) {
  cells.clear();
  for (; from < blocks_.size(); ++from) {
    Block& block = blocks_[from];
    if (!block.revisit) continue;
    block.revisit = false;
    if (block.state == State::large) cells.push_back(ref_of(from));
    if (block.state != State::small) return true;
    const std::uint32_t count = cells_of(block.size_class);
    const std::uint64_t* marks = block.bits->marks.data();
    for (std::uint32_t i = find_bit(marks, 0, count, true); i < count;
         i = find_bit(marks, i + 1, count, true))
      cells.push_back(ref_of(from) + i * kGcCellSizes[block.size_class]);
    return true;
  }
  return false;
}

void GcBlocks::start_sweep() {
  swept_ = 0;
  for (auto& list : with_room_) list.clear();
}

bool GcBlocks::sweep(std::uint32_t count) {
  for (; count != 0 && swept_ < blocks_.size(); --count) sweep_block(swept_++);
  return swept_ < blocks_.size();
}

void GcBlocks::sweep_block(std::uint32_t index) {
  Block& block = blocks_[index];
  if (block.state == State::large && !block.marked) {
    const std::uint32_t count = block.blocks;
    used_ -= std::uint64_t{count} << kGcBlockShift;
    for (std::uint32_t i = 0; i < count; ++i) make_free(index + i);
    return;
  }
  if (block.state != State::small) return;
  Bits& bits = *block.bits;
  const std::uint32_t size = kGcCellSizes[block.size_class], cells = cells_of(block.size_class);
  std::uint32_t dead = 0, marked = 0;
  for (std::uint32_t w = 0; w * 64 < cells; ++w) {
    std::uint64_t dying = bits.live[w] & ~bits.marks[w];
    dead += static_cast<std::uint32_t>(std::popcount(dying));
    marked += static_cast<std::uint32_t>(std::popcount(bits.marks[w]));
    for (; poison_ && dying; dying &= dying - 1)
      std::memset(
          base_ + ref_of(index) + (w * 64 + static_cast<std::uint32_t>(std::countr_zero(dying))) * size,
          kPoison, size);
    bits.live[w] = bits.marks[w];
  }
  used_ -= std::uint64_t{dead} * size;
  if (dead != 0) block.fresh = false;
  block.hint = 0;
  if (marked == 0)
    make_free(index);
  else if (marked < cells)
    with_room_[block.size_class].push_back(index);
}

void GcBlocks::release(std::uint64_t keep, std::uint32_t count) {
  for (; count != 0 && free_bytes_ > keep; --count) {
    const std::uint32_t index = take_free();
    if (index == kNone) return;
    Block& block = blocks_[index];
    host_.decommit(base_ + ref_of(index), kGcBlock);
    const std::uint64_t charge = kGcBlock + sizeof(Block) + sizeof(Bits);
    host_.uncharge(charge);
    charged_ -= charge;
    committed_ -= kGcBlock;
    block.bits.reset();
    block.state = State::unused;
    if (block.in_unused) continue;
    block.in_unused = true;
    unused_.push_back(index);
  }
}

}  // namespace nebulet::wasm
