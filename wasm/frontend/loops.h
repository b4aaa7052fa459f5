// SPDX-License-Identifier: MIT
// Finds which locals each loop assigns before its body is walked, so that only these get header parameters.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "wasm/binary/reader.h"

namespace nebulet::wasm {

/// Reads ahead over an outermost loop once; its inner loops are then known too, so no byte is read ahead
/// twice.
class LoopScan {
 public:
  LoopScan(std::span<const std::byte> bytes, Arena& arena)
      : bytes_(bytes), loops_(arena), assigned_(arena), open_(arena) {}

  /// Locals that the loop with its first instruction at `body` assigns, in a function that ends at `end`;
  /// with repetitions. Calls must come in the order of the bytes. Invalid code gives what was found until
  /// there.
  std::span<const std::uint32_t> assigned_in(std::uint32_t body, std::uint32_t end);

 private:
  struct Loop {
    std::uint32_t body;         ///< position of the first instruction
    std::uint32_t first, last;  ///< range in assigned_
  };
  static constexpr std::uint32_t kNotLoop = 0xffffffff;
  void scan(Reader reader);
  bool skip_instruction(Reader& reader);
  static void skip_type(Reader& reader);

  std::span<const std::byte> bytes_;
  ArenaVector<Loop> loops_;
  ArenaVector<std::uint32_t> assigned_;
  ArenaVector<std::uint32_t> open_;  ///< for each open block its entry in loops_, or kNotLoop
  std::uint32_t next_ = 0;           ///< loops before this one were asked for, or are behind
  std::uint32_t scanned_ = 0;        ///< position up to which the bytes were read
};

}  // namespace nebulet::wasm
