// SPDX-License-Identifier: MIT
// The collector: cycles, marking in steps, pacing. Marks are those of a snapshot (Yuasa): what was reachable
// when the cycle began survives it, and so does what is allocated while it lasts. Whoever overwrites a
// reference in an object or table reports the old one.
#include <algorithm>

#include "wasm/runtime/gc_heap.h"

namespace nebulet::wasm {
namespace {

/// Elements of an array that are visited at once.
constexpr std::uint32_t kElementsAtOnce = 256;
/// Most steps in one slice: about two milliseconds.
constexpr std::uint64_t kSliceUnits = 50'000;
constexpr std::uint32_t kFirstGreys = 1024, kMaxGreys = 1u << 20;
constexpr std::uint32_t kSweepBlocks = 256, kReleaseBlocks = 16;

std::uint32_t load(const std::byte* at) { return *reinterpret_cast<const std::uint32_t*>(at); }

}  // namespace

void GcHeap::mark(GcRef ref) {
  ++units_;
  const std::uint64_t size = blocks_.mark(ref);
  if (size == 0) return;
  marked_ += size;
  push({ref, 0});
}

void GcHeap::push(Grey grey) {
  if (grey_.size() == greys_allowed_) {
    const std::uint32_t more = greys_allowed_ == 0 ? kFirstGreys : greys_allowed_;
    if (greys_allowed_ + more > kMaxGreys || !host_.charge(more * sizeof(Grey))) {
      overflowed_ = true;
      return blocks_.set_revisit(grey.ref);
    }
    charged_ += more * sizeof(Grey);
    greys_allowed_ += more;
    grey_.reserve(greys_allowed_);
  }
  grey_.push_back(grey);
}

void GcHeap::visit(Grey grey) {
  ++units_;
  const std::optional<GcObject> object = this->object(grey.ref);
  if (!object) return;
  for (const std::uint32_t offset : object->type->traced_fields)
    if (const GcRef ref = load(object->address + offset); gc_is_object(ref)) mark(ref);
  if (!object->type->traced_elements || grey.from >= object->length) return;
  const std::uint32_t end = std::min(object->length - grey.from, kElementsAtOnce) + grey.from;
  if (end != object->length) push({grey.ref, end});
  for (std::uint32_t i = grey.from; i < end; ++i)
    if (const GcRef ref = load(element(*object, i)); gc_is_object(ref)) mark(ref);
}

void GcHeap::set_marking_flag(bool on) {
  *reinterpret_cast<std::uint32_t*>(base() + kGcMarkingOffset) = on ? 1 : 0;
}

void GcHeap::start_cycle() {
  blocks_.clear_marks();
  phase_ = Phase::marking;
  set_marking_flag(true);
  to_mark_ = std::max<std::uint64_t>(blocks_.used(), 1);
  allowed_ = std::min(blocks_.room() / 2, std::max(to_mark_, kFirstCycle));
  allowed_ = std::min(allowed_, std::max(blocks_.available() / 2, blocks_.committed() / 32));
  allowed_ = std::max<std::uint64_t>(allowed_, kGcBlock);
  marked_ = 0;
  revisiting_ = overflowed_ = false;
  for (const Handle& handle : handles_) shade(handle.ref);
  roots_.scan(*this);
  roots_left_ = roots_.scan_step(*this, true, 0);
}

/// What was marked but did not fit into the list of grey objects is found again by its block. False: nothing
/// is left.
bool GcHeap::revisit_some() {
  if (!revisiting_) {
    if (!overflowed_) return false;
    overflowed_ = false;
    revisiting_ = true;
    revisit_ = 0;
  }
  if (!blocks_.take_revisit(revisit_, cells_)) {
    revisiting_ = false;
    return overflowed_;
  }
  for (const GcRef ref : cells_) visit({ref, 0});
  return true;
}

void GcHeap::advance(std::uint64_t bytes, std::uint64_t units) {
  units_ = 0;
  const std::uint64_t enough = marked_ > ~0ull - bytes ? ~0ull : marked_ + bytes;
  while (units_ < units && (marked_ < enough || bytes == ~0ull)) {
    if (!grey_.empty()) {
      const Grey grey = grey_.back();
      grey_.pop_back();
      visit(grey);
    } else if (!revisit_some()) {
      if (!roots_left_) return finish_marking();
      roots_left_ = roots_.scan_step(*this, false, kElementsAtOnce);
      ++units_;
    }
  }
}

void GcHeap::finish_marking() {
  phase_ = Phase::sweeping;
  set_marking_flag(false);
  blocks_.start_sweep();
  ++statistics_.cycles;
}

/// All blocks are swept: what is in use now is what the cycle found alive, and what was allocated since.
void GcHeap::finish_cycle() {
  phase_ = Phase::idle;
  allocated_before_ = statistics_.allocated;
  const std::uint64_t used = blocks_.used();
  start_at_ = used + std::min(std::max(used, kFirstCycle), blocks_.room() / 2);
}

void GcHeap::finish_now() {
  while (phase_ == Phase::marking) advance(~0ull, ~0ull);
  if (phase_ != Phase::sweeping) return;
  blocks_.sweep(~0u);
  finish_cycle();
}

void GcHeap::collect() {
  finish_now();
  start_cycle();
  finish_now();
}

/// Whether free memory is in blocks of other classes, so that room for some may be out long before memory is.
bool GcHeap::scattered() const {
  const std::uint64_t all = blocks_.committed() + kGcBlock;
  return blocks_.available() < all / 16 &&
         statistics_.allocated - allocated_before_ > std::max(all / 16, kFirstCycle / 4);
}

/// `bytes` are about to be allocated, beside those of a run or large object that are counted already.
void GcHeap::pace(std::uint64_t bytes) {
  statistics_.allocated += std::max<std::uint64_t>(bytes, 16 * 1024);
  if (stress_ == Stress::collect) return collect();
  if (stress_ == Stress::step) {
    if (phase_ == Phase::idle) return start_cycle();
    if (phase_ == Phase::marking) return advance(1, 1);
    if (!blocks_.sweep(1)) finish_cycle();
    return;
  }
  switch (phase_) {
    case Phase::idle:
      if (blocks_.used() + bytes > start_at_ || scattered()) return start_cycle();
      // What the last cycles left over and this one will not need.
      return blocks_.release(start_at_ - std::min(start_at_, blocks_.used()) + blocks_.used() / 4,
                             kReleaseBlocks);
    case Phase::marking: {
      const std::uint64_t allocated = std::max<std::uint64_t>(bytes, 16 * 1024);
      const std::uint64_t share =
          (allocated * (to_mark_ / 1024) / std::max<std::uint64_t>(allowed_ / 1024, 1)) * 5 / 4;
      return advance(std::max<std::uint64_t>(share, 16 * 1024), kSliceUnits);
    }
    case Phase::sweeping:
      if (!blocks_.sweep(kSweepBlocks)) finish_cycle();
      return;
  }
}

}  // namespace nebulet::wasm
