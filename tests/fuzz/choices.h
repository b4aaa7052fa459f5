// SPDX-License-Identifier: MIT
// The fuzzer's bytes as decisions. When they are used up every decision is 0, for which generators keep their
// simplest form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace nebulet::fuzz {

class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool done() const { return size_ == 0; }
  std::uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  /// 0 … n - 1
  std::uint32_t below(std::uint32_t n) {
    if (n <= 1) return 0;
    return (n <= 256 ? byte() : byte() | byte() << 8) % n;
  }
  bool one_in(std::uint32_t n) { return below(n) == n - 1; }
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{byte()} << 8 * i;
    return value;
  }
  /// One of a list that can be indexed.
  const auto& of(const auto& items) { return items[below(static_cast<std::uint32_t>(std::size(items)))]; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace nebulet::fuzz
