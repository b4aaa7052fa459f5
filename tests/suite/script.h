// SPDX-License-Identifier: MIT
// The binary form of a .wast script, as script.mjs writes it: a name, then commands. Bytes, LEB128 numbers
// and counted strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nebulet::suite {

enum class Op : std::uint8_t {
  end,
  module,
  definition,
  instance,
  register_,
  action,
  assert_return,
  assert_trap,
  assert_exhaustion,
  assert_exception,
  assert_invalid,
  assert_malformed,
  assert_unlinkable,
  assert_uninstantiable,
  text,         ///< the assembler refused the module, as the script expects
  unassembled,  ///< the assembler refused a module that must be good
};

/// Tags of arguments and of patterns of results.
enum class Tag : std::uint8_t {
  i32 = 1,
  i64,
  f32,
  f64,
  v128,
  ref_null,
  ref_extern,
  ref_host,
  ref_pattern,
  either
};
enum class Nan : std::uint8_t { none, canonical, arithmetic };
enum class RefPattern : std::uint8_t { any, eq, i31, struct_, array, func, exn, extern_, host };

/// Reads one script, or several one after another. A script that is cut off reads as zeros and ends.
class ScriptReader {
 public:
  explicit ScriptReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t part = byte();
      value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
      if (!(part & 0x80)) break;
    }
    return value;
  }
  std::span<const std::byte> bytes() {
    const std::uint64_t size = number();
    const auto found = rest_.first(size < rest_.size() ? size : rest_.size());
    rest_ = rest_.subspan(found.size());
    return found;
  }
  std::string_view string() {
    const auto found = bytes();
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace nebulet::suite
