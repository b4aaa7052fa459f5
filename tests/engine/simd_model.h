// SPDX-License-Identifier: MIT
// What the vector instructions compute, lane by lane in plain C++, found by their names in the text format.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nebulet::test {

struct V128 {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const V128&) const = default;

  template <class T>
  T get(unsigned lane) const {
    T value;
    std::memcpy(&value, bytes.data() + lane * sizeof(T), sizeof(T));
    return value;
  }
  template <class T>
  void set(unsigned lane, T value) {
    std::memcpy(bytes.data() + lane * sizeof(T), &value, sizeof(T));
  }
  std::uint64_t low() const { return get<std::uint64_t>(0); }
  std::uint64_t high() const { return get<std::uint64_t>(1); }
  static V128 of(std::uint64_t low, std::uint64_t high) {
    V128 v;
    v.set(0, low);
    v.set(1, high);
    return v;
  }
};

struct Expected {
  V128 value;
  /// Bytes of the lanes whose NaN may have any payload; 0: every bit counts.
  unsigned nan_lanes = 0;
};

/// The result of an instruction without memory or immediate bytes. Scalars are in the low bytes of an operand
/// and of the result. Relaxed instructions have the results that generated-code.md promises.
Expected simd_model(std::string_view name, unsigned lane, const V128& a, const V128& b, const V128& c);

/// Whether `actual` is a result that the model allows.
bool simd_matches(const Expected& expected, const V128& actual);

}  // namespace nebulet::test
