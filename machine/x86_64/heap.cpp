// SPDX-License-Identifier: MIT
// The kernel's heap behind operator new: objects up to a page from lists by size, blocks up to 4 MiB from the
// frame allocator through the direct map, larger ones from address space of their own. Never used by
// interrupt handlers.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "machine/include/machine/memory.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

// Multiples of 16; those that are powers of two are aligned to themselves.
constexpr std::uint16_t kSizes[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048};
constexpr std::uint8_t kClasses = sizeof kSizes / sizeof kSizes[0];
constexpr std::size_t kLargestObject = 2048;
constexpr std::size_t kLargestBlock = kPageSize << kMaxOrder;

// Notes of the frame allocator: which list a page's objects belong to, or the order of a block.
constexpr std::uint8_t kObjects = 0x40;
constexpr std::uint8_t kBlock = 0x80;

struct FreeObject {
  FreeObject* next;
};
struct ObjectList {
  SpinLock lock;
  FreeObject* first = nullptr;
  std::byte* fresh = nullptr;  ///< the rest of the last page, never handed out
  std::byte* fresh_end = nullptr;
};
ObjectList g_lists[kClasses];

/// Before a block with address space of its own. The block starts a page later.
struct LargeHeader {
  std::uint64_t reserved_size;
};

std::uint8_t class_of(std::size_t size) {
  std::uint8_t c = 0;
  while (kSizes[c] < size) ++c;
  return c;
}

void* allocate_object(std::uint8_t c) {
  ObjectList& list = g_lists[c];
  SpinGuard guard(list.lock);
  if (FreeObject* object = list.first) {
    list.first = object->next;
    return object;
  }
  if (list.fresh_end - list.fresh < kSizes[c]) {
    const PhysicalAddress frame = allocate_frames(0);
    if (frame == kNoFrame) return nullptr;
    set_frame_note(frame, kObjects + c);
    list.fresh = direct(frame);
    list.fresh_end = list.fresh + kPageSize;
  }
  void* object = list.fresh;
  list.fresh += kSizes[c];
  return object;
}

void* allocate_block(std::size_t size) {
  const auto order = static_cast<std::uint32_t>(std::bit_width((size - 1) / kPageSize));
  const PhysicalAddress frame = allocate_frames(order);
  if (frame == kNoFrame) return nullptr;
  set_frame_note(frame, static_cast<std::uint8_t>(kBlock + order));
  return direct(frame);
}

void* allocate_large(std::size_t size) {
  const std::uint64_t whole = ((size + kPageSize - 1) & ~(kPageSize - 1)) + kPageSize;
  std::byte* base = reserve(whole, kPageSize);
  if (!base) return nullptr;
  if (!commit(base, whole, Protection::read_write)) {
    release(base, whole);
    return nullptr;
  }
  reinterpret_cast<LargeHeader*>(base)->reserved_size = whole;
  return base + kPageSize;
}

void* allocate(std::size_t size, std::size_t align) {
  if (align > 16) {
    NB_ASSERT(align <= kPageSize);
    size = std::bit_ceil(std::max(size, align));
  }
  if (size <= kLargestObject) return allocate_object(class_of(std::max<std::size_t>(size, 1)));
  if (size <= kLargestBlock) {
    if (void* block = allocate_block(size))
      return block;  // else memory is in pieces, which pages can still use
  }
  return allocate_large(size);
}

void* allocate_or_panic(std::size_t size, std::size_t align) {
  void* at = allocate(size, align);
  if (!at) panic("out of memory for the kernel's heap");
  return at;
}

void deallocate(void* at) {
  if (!at) return;
  const auto address = reinterpret_cast<std::uint64_t>(at);
  if (address - kDirectMap >= kDirectMapSize) {
    std::byte* base = static_cast<std::byte*>(at) - kPageSize;
    release(base, reinterpret_cast<LargeHeader*>(base)->reserved_size);
    return;
  }
  const PhysicalAddress page = direct_to_physical(at) & ~PhysicalAddress{kPageSize - 1};
  const std::uint8_t note = frame_note(page);
  if (note >= kBlock && note <= kBlock + kMaxOrder) {
    NB_ASSERT(address % kPageSize == 0);
    free_frames(page, note - kBlock);
    return;
  }
  NB_ASSERT(note >= kObjects && note < kObjects + kClasses);
  ObjectList& list = g_lists[note - kObjects];
  SpinGuard guard(list.lock);
  auto* object = static_cast<FreeObject*>(at);
  object->next = list.first;
  list.first = object;
}

}  // namespace
}  // namespace nebulet::machine

using nebulet::machine::allocate;
using nebulet::machine::allocate_or_panic;
using nebulet::machine::deallocate;

void* operator new(std::size_t size) { return allocate_or_panic(size, 16); }
void* operator new[](std::size_t size) { return allocate_or_panic(size, 16); }
void* operator new(std::size_t size, std::align_val_t align) {
  return allocate_or_panic(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return allocate_or_panic(size, static_cast<std::size_t>(align));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 16); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(align));
}
void operator delete(void* at) noexcept { deallocate(at); }
void operator delete[](void* at) noexcept { deallocate(at); }
void operator delete(void* at, std::size_t) noexcept { deallocate(at); }
void operator delete[](void* at, std::size_t) noexcept { deallocate(at); }
void operator delete(void* at, std::align_val_t) noexcept { deallocate(at); }
void operator delete[](void* at, std::align_val_t) noexcept { deallocate(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { deallocate(at); }
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept { deallocate(at); }
