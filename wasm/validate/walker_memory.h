// SPDX-License-Identifier: MIT
// The typing rules of memory instructions (spec 3.3.7). Addresses have the type of their memory; what counts
// bytes between two memories has the smaller one.
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
void Walker<Visitor>::memory_instruction(Opcode op) {
  switch (op) {
    case Opcode::memory_size: {
      const std::uint32_t memory = memory_index();
      push(address_type(memory), emit() ? visitor_.memory_size(memory) : Value{});
      return;
    }
    case Opcode::memory_grow: {
      const std::uint32_t memory = memory_index();
      const Value delta = pop(address_type(memory)).value;
      push(address_type(memory), emit() ? visitor_.memory_grow(memory, delta) : Value{});
      return;
    }
    case Opcode::memory_fill: {
      const std::uint32_t memory = memory_index();
      const ValType address = address_type(memory);
      const Value n = pop(address).value, value = pop(kI32).value, to = pop(address).value;
      if (emit()) visitor_.memory_fill(memory, to, value, n);
      return;
    }
    case Opcode::memory_copy: {
      const std::uint32_t to_memory = memory_index();
      const std::uint32_t from_memory = memory_index();
      const ValType to_type = address_type(to_memory), from_type = address_type(from_memory);
      const Value n = pop(smaller(to_type, from_type)).value, from = pop(from_type).value,
                  to = pop(to_type).value;
      if (emit()) visitor_.memory_copy(to_memory, from_memory, to, from, n);
      return;
    }
    case Opcode::memory_init: {
      const std::uint32_t segment = data_index();
      const std::uint32_t memory = memory_index();
      const Value n = pop(kI32).value, from = pop(kI32).value, to = pop(address_type(memory)).value;
      if (emit()) visitor_.memory_init(memory, segment, to, from, n);
      return;
    }
    case Opcode::data_drop: {
      const std::uint32_t segment = data_index();
      if (emit()) visitor_.data_drop(segment);
      return;
    }
    default: break;
  }
  if (!atomic_instruction(op) && !wide_instruction(op))
    fail_opcode(reader_, position_, static_cast<std::uint32_t>(op));
}

// Spec 5.4.6: bit 6 of the flags announces a memory index.
template <class Visitor>
MemArg Walker<Visitor>::memarg(std::uint8_t alignment) {
  constexpr std::uint32_t kHasMemory = 0x40;
  const std::uint32_t flags = reader_.u32();
  if (reader_.ok() && flags >= 2 * kHasMemory)
    reader_.fail(Error::Kind::malformed, position_, "malformed memop flags");
  MemArg where;
  if (flags & kHasMemory) where.memory = reader_.u32();
  where.offset = reader_.u64();
  where.alignment = static_cast<std::uint8_t>(flags & (kHasMemory - 1));
  if (!reader_.ok()) return {};
  if (where.memory >= module_.memories.size())
    invalid(with_number("unknown memory", where.memory));
  else if (where.alignment > alignment)
    invalid("alignment must not be larger than natural");
  else if (where.offset > 0xffffffff && !module_.memories[where.memory].limits.is_64)
    invalid("offset out of range");
  return reader_.ok() ? where : MemArg{};
}

}  // namespace nebulet::wasm
