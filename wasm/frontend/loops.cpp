// SPDX-License-Identifier: MIT
#include "wasm/frontend/loops.h"

#include "wasm/binary/opcodes.h"

namespace nebulet::wasm {

std::span<const std::uint32_t> LoopScan::assigned_in(std::uint32_t body, std::uint32_t end) {
  if (body >= scanned_) {
    loops_.clear();
    assigned_.clear();
    next_ = 0;
    scan(Reader(bytes_, body, end));
  }
  while (next_ < loops_.size() && loops_[next_].body < body) ++next_;  // loops in dead code
  if (next_ == loops_.size() || loops_[next_].body != body) return {};
  const Loop& loop = loops_[next_];
  return assigned_.slice(loop.first, loop.last - loop.first);
}

void LoopScan::scan(Reader reader) {
  open_.clear();
  loops_.push_back({reader.position(), 0, 0});
  open_.push_back(0);
  while (reader.ok() && !open_.empty() && !reader.at_end())
    if (!skip_instruction(reader)) break;
  for (const std::uint32_t loop : open_)
    if (loop != kNotLoop) loops_[loop].last = assigned_.size();
  scanned_ = reader.position();
}

/// A value type, or a block type with an index.
void LoopScan::skip_type(Reader& reader) {
  constexpr std::uint8_t kRefNull = 0x63, kRef = 0x64;
  const std::uint8_t first = reader.peek();
  if (first == kRefNull || first == kRef) reader.byte();
  reader.s33();
}

bool LoopScan::skip_instruction(Reader& reader) {
  std::uint32_t code = reader.byte();
  if (code >= 0xfb && code <= 0xfe) code = code << 12 | (reader.u32() & 0xfff);
  const auto op = static_cast<Opcode>(code);
  const OpcodeInfo& info = opcode_info(op);
  if (info.shape == OpcodeShape::illegal) return false;
  if (op == Opcode::local_set || op == Opcode::local_tee) {
    assigned_.push_back(reader.u32());
    return true;
  }
  switch (info.immediates) {
    case Immediates::none: break;
    case Immediates::block_type: skip_type(reader); break;
    case Immediates::index: reader.u32(); break;
    case Immediates::two_indices:
      reader.u32();
      reader.u32();
      break;
    case Immediates::memarg:
    case Immediates::memarg_lane:
      if (reader.u32() & 0x40) reader.u32();  // a memory index
      reader.u64();
      if (info.immediates == Immediates::memarg_lane) reader.byte();
      break;
    case Immediates::lane: reader.byte(); break;
    case Immediates::v128: reader.skip(16); break;
    case Immediates::labels: {
      const std::uint32_t count = reader.u32();
      for (std::uint32_t i = 0; i <= count && reader.ok(); ++i) {
        reader.u32();
        if (i == 0xffffffff) return false;
      }
      break;
    }
    case Immediates::catches: {
      skip_type(reader);
      const std::uint32_t count = reader.u32();
      for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
        if (reader.byte() < 2) reader.u32();  // with a tag
        reader.u32();
      }
      break;
    }
    case Immediates::types: {
      const std::uint32_t count = reader.u32();
      for (std::uint32_t i = 0; i < count && reader.ok(); ++i) skip_type(reader);
      break;
    }
    case Immediates::heap_type: reader.s33(); break;
    case Immediates::cast:
      reader.byte();
      reader.u32();
      reader.s33();
      reader.s33();
      break;
    case Immediates::i32: reader.s32(); break;
    case Immediates::i64: reader.s64(); break;
    case Immediates::f32: reader.skip(4); break;
    case Immediates::f64: reader.skip(8); break;
  }
  if (op == Opcode::loop) {
    open_.push_back(loops_.size());
    loops_.push_back({reader.position(), assigned_.size(), assigned_.size()});
  } else if (op == Opcode::block || op == Opcode::if_ || op == Opcode::try_ || op == Opcode::try_table) {
    open_.push_back(kNotLoop);
  } else if (op == Opcode::end || op == Opcode::delegate) {
    if (open_.back() != kNotLoop) loops_[open_.back()].last = assigned_.size();
    open_.pop_back();
  }
  return true;
}

}  // namespace nebulet::wasm
