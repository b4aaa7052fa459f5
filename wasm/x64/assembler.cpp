// SPDX-License-Identifier: MIT
#include "wasm/x64/assembler.h"

namespace nebulet::wasm::x64 {

std::uint32_t Rodata::append(std::uint64_t low, std::uint64_t high, unsigned bytes) {
  const std::uint32_t at = (static_cast<std::uint32_t>(bytes_.size()) + bytes - 1) & ~(bytes - 1);
  bytes_.resize(at + bytes);
  std::memcpy(bytes_.data() + at, &low, bytes < 8 ? bytes : 8);
  if (bytes == 16) std::memcpy(bytes_.data() + at + 8, &high, 8);
  return at;
}

void Rodata::rehash() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? 64 : old.size() * 2, Slot{});
  for (const Slot& slot : old) {
    if (!slot.bytes || slot.bytes == kForgotten) continue;
    std::size_t i = hash(slot.low, slot.high, slot.bytes);
    while (slots_[i &= slots_.size() - 1].bytes) ++i;
    slots_[i] = slot;
  }
}

std::uint32_t Rodata::constant(std::uint64_t low, std::uint64_t high, unsigned bytes) {
  // A module that provokes collisions gets its constants stored twice, not a slow compilation.
  constexpr unsigned kMaxProbes = 16;
  if (used_ * 2 >= slots_.size() && slots_.size() < (1u << 16)) rehash();
  std::size_t i = hash(low, high, bytes);
  for (unsigned probe = 0; probe < kMaxProbes; ++probe, ++i) {
    Slot& slot = slots_[i & (slots_.size() - 1)];
    if (slot.bytes == bytes && slot.low == low && slot.high == high) return slot.offset;
    if (slot.bytes && slot.bytes != kForgotten) continue;
    slot = {low, high, bytes, append(low, high, bytes)};
    ++used_;
    return slot.offset;
  }
  return append(low, high, bytes);
}

std::uint32_t Rodata::table(std::uint32_t count) {
  const std::uint32_t at = (static_cast<std::uint32_t>(bytes_.size()) + 3) & ~3u;
  bytes_.resize(at + count * 4);
  return at;
}

void Rodata::truncate(std::uint32_t size) {
  // The places of other constants depend on those that are forgotten, so these stay, without a value.
  for (Slot& slot : slots_)
    if (slot.bytes && slot.offset >= size) slot = {0, kForgotten, 0};
  bytes_.resize(size);
}

void Assembler::grow(std::uint32_t bytes) {
  std::size_t size = text_.size() ? text_.size() * 2 : 4096;
  while (size < size_ + bytes) size *= 2;
  text_.resize(size);
}

// ModRM, SIB and displacement. rbp and r13 as base need a displacement, rsp and r12 need a SIB byte.
void Assembler::modrm(std::uint8_t reg, const Rm& rm, unsigned imm_bytes) {
  const unsigned r = (reg & 7u) << 3;
  if (!rm.is_mem) return byte(static_cast<std::uint8_t>(0xc0 | r | (rm.reg & 7)));
  const Mem& m = rm.mem;
  if (m.base == Mem::kRip) {
    byte(static_cast<std::uint8_t>(r | 5));
    rodata_fixups_.push_back({size_, size_ + 4 + imm_bytes, static_cast<std::uint32_t>(m.disp)});
    return dword(0);
  }
  const bool has_base = m.base != Mem::kNone, has_index = m.index != Mem::kNone;
  if (!has_base) {  // [index*scale + disp32] or [disp32]
    byte(static_cast<std::uint8_t>(r | 4));
    byte(static_cast<std::uint8_t>(m.scale << 6 | (has_index ? (m.index & 7) << 3 : 4 << 3) | 5));
    return dword(static_cast<std::uint32_t>(m.disp));
  }
  const unsigned mod = m.disp == 0 && (m.base & 7) != 5             ? 0
                       : m.disp == static_cast<std::int8_t>(m.disp) ? 1
                                                                    : 2;
  if (has_index || (m.base & 7) == 4) {
    byte(static_cast<std::uint8_t>(mod << 6 | r | 4));
    byte(static_cast<std::uint8_t>(m.scale << 6 | (has_index ? (m.index & 7) << 3 : 4 << 3) | (m.base & 7)));
  } else {
    byte(static_cast<std::uint8_t>(mod << 6 | r | (m.base & 7)));
  }
  if (mod == 1) byte(static_cast<std::uint8_t>(m.disp));
  if (mod == 2) dword(static_cast<std::uint32_t>(m.disp));
}

namespace {
struct Extension {
  unsigned x = 0, b = 0;
};
Extension extension(const Rm& rm) {
  if (!rm.is_mem) return {0, static_cast<unsigned>(rm.reg >> 3)};
  Extension e;
  if (rm.mem.index != Mem::kNone) e.x = rm.mem.index >> 3;
  if (rm.mem.base < 16) e.b = rm.mem.base >> 3;
  return e;
}
}  // namespace

void Assembler::legacy(const MOpInfo& op, std::uint8_t opcode, unsigned bytes, std::uint8_t reg, const Rm& rm,
                       unsigned imm_bytes, bool byte_reg, bool byte_rm) {
  const Extension e = extension(rm);
  if (rm.is_mem && rm.mem.gs) byte(0x65);
  if (rm.is_mem && rm.mem.address32) byte(0x67);
  if (bytes == 2) byte(0x66);
  if (op.prefix) byte(op.prefix);
  unsigned rex = (bytes == 8 ? 8u : 0) | (reg >> 3) << 2 | e.x << 1 | e.b;
  // spl, bpl, sil, dil need a REX prefix; without it the encoding means ah, ch, dh, bh.
  if (rex || (byte_reg && reg >= 4) || (byte_rm && !rm.is_mem && rm.reg >= 4))
    byte(static_cast<std::uint8_t>(0x40 | rex));
  if (op.map) byte(0x0f);
  if (op.map == 2) byte(0x38);
  if (op.map == 3) byte(0x3a);
  byte(opcode);
  modrm(reg, rm, imm_bytes);
}

void Assembler::vex(const MOpInfo& op, unsigned bytes, std::uint8_t reg, std::uint8_t v, const Rm& rm,
                    unsigned imm_bytes) {
  const Extension e = extension(rm);
  unsigned prefix = op.prefix;
  if (op.width == Width::scalar) prefix = bytes == 4 ? 0xf3 : 0xf2;
  if (op.width == Width::packed) prefix = bytes == 4 ? 0 : 0x66;
  const unsigned pp = prefix == 0 ? 0 : prefix == 0x66 ? 1 : prefix == 0xf3 ? 2 : 3;
  const unsigned w = op.width == Width::vex_w && bytes == 8;
  if (rm.is_mem && rm.mem.gs) byte(0x65);
  if (rm.is_mem && rm.mem.address32) byte(0x67);
  const unsigned r = reg >> 3, low = (~v & 15u) << 3 | pp;
  if (!e.x && !e.b && !w && op.map == 1) {
    byte(0xc5);
    byte(static_cast<std::uint8_t>((r ^ 1) << 7 | low));
  } else {
    byte(0xc4);
    byte(static_cast<std::uint8_t>((r ^ 1) << 7 | (e.x ^ 1) << 6 | (e.b ^ 1) << 5 | op.map));
    byte(static_cast<std::uint8_t>(w << 7 | low));
  }
  byte(op.opcode);
  modrm(reg, rm, imm_bytes);
}

void Assembler::move_immediate(std::uint8_t reg, std::uint64_t value, bool flags_dead) {
  const unsigned b = reg >> 3;
  if (value == 0 && flags_dead) {
    if (b) byte(0x45);
    byte(0x31);
    return byte(static_cast<std::uint8_t>(0xc0 | (reg & 7) << 3 | (reg & 7)));
  }
  if (value <= 0xffffffff) {
    if (b) byte(0x41);
    byte(static_cast<std::uint8_t>(0xb8 | (reg & 7)));
    return dword(static_cast<std::uint32_t>(value));
  }
  byte(static_cast<std::uint8_t>(0x48 | b));
  if (static_cast<std::int64_t>(value) == static_cast<std::int32_t>(value)) {
    byte(0xc7);
    byte(static_cast<std::uint8_t>(0xc0 | (reg & 7)));
    return dword(static_cast<std::uint32_t>(value));
  }
  byte(static_cast<std::uint8_t>(0xb8 | (reg & 7)));
  qword(value);
}

}  // namespace nebulet::wasm::x64
