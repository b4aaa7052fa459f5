// SPDX-License-Identifier: MIT
// Types, allocation and handles; gc_mark.cpp has the collector.
#include "wasm/runtime/gc_heap.h"

#include <algorithm>
#include <cstring>

namespace nebulet::wasm {
namespace {

constexpr std::uint64_t kRecordPage = kHostPage;
static_assert(kGcStateOffset % kRecordPage == 0);

}  // namespace

std::unique_ptr<GcHeap> GcHeap::create(Host& host, GcRoots& roots) {
  std::unique_ptr<GcHeap> heap(new GcHeap(host, roots));
  if (!heap->blocks_.reserve() || !heap->commit_records(kGcTypesOffset)) return nullptr;
  heap->start_at_ = std::min<std::uint64_t>(kFirstCycle, heap->blocks_.room() / 2);
  return heap;
}

GcHeap::~GcHeap() { host_.uncharge(charged_); }

bool GcHeap::commit_records(std::uint64_t end) {
  if (end <= records_committed_) return true;
  if (end > kGcObjectsOffset) return false;
  const std::uint64_t bytes = (end - records_committed_ + kRecordPage - 1) / kRecordPage * kRecordPage;
  if (!host_.charge(bytes)) return false;
  if (!host_.commit(base() + records_committed_, bytes, Host::Protection::read_write)) {
    host_.uncharge(bytes);
    return false;
  }
  charged_ += bytes;
  records_committed_ += bytes;
  return true;
}

std::uint32_t GcHeap::add_type(GcType type, std::span<const std::uint32_t> supers) {
  const auto depth = static_cast<std::uint32_t>(supers.size());
  const std::uint32_t entries = std::max(depth + 1, kGcMinDisplay);
  const std::uint64_t record = kGcTypesOffset + std::uint64_t{record_types_.size()} * kRecordStep;
  const std::uint64_t bytes =
      (sizeof(GcTypeRecord) + entries * 4 + kRecordStep - 1) / kRecordStep * kRecordStep;
  const std::uint64_t own =
      sizeof(GcType) + (type.traced_fields.size() + depth) * 4 + bytes / kRecordStep * 4;
  if (!commit_records(record + bytes) || !host_.charge(own)) return 0;
  charged_ += own;
  type.traced_fields.shrink_to_fit();
  type.supers.assign(supers.begin(), supers.end());
  types_.push_back(std::move(type));
  record_types_.push_back(static_cast<std::uint32_t>(types_.size()));
  record_types_.resize(record_types_.size() + bytes / kRecordStep - 1, 0);
  auto* written = reinterpret_cast<GcTypeRecord*>(base() + record);
  written->kind = static_cast<std::uint32_t>(types_.back().kind);
  written->depth = depth;
  std::ranges::copy(supers, written->display);
  written->display[depth] = static_cast<std::uint32_t>(record);
  return static_cast<std::uint32_t>(record);
}

bool GcHeap::is_subtype(std::uint32_t record, std::uint32_t super) const {
  const GcType* type = type_at(record);
  return type && (record == super || std::ranges::find(type->supers, super) != type->supers.end());
}

std::uint32_t GcHeap::class_for_stub(std::uint32_t type_record) const {
  const GcType* type = type_at(type_record);
  return type && type->kind == GcKind::structure && type->size <= kGcMaxSmall ? gc_class_of(type->size)
                                                                              : kGcClasses;
}

GcRef GcHeap::allocate(std::uint32_t type_record) {
  const GcType* type = type_at(type_record);
  if (!type || type->kind == GcKind::array) return 0;
  return allocate_bytes(type_record, type->size, 0);
}

GcRef GcHeap::allocate_array(std::uint32_t type_record, std::uint32_t length) {
  const GcType* type = type_at(type_record);
  if (!type || type->kind != GcKind::array) return 0;
  return allocate_bytes(type_record, kGcHeaderSize + std::uint64_t{length} * type->size, length);
}

GcRef GcHeap::allocate_bytes(std::uint32_t type_record, std::uint64_t bytes, std::uint32_t length) {
  GcRef ref = 0;
  if (stress_ == Stress::none && bytes <= kGcMaxSmall) ref = take(bytes);
  if (ref == 0) ref = take_slowly(bytes);
  if (ref != 0) *reinterpret_cast<GcHeader*>(base() + ref) = {type_record, length};
  return ref;
}

/// A zeroed cell of the current run, or 0.
GcRef GcHeap::take(std::uint64_t bytes) {
  const std::uint32_t size_class = gc_class_of(bytes);
  GcRun& run = blocks_.runs()[size_class];
  if (run.next == run.end) return 0;
  const GcRef ref = run.next;
  run.next += kGcCellSizes[size_class];
  return ref;
}

GcRef GcHeap::take_slowly(std::uint64_t bytes) {
  if (observer_.begin) observer_.begin(observer_.state);
  if (!paused_) pace(bytes);
  const auto attempt = [&]() -> GcRef {
    const bool black = phase_ == Phase::marking;
    if (bytes > kGcMaxSmall) return blocks_.take_large(bytes, black);
    const std::uint32_t size_class = gc_class_of(bytes);
    const GcRun& run = blocks_.runs()[size_class];
    return run.next != run.end || blocks_.refill(size_class, black) ? take(bytes) : 0;
  };
  GcRef ref = attempt();
  if (ref == 0 && !paused_ && phase_ != Phase::idle) {
    ++statistics_.forced;
    finish_now();
    ref = attempt();
  }
  if (ref == 0 && !paused_) {
    collect();
    ref = attempt();
  }
  if (observer_.end) observer_.end(observer_.state);
  return ref;
}

std::optional<GcObject> GcHeap::object(GcRef ref) const {
  if (!gc_is_object(ref)) return std::nullopt;
  const GcBlocks::Cell cell = blocks_.find(ref);
  if (cell.size == 0) return std::nullopt;
  std::byte* address = base() + ref;
  const GcHeader header = *reinterpret_cast<const GcHeader*>(address);
  const GcType* type = type_at(header.type);
  if (!type) return std::nullopt;
  const std::uint64_t size =
      type->kind == GcKind::array ? kGcHeaderSize + std::uint64_t{header.length} * type->size : type->size;
  if (size > cell.size) return std::nullopt;
  return GcObject{type, address, header.length, header.type};
}

std::uint32_t GcHeap::hold(GcRef ref) {
  if (free_handle_ == 0) {
    if (!host_.charge(sizeof(Handle))) return 0;
    charged_ += sizeof(Handle);
    handles_.push_back({});
    free_handle_ = static_cast<std::uint32_t>(handles_.size());
  }
  const std::uint32_t handle = free_handle_;
  free_handle_ = handles_[handle - 1].next_free;
  handles_[handle - 1] = {ref, 0};
  return handle;
}

void GcHeap::release(std::uint32_t handle) {
  shade(handles_[handle - 1].ref);
  handles_[handle - 1] = {0, free_handle_};
  free_handle_ = handle;
}

}  // namespace nebulet::wasm
