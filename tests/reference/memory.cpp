// SPDX-License-Identifier: MIT
// Memories and tables: accesses, vectors in memory, atomics, bulk instructions (spec 4.6, threads proposal).
#include <cstdlib>
#include <cstring>

#include "tests/reference/machine.h"

namespace nebulet::reference {
namespace {

bool within(std::uint64_t at, std::uint64_t count, std::uint64_t size) {
  return at <= size && count <= size - at;
}

std::uint64_t sign_extended(std::uint64_t value, unsigned bits) {
  const unsigned shift = 64 - bits;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

std::uint64_t read(const std::uint8_t* at, unsigned width) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, width);
  return value;
}

}  // namespace

std::uint8_t* Machine::access(const Instr& instr, std::uint64_t at, unsigned width) {
  MemoryInst& in = *instance().memories[instr.a];
  const std::uint64_t address = at + instr.imm;
  if (address < at || !within(address, width, in.bytes.size())) {
    trap(kMemoryBounds);
    return nullptr;
  }
  return in.bytes.data() + address;
}

std::uint64_t Machine::load(const Instr& instr, unsigned width) {
  const std::uint8_t* at = access(instr, pop(), width);
  return at ? read(at, width) : 0;
}

void Machine::store(const Instr& instr, unsigned width) {
  const std::uint64_t value = pop();
  if (std::uint8_t* at = access(instr, pop(), width)) std::memcpy(at, &value, width);
}

bool Machine::memory(const Instr& instr) {
  switch (instr.op) {
    case 0x28:
    case 0x2a:
    case 0x35: push(load(instr, 4)); return true;
    case 0x29:
    case 0x2b: push(load(instr, 8)); return true;
    case 0x2c: push(static_cast<std::uint32_t>(sign_extended(load(instr, 1), 8))); return true;
    case 0x2e: push(static_cast<std::uint32_t>(sign_extended(load(instr, 2), 16))); return true;
    case 0x2d:
    case 0x31: push(load(instr, 1)); return true;
    case 0x2f:
    case 0x33: push(load(instr, 2)); return true;
    case 0x30: push(sign_extended(load(instr, 1), 8)); return true;
    case 0x32: push(sign_extended(load(instr, 2), 16)); return true;
    case 0x34: push(sign_extended(load(instr, 4), 32)); return true;
    case 0x36:
    case 0x38:
    case 0x3e: store(instr, 4); return true;
    case 0x37:
    case 0x39: store(instr, 8); return true;
    case 0x3a:
    case 0x3c: store(instr, 1); return true;
    case 0x3b:
    case 0x3d: store(instr, 2); return true;
    case 0x3f: push(instance().memories[instr.a]->pages()); return true;
    case 0x40: {
      MemoryInst& in = *instance().memories[instr.a];
      const std::uint64_t delta = pop(), old = in.pages();
      const std::uint64_t pages_there_are =
          in.limits.is_64 ? ~0ull >> in.limits.page_log2 : (1ull << 32) >> in.limits.page_log2;
      const std::uint64_t most = in.limits.has_max ? in.limits.max : pages_there_are;
      const std::uint64_t affordable = store_.limit_.memory >> in.limits.page_log2;
      const bool can =
          delta <= most && old <= most - delta && delta <= affordable && old <= affordable - delta;
      if (can) in.bytes.resize((old + delta) << in.limits.page_log2);
      push(can ? old : in.limits.is_64 ? ~0ull : 0xffffffff);
      return true;
    }
    default: return false;
  }
}

// --- Vectors

void Machine::vector_memory(const Instr& instr) {
  const std::uint32_t n = instr.op & 0xfff;
  if (n == 0) {
    Value value;
    if (const std::uint8_t* at = access(instr, pop(), 16)) std::memcpy(&value, at, 16);
    stack_.push_back(value);
  } else if (n <= 6) {  // load8x8_s 8x8_u 16x4_s 16x4_u 32x2_s 32x2_u
    const unsigned width = 1u << (n - 1) / 2;
    const std::uint64_t bits = load(instr, 8);
    Value value;
    for (unsigned i = 0; i < 8 / width; ++i) {
      std::uint64_t lane = bits >> 8 * width * i & (~0ull >> (64 - 8 * width));
      if (n & 1) lane = sign_extended(lane, 8 * width);
      std::memcpy(reinterpret_cast<char*>(&value) + std::size_t{2} * width * i, &lane,
                  std::size_t{2} * width);
    }
    stack_.push_back(value);
  } else if (n <= 10) {  // splats
    const unsigned width = 1u << (n - 7);
    const std::uint64_t lane = load(instr, width);
    Value value;
    for (unsigned i = 0; i < 16; i += width) std::memcpy(reinterpret_cast<char*>(&value) + i, &lane, width);
    stack_.push_back(value);
  } else if (n == 11) {
    const Value value = pop_value();
    if (std::uint8_t* at = access(instr, pop(), 16)) std::memcpy(at, &value, 16);
  } else if (n >= 84 && n <= 87) {
    const unsigned width = 1u << (n - 84);
    Value value = pop_value();
    const std::uint64_t lane = load(instr, width);
    std::memcpy(reinterpret_cast<char*>(&value) + std::size_t{width} * instr.b, &lane, width);
    stack_.push_back(value);
  } else if (n >= 88 && n <= 91) {
    const unsigned width = 1u << (n - 88);
    const Value value = pop_value();
    if (std::uint8_t* at = access(instr, pop(), width))
      std::memcpy(at, reinterpret_cast<const char*>(&value) + std::size_t{width} * instr.b, width);
  } else if (n == 92 || n == 93) {
    push(load(instr, n == 92 ? 4 : 8));
  } else {
    vector_instruction(instr, stack_);
  }
}

// --- Atomics, on one thread

void Machine::atomic(const Instr& instr) {
  // Widths of i32, i64, i32 8, i32 16, i64 8, i64 16, i64 32 forms.
  static constexpr unsigned kWidths[] = {4, 8, 1, 2, 1, 2, 4};
  const std::uint32_t n = instr.op & 0xfff;
  const unsigned width = n == 2 ? 8 : n < 3 ? 4 : n == 3 ? 0 : kWidths[(n - 0x10) % 7];
  if (n == 3) return;
  const std::size_t operands = n == 0 ? 2 : n <= 2 ? 3 : n < 0x17 ? 1 : n < 0x48 ? 2 : 3;
  const std::uint64_t address = stack_[stack_.size() - operands].low + instr.imm;
  if (address % width) return trap("unaligned atomic");
  if (n < 0x10) {
    const std::uint64_t timeout = n ? pop() : 0, operand = pop();
    const std::uint8_t* at = access(instr, pop(), width);
    if (!at) return;
    if (n == 0) return push(0);  // nobody waits
    if (!instance().memories[instr.a]->limits.shared) return trap("expected shared memory");
    // Nobody could wake this thread, so even an endless wait times out.
    (void)timeout;
    return push(read(at, width) == operand ? 2 : 1);
  }
  if (n < 0x17) return push(load(instr, width));
  if (n < 0x1e) return store(instr, width);
  read_modify_write(instr, (n - 0x1e) / 7, width);
}

void Machine::read_modify_write(const Instr& instr, std::uint32_t group, unsigned width) {
  const std::uint64_t operand = pop(), expected = group == 6 ? pop() : 0;
  std::uint8_t* at = access(instr, pop(), width);
  if (!at) return;
  const std::uint64_t old = read(at, width);
  std::uint64_t value = operand;
  switch (group) {
    case 0: value = old + operand; break;
    case 1: value = old - operand; break;
    case 2: value = old & operand; break;
    case 3: value = old | operand; break;
    case 4: value = old ^ operand; break;
    case 5: break;
    // The expected value is compared unwrapped (as the reference interpreter of the proposal and V8 do: cut
    // to the width).
    default: value = old == (expected & (~0ull >> (64 - 8 * width))) ? operand : old;
  }
  std::memcpy(at, &value, width);
  push(old);
}

// --- Bulk

const char* Machine::memory_init(MemoryInst& memory, std::span<const std::uint8_t> data, std::uint64_t to,
                                 std::uint64_t from, std::uint64_t count) {
  if (!within(to, count, memory.bytes.size()) || !within(from, count, data.size())) return kMemoryBounds;
  if (count) std::memcpy(memory.bytes.data() + to, data.data() + from, count);
  return nullptr;
}

const char* Machine::table_init(TableInst& table, std::span<const std::uint64_t> elements, std::uint64_t to,
                                std::uint64_t from, std::uint64_t count) {
  if (!within(to, count, table.elements.size()) || !within(from, count, elements.size())) return kTableBounds;
  for (std::uint64_t i = 0; i < count; ++i) table.elements[to + i] = elements[from + i];
  return nullptr;
}

bool Machine::bulk(const Instr& instr) {
  Instance& in = instance();
  switch (instr.op) {
    case 0xfc008: {
      const std::uint64_t count = pop(), from = pop(), to = pop();
      trap(memory_init(*in.memories[instr.b], in.data[instr.a], to, from, count));
      return true;
    }
    case 0xfc009: in.data[instr.a].clear(); return true;
    case 0xfc00a: {
      MemoryInst &to_memory = *in.memories[instr.a], &from_memory = *in.memories[instr.b];
      const std::uint64_t count = pop(), from = pop(), to = pop();
      if (!within(to, count, to_memory.bytes.size()) || !within(from, count, from_memory.bytes.size()))
        return trap(kMemoryBounds), true;
      if (count) std::memmove(to_memory.bytes.data() + to, from_memory.bytes.data() + from, count);
      return true;
    }
    case 0xfc00b: {
      MemoryInst& memory = *in.memories[instr.a];
      const std::uint64_t count = pop(), value = pop(), to = pop();
      if (!within(to, count, memory.bytes.size())) return trap(kMemoryBounds), true;
      if (count) std::memset(memory.bytes.data() + to, static_cast<int>(value & 0xff), count);
      return true;
    }
    case 0xfc00c: {
      const std::uint64_t count = pop(), from = pop(), to = pop();
      trap(table_init(*in.tables[instr.b], in.elements[instr.a], to, from, count));
      return true;
    }
    case 0xfc00d: in.elements[instr.a].clear(); return true;
    case 0xfc00e: {
      TableInst &to_table = *in.tables[instr.a], &from_table = *in.tables[instr.b];
      const std::uint64_t count = pop(), from = pop(), to = pop();
      if (!within(to, count, to_table.elements.size()) || !within(from, count, from_table.elements.size()))
        return trap(kTableBounds), true;
      const std::vector<std::uint64_t> moved(
          from_table.elements.begin() + static_cast<std::ptrdiff_t>(from),
          from_table.elements.begin() + static_cast<std::ptrdiff_t>(from + count));
      std::copy(moved.begin(), moved.end(), to_table.elements.begin() + static_cast<std::ptrdiff_t>(to));
      return true;
    }
    default: return false;
  }
}

bool Machine::table(const Instr& instr) {
  switch (instr.op) {
    case 0x25:
    case 0x26:
    case 0xfc00f:
    case 0xfc010:
    case 0xfc011: break;
    default: return false;
  }
  TableInst& in = *instance().tables[instr.a];
  const std::uint64_t size = in.elements.size();
  if (instr.op == 0x25) {
    const std::uint64_t at = pop();
    if (at >= size) return trap(kTableBounds), true;
    push(in.elements[at]);
  } else if (instr.op == 0x26) {
    const std::uint64_t value = pop(), at = pop();
    if (at >= size) return trap(kTableBounds), true;
    in.elements[at] = value;
  } else if (instr.op == 0xfc010) {
    push(size);
  } else if (instr.op == 0xfc00f) {
    const std::uint64_t delta = pop(), value = pop();
    const std::uint64_t most = in.type.limits.has_max && in.type.limits.max < store_.limit_.table
                                   ? in.type.limits.max
                                   : store_.limit_.table;
    const bool can = delta <= most && size <= most - delta;
    if (can) in.elements.resize(size + delta, value);
    push(can ? size : in.type.limits.is_64 ? ~0ull : 0xffffffff);
  } else {
    const std::uint64_t count = pop(), value = pop(), at = pop();
    if (!within(at, count, size)) return trap(kTableBounds), true;
    for (std::uint64_t i = 0; i < count; ++i) in.elements[at + i] = value;
  }
  return true;
}

}  // namespace nebulet::reference
