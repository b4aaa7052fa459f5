// SPDX-License-Identifier: MIT
// Bytes of x86-64 instructions, appended to a growing text, and the constants that they read. Knows encodings
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "wasm/x64/mops.h"

namespace nebulet::wasm::x64 {

/// Constants and jump tables behind the text. Equal constants are stored once.
class Rodata {
 public:
  /// Offset of the `bytes` (4, 8, 16) low bytes of `value`; 16: `value` twice.
  std::uint32_t constant(std::uint64_t value, unsigned bytes) {
    return constant(value, bytes == 16 ? value : 0, bytes);
  }
  /// Offset of 16 bytes.
  std::uint32_t constant128(std::uint64_t low, std::uint64_t high) { return constant(low, high, 16u); }
  /// Space for `count` 4-byte entries.
  std::uint32_t table(std::uint32_t count);
  std::vector<std::byte>& bytes() { return bytes_; }
  /// Forgets what lies behind the first `size` bytes.
  void truncate(std::uint32_t size);

 private:
  static constexpr std::uint32_t kForgotten = 1;
  struct Slot {
    std::uint64_t low = 0, high = 0;
    std::uint32_t bytes = 0;  ///< 0: free
    std::uint32_t offset = 0;
  };
  static std::size_t hash(std::uint64_t low, std::uint64_t high, unsigned bytes) {
    return ((low ^ high * 0xff51afd7ed558ccdu) * 0x9e3779b97f4a7c15u >> 20) + bytes;
  }
  std::uint32_t constant(std::uint64_t low, std::uint64_t high, unsigned bytes);
  std::uint32_t append(std::uint64_t low, std::uint64_t high, unsigned bytes);
  void rehash();

  std::vector<std::byte> bytes_;
  std::vector<Slot> slots_;
  std::uint32_t used_ = 0;
};

/// A memory operand. `none` registers are absent.
struct Mem {
  static constexpr std::uint8_t kNone = 0xff, kRip = 0xfe;
  std::uint8_t base = kNone, index = kNone, scale = 0;
  bool gs = false, address32 = false;
  std::int32_t disp = 0;  ///< base kRip: offset in rodata
};

/// A register or a memory operand.
struct Rm {
  bool is_mem = false;
  std::uint8_t reg = 0;
  Mem mem;
  static Rm of_reg(std::uint8_t r) { return {.is_mem = false, .reg = r, .mem = {}}; }
  static Rm of_mem(const Mem& m) { return {.is_mem = true, .reg = 0, .mem = m}; }
};

class Assembler {
 public:
  /// A rip-relative displacement to be patched: at `at`, relative to `end`.
  struct RodataFixup {
    std::uint32_t at, end, offset;
  };

  std::uint32_t size() const { return size_; }
  /// Makes room; every instruction below fits in 16 bytes. Call once for each machine instruction or
  /// sequence.
  void reserve(std::uint32_t bytes = 128) {
    if (text_.size() < size_ + bytes) grow(bytes);
  }

  /// `bytes` is the operand size; byte_reg and byte_rm say that a register is used as a byte register.
  void legacy(const MOpInfo& op, std::uint8_t opcode, unsigned bytes, std::uint8_t reg, const Rm& rm,
              unsigned imm_bytes, bool byte_reg = false, bool byte_rm = false);
  void vex(const MOpInfo& op, unsigned bytes, std::uint8_t reg, std::uint8_t v, const Rm& rm,
           unsigned imm_bytes);

  void byte(std::uint8_t b) { text_[size_++] = std::byte{b}; }
  void word(std::uint16_t w) { put(&w, 2); }
  void dword(std::uint32_t d) { put(&d, 4); }
  void qword(std::uint64_t q) { put(&q, 8); }

  /// mov r, imm in its shortest form; `xor r, r` for 0 where the flags are dead.
  void move_immediate(std::uint8_t reg, std::uint64_t value, bool flags_dead);

  /// Code that was assembled elsewhere.
  void append(std::span<const std::byte> code) {
    text_.resize(size_);
    text_.insert(text_.end(), code.begin(), code.end());
    size_ = static_cast<std::uint32_t>(text_.size());
  }

  std::vector<std::byte>& text() { return text_; }
  void truncate(std::uint32_t size) { size_ = size; }
  std::vector<RodataFixup>& rodata_fixups() { return rodata_fixups_; }

 private:
  void grow(std::uint32_t bytes);
  void put(const void* from, std::uint32_t n) {
    std::memcpy(text_.data() + size_, from, n);
    size_ += n;
  }
  void modrm(std::uint8_t reg, const Rm& rm, unsigned imm_bytes);

  std::vector<std::byte> text_;
  std::uint32_t size_ = 0;
  std::vector<RodataFixup> rodata_fixups_;
};

}  // namespace nebulet::wasm::x64
