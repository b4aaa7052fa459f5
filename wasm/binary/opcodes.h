// SPDX-License-Identifier: MIT
// The instructions of opcodes.def as types and tables, for the decoder, the validator and the printers.
#pragma once

#include <array>
#include <cstdint>

#include "wasm/binary/types.h"

namespace nebulet::wasm {

/// The opcode byte, or for a multi-byte opcode prefix << 12 | number.
enum class Opcode : std::uint32_t {
#define NB_OPCODE(name, code, text, immediates) name = code,
#define NB_UNARY(name, code, text, result, operand, ir) name = code,
#define NB_BINARY(name, code, text, result, operand, ir) name = code,
#define NB_LOAD(name, code, text, type, access, alignment) name = code,
#define NB_STORE(name, code, text, type, access, alignment) name = code,
#define NB_VECTOR(name, code, text, form, lanes, ir) name = code,
#define NB_VECTOR_LOAD(name, code, text, type, access, alignment, lanes, ir) name = code,
#define NB_ATOMIC(name, code, text, form, type, access, alignment, ir) name = code,
#include "wasm/binary/opcodes.def"
};

/// How an instruction is validated: the first four by the table alone.
enum class OpcodeShape : std::uint8_t { illegal, unary, binary, load, store, special, vector };

/// How a vector instruction is validated. Operands are v128 unless said otherwise.
enum class VectorForm : std::uint8_t {
  unary,
  binary,
  ternary,
  test,        ///< -> i32
  shift,       ///< v128 i32 ->
  splat,       ///< a lane's type ->
  extract,     ///< -> a lane's type; lane index
  replace,     ///< v128 and a lane's type ->; lane index
  load,        ///< i32 ->; memarg
  load_lane,   ///< i32 v128 ->; memarg, lane index
  store_lane,  ///< i32 v128 -> nothing; memarg, lane index
  constant,
  shuffle,  ///< 16 lane indices
};

/// How 128 bits are divided into lanes; `all`: not at all.
enum class LaneShape : std::uint8_t { i8x16, i16x8, i32x4, i64x2, f32x4, f64x2, all };
constexpr unsigned lane_count(LaneShape lanes) {
  constexpr std::uint8_t kCounts[] = {16, 8, 4, 2, 4, 2, 1};
  return kCounts[static_cast<unsigned>(lanes)];
}
/// The type of a lane by itself.
constexpr ValType::Kind lane_type(LaneShape lanes) {
  using Kind = ValType::Kind;
  constexpr Kind kTypes[] = {Kind::i32, Kind::i32, Kind::i32, Kind::i64, Kind::f32, Kind::f64, Kind::v128};
  return kTypes[static_cast<unsigned>(lanes)];
}

/// How an atomic instruction is validated. Behind the address come …
enum class AtomicForm : std::uint8_t {
  none,     ///< not an atomic instruction
  load,     ///< nothing
  store,    ///< a value; no result
  rmw,      ///< a value
  cmpxchg,  ///< the expected value and the new one
  wait,     ///< the expected value and a timeout -> i32
  notify,   ///< a count -> i32
};

/// What follows the opcode in the bytes.
enum class Immediates : std::uint8_t {
  none,
  block_type,
  index,
  two_indices,
  labels,
  catches,  ///< of try_table: block type and clauses
  types,
  heap_type,
  cast,
  memarg,
  memarg_lane,  ///< memarg, lane index
  lane,
  v128,  ///< 16 bytes
  i32,
  i64,
  f32,
  f64,
};

struct OpcodeInfo {
  const char* text = nullptr;
  OpcodeShape shape = OpcodeShape::illegal;
  Immediates immediates = Immediates::none;
  ValType::Kind result = ValType::Kind::bottom;   ///< unary, binary, load
  ValType::Kind operand = ValType::Kind::bottom;  ///< unary, binary, store
  std::uint8_t alignment = 0;                     ///< load, store: log2 of the width
  VectorForm form = VectorForm::unary;            ///< vector
  LaneShape lanes = LaneShape::all;               ///< vector
  AtomicForm atomic = AtomicForm::none;           ///< special; the value's type is `operand`
};

/// The opcodes of one prefix have places `first` … in a table, for the numbers below `size`.
struct PrefixRange {
  std::uint32_t prefix, first, size;
};
constexpr PrefixRange kPrefixRanges[] = {
    {0xfb, 0x100, 0x20}, {0xfc, 0x120, 0x20}, {0xfd, 0x140, 0x120}, {0xfe, 0x260, 0x50}};

/// Index of an opcode in a table with a place for each accepted one, or kOpcodeTableSize if there is none.
constexpr std::uint32_t kOpcodeTableSize = 0x2b0;
constexpr std::uint32_t opcode_index(Opcode op) {
  const auto code = static_cast<std::uint32_t>(op);
  if (code < 0x100) return code;
  const std::uint32_t prefix = code >> 12, number = code & 0xfff;
  if (prefix < 0xfb || prefix > 0xfe) return kOpcodeTableSize;
  const PrefixRange& range = kPrefixRanges[prefix - 0xfb];
  return number < range.size ? range.first + number : kOpcodeTableSize;
}

namespace detail {
constexpr Immediates immediates_of(VectorForm form) {
  switch (form) {
    case VectorForm::extract:
    case VectorForm::replace: return Immediates::lane;
    case VectorForm::load: return Immediates::memarg;
    case VectorForm::load_lane:
    case VectorForm::store_lane: return Immediates::memarg_lane;
    case VectorForm::constant:
    case VectorForm::shuffle: return Immediates::v128;
    default: return Immediates::none;
  }
}
/// Of the lane loads and stores: log2 of a lane's bytes.
constexpr std::uint8_t lane_alignment(LaneShape lanes) {
  const unsigned count = lane_count(lanes);
  return count == 16 ? 0 : count == 8 ? 1 : count == 4 ? 2 : 3;
}
constexpr std::array<OpcodeInfo, kOpcodeTableSize + 1> make_opcode_table() {
  std::array<OpcodeInfo, kOpcodeTableSize + 1> table{};
  using Kind = ValType::Kind;
#define NB_OPCODE(name, code, text, immediates) \
  table[opcode_index(Opcode::name)] = {text, OpcodeShape::special, Immediates::immediates};
#define NB_UNARY(name, code, text, result, operand, ir)                                          \
  table[opcode_index(Opcode::name)] = {text, OpcodeShape::unary, Immediates::none, Kind::result, \
                                       Kind::operand};
#define NB_BINARY(name, code, text, result, operand, ir)                                          \
  table[opcode_index(Opcode::name)] = {text, OpcodeShape::binary, Immediates::none, Kind::result, \
                                       Kind::operand};
#define NB_LOAD(name, code, text, type, access, alignment)                                \
  table[opcode_index(Opcode::name)] = {text,       OpcodeShape::load, Immediates::memarg, \
                                       Kind::type, Kind::i32,         alignment};
#define NB_STORE(name, code, text, type, access, alignment)                                  \
  table[opcode_index(Opcode::name)] = {text,         OpcodeShape::store, Immediates::memarg, \
                                       Kind::bottom, Kind::type,         alignment};
#define NB_VECTOR(name, code, text, form, lanes, ir)                     \
  table[opcode_index(Opcode::name)] = {text,                             \
                                       OpcodeShape::vector,              \
                                       immediates_of(VectorForm::form),  \
                                       Kind::bottom,                     \
                                       Kind::bottom,                     \
                                       lane_alignment(LaneShape::lanes), \
                                       VectorForm::form,                 \
                                       LaneShape::lanes};
#define NB_VECTOR_LOAD(name, code, text, type, access, alignment, lanes, ir) \
  table[opcode_index(Opcode::name)] = {                                      \
      text,      OpcodeShape::vector, Immediates::memarg, Kind::v128,        \
      Kind::i32, alignment,           VectorForm::load,   LaneShape::lanes};
#define NB_ATOMIC(name, code, words, form, type, access, align, ir)      \
  table[opcode_index(Opcode::name)] = {.text = words,                    \
                                       .shape = OpcodeShape::special,    \
                                       .immediates = Immediates::memarg, \
                                       .operand = Kind::type,            \
                                       .alignment = align,               \
                                       .atomic = AtomicForm::form};
#include "wasm/binary/opcodes.def"
  return table;
}
inline constexpr auto kOpcodeTable = make_opcode_table();
}  // namespace detail

/// The row of `op`; its shape is `illegal` if the engine does not know it.
constexpr const OpcodeInfo& opcode_info(Opcode op) { return detail::kOpcodeTable[opcode_index(op)]; }

/// The proposal that defines `op` if it is one of those refused, else null.
constexpr const char* refused_feature(Opcode op) {
  const auto code = static_cast<std::uint32_t>(op);
#define NB_REFUSED(first, last, feature) \
  if (code >= first && code <= last) return feature;
#include "wasm/binary/opcodes.def"
  return nullptr;
}

}  // namespace nebulet::wasm
