// SPDX-License-Identifier: MIT
// Bytes of the binary format (spec 5.2), for the module generator.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace nebulet::fuzz {

class Encoder {
 public:
  std::vector<std::uint8_t> bytes;

  void byte(std::uint32_t value) { bytes.push_back(static_cast<std::uint8_t>(value)); }
  void raw(std::initializer_list<std::uint8_t> values) { bytes.insert(bytes.end(), values); }
  void fixed(std::uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i) byte(static_cast<std::uint8_t>(value >> 8 * i));
  }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value) | 0x80u);
    byte(static_cast<std::uint8_t>(value));
  }
  void signed_number(std::int64_t value) {
    for (; value < -64 || value >= 64; value >>= 7) byte((static_cast<std::uint32_t>(value) & 0x7f) | 0x80);
    byte(static_cast<std::uint32_t>(value) & 0x7f);
  }
  /// An opcode: one byte, or prefix << 12 | number.
  void op(std::uint32_t code) {
    if (code < 0x1000) return byte(code);
    byte(code >> 12);
    number(code & 0xfff);
  }
  void name(std::string_view text) {
    number(text.size());
    bytes.insert(bytes.end(), text.begin(), text.end());
  }
  /// Another encoder's bytes behind their length.
  void counted(const Encoder& other) {
    number(other.bytes.size());
    append(other);
  }
  void append(const Encoder& other) { bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end()); }
};

}  // namespace nebulet::fuzz
