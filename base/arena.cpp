// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <algorithm>

namespace nebulet {

constexpr std::size_t kChunkSize = 256 * 1024;

Arena::~Arena() {
  for (Chunk* chunk = first_; chunk;) {
    Chunk* next = chunk->next;
    ::operator delete(chunk);
    chunk = next;
  }
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t align) {
  const std::size_t needed = bytes + align;
  Chunk* next = current_ ? current_->next : first_;
  if (!next || next->size < needed) {
    const std::size_t size = std::max(kChunkSize, needed);
    auto* chunk = static_cast<Chunk*>(::operator new(sizeof(Chunk) + size));
    *chunk = {.next = next, .size = size};
    (current_ ? current_->next : first_) = chunk;
    footprint_ += size;
    next = chunk;
  }
  current_ = next;
  cursor_ = reinterpret_cast<std::byte*>(next + 1);
  end_ = cursor_ + next->size;
  return allocate(bytes, align);
}

void Arena::reset() {
  current_ = nullptr;
  cursor_ = end_ = nullptr;
}

}  // namespace nebulet
