// SPDX-License-Identifier: MIT
#include "wasm/binary/reader.h"

#include <charconv>

namespace nebulet::wasm {

// Spec 5.2.2: at most ceil(bits / 7) bytes, and the unused bits of the last one are zero.
std::uint64_t Reader::leb_unsigned(unsigned bits) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint32_t at = position();
    const std::uint8_t b = byte();
    if (failed_) return 0;
    const unsigned left = bits - shift;
    if (left < 7 && (b & 0x7f) >> left) {
      fail(Error::Kind::malformed, at, "integer too large");
      return 0;
    }
    value |= std::uint64_t{b & 0x7fu} << shift;
    if (!(b & 0x80)) return value;
    if (left <= 7) {
      fail(Error::Kind::malformed, at, "integer representation too long");
      return 0;
    }
  }
}

// The unused bits of the last byte repeat the sign.
std::int64_t Reader::leb_signed(unsigned bits) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint32_t at = position();
    const std::uint8_t b = byte();
    if (failed_) return 0;
    const unsigned left = bits - shift;
    if (left < 7) {
      const std::uint8_t unused = static_cast<std::uint8_t>((0x7f << (left - 1)) & 0x7f);
      if ((b & unused) != 0 && (b & unused) != unused) {
        fail(Error::Kind::malformed, at, "integer too large");
        return 0;
      }
    }
    value |= std::uint64_t{b & 0x7fu} << shift;
    if (!(b & 0x80)) {
      if ((b & 0x40) && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
      return static_cast<std::int64_t>(value);
    }
    if (left <= 7) {
      fail(Error::Kind::malformed, at, "integer representation too long");
      return 0;
    }
  }
}

std::uint32_t Reader::skip(std::uint32_t count) {
  const std::uint32_t at = position();
  if (count > remaining()) {
    malformed("length out of bounds");
    return at;
  }
  cursor_ += count;
  return at;
}

std::string_view Reader::name() {
  const std::uint32_t length = u32();
  const std::uint32_t at = skip(length);
  if (failed_) return {};
  const std::span<const std::uint8_t> bytes(base_ + at, length);
  if (!is_utf8(bytes)) {
    fail(Error::Kind::malformed, at, "malformed UTF-8 encoding");
    return {};
  }
  return {reinterpret_cast<const char*>(bytes.data()), length};
}

bool Reader::fail(Error::Kind kind, std::uint32_t position, std::string_view message) {
  if (failed_) return false;
  failed_ = true;
  end_ = cursor_;
  error_ = Error{kind, position, std::string(message)};
  return false;
}

std::uint8_t Reader::fail_at_end() {
  malformed(end_message_);
  return 0;
}

std::string with_number(std::string_view message, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  std::string text(message);
  text += ' ';
  text.append(digits, end);
  return text;
}

// Unicode 15, table 3-7: the well-formed sequences differ only in the range of their second byte.
bool is_utf8(std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint8_t lead = bytes[i++];
    if (lead < 0x80) continue;
    const unsigned more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (more == 0 || bytes.size() - i < more) return false;
    const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (bytes[i] < low || bytes[i] > high) return false;
    for (unsigned k = 1; k < more; ++k)
      if ((bytes[i + k] & 0xc0) != 0x80) return false;
    i += more;
  }
  return true;
}

}  // namespace nebulet::wasm
