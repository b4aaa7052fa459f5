// SPDX-License-Identifier: MIT
// Arena: memory of one compilation, given back at once. Not for anything that outlives it or has a
// destructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <span>
#include <type_traits>

#include "base/assert.h"

namespace nebulet {

/// A bump allocator over a chain of chunks. `reset` keeps the chunks for the next function. One thread at a
/// time. Chunks come from operator new: the caller bounds what it asks for (compile fuel) before it asks.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  void* allocate(std::size_t bytes, std::size_t align) {
    std::uintptr_t at = (reinterpret_cast<std::uintptr_t>(cursor_) + align - 1) & ~(align - 1);
    if (at + bytes > reinterpret_cast<std::uintptr_t>(end_)) return allocate_slow(bytes, align);
    cursor_ = reinterpret_cast<std::byte*>(at + bytes);
    return reinterpret_cast<void*>(at);
  }

  template <class T>
  std::span<T> allocate_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return {static_cast<T*>(allocate(count * sizeof(T), alignof(T))), count};
  }
  template <class T>
  std::span<T> allocate_array(std::size_t count, const T& fill) {
    auto array = allocate_array<T>(count);
    for (T& element : array) element = fill;
    return array;
  }

  /// Forgets every allocation; keeps the memory.
  void reset();
  /// Bytes held in chunks, used or not.
  std::size_t footprint() const { return footprint_; }

 private:
  struct Chunk {
    Chunk* next;
    std::size_t size;
  };
  void* allocate_slow(std::size_t bytes, std::size_t align);

  std::byte* cursor_ = nullptr;
  std::byte* end_ = nullptr;
  Chunk* first_ = nullptr;
  Chunk* current_ = nullptr;
  std::size_t footprint_ = 0;
};

/// A growing array in an arena. Elements must be trivially copyable; growth leaves the old copy to the arena.
template <class T>
class ArenaVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit ArenaVector(Arena& arena) : arena_(&arena) {}

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) {
    NB_DEBUG_ASSERT(i < size_);
    return data_[i];
  }
  const T& operator[](std::size_t i) const {
    NB_DEBUG_ASSERT(i < size_);
    return data_[i];
  }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }
  std::span<T> slice(std::uint32_t at, std::uint32_t count) {
    NB_DEBUG_ASSERT(at + count <= size_);
    return {data_ + at, count};
  }
  std::span<const T> slice(std::uint32_t at, std::uint32_t count) const {
    NB_DEBUG_ASSERT(at + count <= size_);
    return {data_ + at, count};
  }

  void push_back(const T& value) {
    const T copy = value;  // `value` may live in the array that grows
    if (size_ == capacity_) grow(size_ + 1);
    data_[size_++] = copy;
  }
  void pop_back() {
    NB_DEBUG_ASSERT(size_ > 0);
    --size_;
  }
  void clear() { size_ = 0; }
  void reserve(std::uint32_t count) {
    if (count > capacity_) grow(count);
  }
  void resize(std::uint32_t count, const T& fill = T{}) {
    reserve(count);
    for (std::uint32_t i = size_; i < count; ++i) data_[i] = fill;
    size_ = count;
  }
  void append(std::span<const T> values) {
    reserve(size_ + static_cast<std::uint32_t>(values.size()));
    if (!values.empty()) std::memcpy(data_ + size_, values.data(), values.size_bytes());
    size_ += static_cast<std::uint32_t>(values.size());
  }

 private:
  void grow(std::uint32_t at_least) {
    std::uint32_t capacity = capacity_ ? capacity_ * 2 : 8;
    if (capacity < at_least) capacity = at_least;
    T* data = arena_->allocate_array<T>(capacity).data();
    if (size_) std::memcpy(data, data_, size_ * sizeof(T));
    data_ = data;
    capacity_ = capacity;
  }

  Arena* arena_;
  T* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace nebulet
