// SPDX-License-Identifier: MIT
// Reads little-endian data that may end anywhere. After the first read past the end everything reads as zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace nebulet::wasm::debug {

class Cursor {
 public:
  Cursor() = default;
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return !ok_ || at_ == bytes_.size(); }
  std::size_t position() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  template <class T>
  T read() {
    T value = 0;
    if (!check(sizeof(T))) return 0;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::uint8_t u8() { return read<std::uint8_t>(); }
  std::uint16_t u16() { return read<std::uint16_t>(); }
  std::uint32_t u32() { return read<std::uint32_t>(); }
  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t b = u8();
      if (shift < 64) value |= std::uint64_t{b & 0x7fu} << shift;
      if (!(b & 0x80)) return value;
    }
  }
  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const std::uint8_t b = u8();
      if (shift < 64) value |= std::uint64_t{b & 0x7fu} << shift;
      shift += 7;
      if (b & 0x80) continue;
      if (shift < 64 && (b & 0x40)) value |= ~std::uint64_t{0} << shift;
      return static_cast<std::int64_t>(value);
    }
  }
  /// Up to the terminating zero, which is skipped.
  std::string_view string() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const void* end = left() ? std::memchr(begin, 0, left()) : nullptr;
    if (!end) {
      ok_ = false;
      at_ = bytes_.size();
      return {};
    }
    const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - begin);
    at_ += size + 1;
    return {begin, size};
  }
  void skip(std::uint64_t n) {
    if (check(n)) at_ += n;
  }
  void seek(std::uint64_t at) {
    if (at > bytes_.size()) ok_ = false;
    at_ = ok_ ? static_cast<std::size_t>(at) : bytes_.size();
  }
  /// The next `n` bytes, which are skipped here.
  Cursor part(std::uint64_t n) {
    if (!check(n)) return {};
    Cursor inner(bytes_.subspan(at_, n));
    at_ += n;
    return inner;
  }

 private:
  bool check(std::uint64_t n) {
    if (n <= left()) return ok_;
    ok_ = false;
    at_ = bytes_.size();
    return false;
  }
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace nebulet::wasm::debug
