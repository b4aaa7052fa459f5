// SPDX-License-Identifier: MIT
// The typing rules of the vector instructions (spec 3.3.4 and those of the vector loads and stores). A row's
// form says all.
#pragma once

#include <array>

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
std::uint32_t Walker<Visitor>::lane_index(unsigned lanes) {
  const std::uint8_t lane = reader_.byte();
  if (reader_.ok() && lane >= lanes) invalid("invalid lane index");
  return lane;
}

template <class Visitor>
void Walker<Visitor>::vector_instruction(Opcode op, const OpcodeInfo& info) {
  const ValType scalar{lane_type(info.lanes)};
  const unsigned lanes = lane_count(info.lanes);
  Value a{}, b{}, c{};
  const auto result = [&](ValType type, std::uint32_t lane = 0) {
    push(type, emit() ? visitor_.vector(op, lane, a, b, c) : Value{});
  };
  switch (info.form) {
    case VectorForm::unary: a = pop(kV128).value; return result(kV128);
    case VectorForm::binary:
      b = pop(kV128).value;
      a = pop(kV128).value;
      return result(kV128);
    case VectorForm::ternary:
      c = pop(kV128).value;
      b = pop(kV128).value;
      a = pop(kV128).value;
      return result(kV128);
    case VectorForm::test: a = pop(kV128).value; return result(kI32);
    case VectorForm::shift:
      b = pop(kI32).value;
      a = pop(kV128).value;
      return result(kV128);
    case VectorForm::splat: a = pop(scalar).value; return result(kV128);
    case VectorForm::extract: {
      const std::uint32_t lane = lane_index(lanes);
      a = pop(kV128).value;
      return result(scalar, lane);
    }
    case VectorForm::replace: {
      const std::uint32_t lane = lane_index(lanes);
      b = pop(scalar).value;
      a = pop(kV128).value;
      return result(kV128, lane);
    }
    case VectorForm::load: {
      const MemArg where = memarg(info.alignment);
      const Value address = pop(address_type(where.memory)).value;
      push(kV128, emit() ? visitor_.vector_load(op, where, address) : Value{});
      return;
    }
    case VectorForm::load_lane: {
      const MemArg where = memarg(info.alignment);
      const std::uint32_t lane = lane_index(lanes);
      const Value vector = pop(kV128).value, address = pop(address_type(where.memory)).value;
      push(kV128, emit() ? visitor_.load_lane(op, where, lane, address, vector) : Value{});
      return;
    }
    case VectorForm::store_lane: {
      const MemArg where = memarg(info.alignment);
      const std::uint32_t lane = lane_index(lanes);
      const Value vector = pop(kV128).value, address = pop(address_type(where.memory)).value;
      if (emit()) visitor_.store_lane(op, where, lane, address, vector);
      return;
    }
    case VectorForm::constant: {
      const std::uint64_t low = reader_.f64(), high = reader_.f64();
      push(kV128, emit() ? visitor_.vector_constant(low, high) : Value{});
      return;
    }
    case VectorForm::shuffle: {
      std::array<std::uint8_t, 16> indices{};
      for (std::uint8_t& index : indices) index = static_cast<std::uint8_t>(lane_index(32));
      b = pop(kV128).value;
      a = pop(kV128).value;
      push(kV128, emit() ? visitor_.shuffle(indices, a, b) : Value{});
      return;
    }
  }
}

}  // namespace nebulet::wasm
