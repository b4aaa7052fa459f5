// SPDX-License-Identifier: MIT
// Reads the binary format's primitives (spec 5.2) from a bounded range of a module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "wasm/error.h"

namespace nebulet::wasm {

/// A cursor with a sticky error: after the first failure every read returns 0 and the range is empty, so that
/// callers test `ok()` once per step, not per byte. A loop over a count from the input must test it in each
/// round.
class Reader {
 public:
  /// Reads bytes[begin, end); positions are offsets in `bytes`, which is below 4 GiB.
  Reader(std::span<const std::byte> bytes, std::uint32_t begin, std::uint32_t end)
      : base_(reinterpret_cast<const std::uint8_t*>(bytes.data())),
        cursor_(base_ + begin),
        end_(base_ + end) {}

  bool ok() const { return !failed_; }
  std::uint32_t position() const { return static_cast<std::uint32_t>(cursor_ - base_); }
  std::uint32_t remaining() const { return static_cast<std::uint32_t>(end_ - cursor_); }
  bool at_end() const { return cursor_ == end_; }
  /// The next byte, which stays; 0 at the end.
  std::uint8_t peek() const { return cursor_ == end_ ? 0 : *cursor_; }

  std::uint8_t byte() {
    if (cursor_ == end_) [[unlikely]]
      return fail_at_end();
    return *cursor_++;
  }
  std::uint32_t u32() {
    if (cursor_ != end_ && *cursor_ < 0x80) [[likely]]
      return *cursor_++;
    return static_cast<std::uint32_t>(leb_unsigned(32));
  }
  std::uint64_t u64() {
    if (cursor_ != end_ && *cursor_ < 0x80) [[likely]]
      return *cursor_++;
    return leb_unsigned(64);
  }
  std::int32_t s32() {
    if (cursor_ != end_ && *cursor_ < 0x80) [[likely]]
      return static_cast<std::int8_t>(static_cast<std::uint8_t>(*cursor_++ << 1)) >> 1;
    return static_cast<std::int32_t>(leb_signed(32));
  }
  std::int64_t s33() { return leb_signed(33); }
  std::int64_t s64() { return leb_signed(64); }
  std::uint32_t f32() { return fixed<std::uint32_t>(); }
  std::uint64_t f64() { return fixed<std::uint64_t>(); }

  /// Moves over `count` bytes and returns the position of the first.
  std::uint32_t skip(std::uint32_t count);
  /// A length and as many bytes of UTF-8 (spec 5.2.4).
  std::string_view name();

  /// Records the error unless there is one already; always false, for `return reader.fail(…)`.
  bool fail(Error::Kind kind, std::uint32_t position, std::string_view message);
  bool malformed(std::string_view message) { return fail(Error::Kind::malformed, position(), message); }
  /// The recorded error; `ok()` must be false.
  Error take_error() { return std::move(error_); }
  /// What running out of bytes means in this range.
  void set_end_message(std::string_view message) { end_message_ = message; }

 private:
  template <class T>
  T fixed() {
    T value{};
    if (remaining() < sizeof(T)) {
      fail_at_end();
      return value;
    }
    std::memcpy(&value, cursor_, sizeof(T));
    cursor_ += sizeof(T);
    return value;
  }
  std::uint64_t leb_unsigned(unsigned bits);
  std::int64_t leb_signed(unsigned bits);
  std::uint8_t fail_at_end();

  const std::uint8_t* base_;
  const std::uint8_t* cursor_;
  const std::uint8_t* end_;
  bool failed_ = false;
  std::string_view end_message_ = "unexpected end of section or function";
  Error error_;
};

/// `message` followed by a number.
std::string with_number(std::string_view message, std::uint64_t number);
bool is_utf8(std::span<const std::uint8_t> bytes);

}  // namespace nebulet::wasm
