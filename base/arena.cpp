// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <algorithm>

namespace nebulet {

Arena::~Arena() {
  reset();
  for (Chunk* chunk = first_; chunk;) {
    Chunk* next = chunk->next;
    ::operator delete(chunk);
    chunk = next;
  }
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t align) {
  const std::size_t needed = bytes + align;
  if (bytes > kChunkSize && align <= alignof(Large)) return allocate_large(bytes);
  Chunk* next = current_ ? current_->next : first_;
  if (!next || next->size < needed) {
    const std::size_t size = std::max(kChunkSize, needed);
    auto* chunk = static_cast<Chunk*>(::operator new(sizeof(Chunk) + size));
    *chunk = {.next = next, .size = size};
    (current_ ? current_->next : first_) = chunk;
    add_footprint(size);
    next = chunk;
  }
  current_ = next;
  used_ += next->size;
  cursor_ = reinterpret_cast<std::byte*>(next + 1);
  end_ = cursor_ + next->size;
  return allocate(bytes, align);
}

void* Arena::allocate_large(std::size_t bytes) {
  auto* large = static_cast<Large*>(::operator new(sizeof(Large) + bytes));
  *large = {.next = large_, .link = &large_, .size = bytes, .pad = 0};
  if (large_) large_->link = &large->next;
  large_ = large;
  add_footprint(bytes);
  used_ += bytes;
  return large + 1;
}

void Arena::give_back_large(void* at) {
  Large* large = static_cast<Large*>(at) - 1;
  *large->link = large->next;
  if (large->next) large->next->link = large->link;
  footprint_ -= large->size;
  used_ -= large->size;
  ::operator delete(large);
}

void Arena::reset() {
  while (large_) give_back_large(large_ + 1);
  current_ = nullptr;
  used_ = 0;
  cursor_ = end_ = nullptr;
}

}  // namespace nebulet
