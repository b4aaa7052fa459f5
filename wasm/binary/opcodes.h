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
#include "wasm/binary/opcodes.def"
};

/// How an instruction is validated: the first four by the table alone.
enum class OpcodeShape : std::uint8_t { illegal, unary, binary, load, store, special };

/// What follows the opcode in the bytes.
enum class Immediates : std::uint8_t {
  none,
  block_type,
  index,
  two_indices,
  labels,
  types,
  heap_type,
  memarg,
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
};

/// Index of an opcode in a table with a place for each accepted one, or kOpcodeTableSize if there is none.
constexpr std::uint32_t kOpcodeTableSize = 256 + 32;
constexpr std::uint32_t opcode_index(Opcode op) {
  const auto code = static_cast<std::uint32_t>(op);
  if (code < 256) return code;
  return code >= 0xfc000 && code < 0xfc020 ? 256 + (code & 31) : kOpcodeTableSize;
}

namespace detail {
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
