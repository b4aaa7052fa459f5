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

/// A bump allocator over a chain of chunks. `reset` keeps the chunks for the next function. What is larger
/// than a chunk is kept apart and goes back to the heap with `reset`, or earlier when an array has grown out
/// of it. One thread at a time. Chunks come from operator new: the caller bounds what it asks for (compile
/// fuel) before it asks.
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

  /// The array at `at` is not used any more. Whether that helps depends on its size.
  void give_back(void* at, std::size_t bytes) {
    if (bytes > kChunkSize) give_back_large(at);
  }
  /// Forgets every allocation; keeps the chunks.
  void reset();
  /// Bytes held, used or not; and the most so far.
  std::size_t footprint() const { return footprint_; }
  std::size_t peak() const { return peak_; }
  /// Bytes that allocations since the last `reset` occupy, with what is left over in their chunks.
  std::size_t used() const { return used_; }

 private:
  static constexpr std::size_t kChunkSize = 256 * 1024;
  struct Chunk {
    Chunk* next;
    std::size_t size;
  };
  struct Large {
    Large *next, **link;  ///< `link` is what points here
    std::size_t size;
    std::size_t pad;
  };
  static_assert(sizeof(Large) % 16 == 0);
  void* allocate_large(std::size_t bytes);
  void give_back_large(void* at);
  void add_footprint(std::size_t bytes) {
    footprint_ += bytes;
    if (footprint_ > peak_) peak_ = footprint_;
  }
  void* allocate_slow(std::size_t bytes, std::size_t align);

  std::byte* cursor_ = nullptr;
  std::byte* end_ = nullptr;
  Chunk* first_ = nullptr;
  Chunk* current_ = nullptr;
  Large* large_ = nullptr;
  std::size_t footprint_ = 0, peak_ = 0, used_ = 0;
};

/// What happens to the old copy of an array that has grown.
enum class Growth : bool {
  keeps,       ///< it stays in the arena: old references can still be read
  gives_back,  ///< a large one goes back to the heap: no reference and no copy of the vector may be used any
               ///< more
};

/// A growing array in an arena. Elements must be trivially copyable.
template <class T>
class ArenaVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit ArenaVector(Arena& arena, Growth growth = Growth::keeps) : arena_(&arena), growth_(growth) {}

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
    if (growth_ == Growth::gives_back && std::size_t{capacity_} * sizeof(T) > kSlowGrowth)
      capacity = capacity_ + capacity_ / 2;
    if (capacity < at_least) capacity = at_least;
    T* data = arena_->allocate_array<T>(capacity).data();
    if (size_) std::memcpy(data, data_, size_ * sizeof(T));
    if (growth_ == Growth::gives_back && capacity_)
      arena_->give_back(data_, std::size_t{capacity_} * sizeof(T));
    data_ = data;
    capacity_ = capacity;
  }

  static constexpr std::size_t kSlowGrowth = 1 << 20;  ///< from this size on by half

  Arena* arena_;
  T* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  Growth growth_;
};

}  // namespace nebulet
