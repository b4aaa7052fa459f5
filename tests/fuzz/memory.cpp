// SPDX-License-Identifier: MIT
// Accesses to memories and tables: mostly inside, some at the end, some anywhere.
#include "tests/fuzz/body.h"

namespace nebulet::fuzz {
namespace {

constexpr Access kLoads[] = {
    {0x28, kI32, 2},        {0x2c, kI32, 0},        {0x2d, kI32, 0},       {0x2e, kI32, 1},
    {0x2f, kI32, 1},        {0x29, kI64, 3},        {0x30, kI64, 0},       {0x31, kI64, 0},
    {0x32, kI64, 1},        {0x33, kI64, 1},        {0x34, kI64, 2},       {0x35, kI64, 2},
    {0x2a, kF32, 2},        {0x2b, kF64, 3},        {0xfd000, kV128, 4},   {0xfd001, kV128, 3},
    {0xfd002, kV128, 3},    {0xfd003, kV128, 3},    {0xfd004, kV128, 3},   {0xfd005, kV128, 3},
    {0xfd006, kV128, 3},    {0xfd007, kV128, 0},    {0xfd008, kV128, 1},   {0xfd009, kV128, 2},
    {0xfd00a, kV128, 3},    {0xfd05c, kV128, 2},    {0xfd05d, kV128, 3},   {0xfd054, kV128, 0, 16},
    {0xfd055, kV128, 1, 8}, {0xfd056, kV128, 2, 4}, {0xfd057, kV128, 3, 2}};
constexpr Access kStores[] = {{0x36, kI32, 2},        {0x3a, kI32, 0},         {0x3b, kI32, 1},
                              {0x37, kI64, 3},        {0x3c, kI64, 0},         {0x3d, kI64, 1},
                              {0x3e, kI64, 2},        {0x38, kF32, 2},         {0x39, kF64, 3},
                              {0xfd00b, kV128, 4},    {0xfd058, kV128, 0, 16}, {0xfd059, kV128, 1, 8},
                              {0xfd05a, kV128, 2, 4}, {0xfd05b, kV128, 3, 2}};
constexpr std::uint8_t kAtomicWidths[] = {2, 3, 0, 1,
                                          0, 1, 2};  // i32, i64, i32 8, i32 16, i64 8, i64 16, i64 32

}  // namespace

void Body::address(const Memory& memory, std::uint32_t width_log2, bool aligned, unsigned depth) {
  const Type type = memory.is_64 ? kI64 : kI32;
  const std::uint8_t constant_op = memory.is_64 ? 0x42 : 0x41, and_op = memory.is_64 ? 0x83 : 0x71;
  const std::int64_t mask = aligned ? -(std::int64_t{1} << width_log2) : -1;
  switch (in_.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      out_.byte(constant_op);
      return out_.signed_number((in_.below(64) * 3) & mask);
    }
    case 4: {  // around the end
      out_.byte(constant_op);
      return out_.signed_number((static_cast<std::int64_t>(memory.bytes()) - 20 + in_.below(24)) & mask);
    }
    case 5:
      expression(type, depth);
      if (!aligned) return;
      out_.byte(constant_op);
      out_.signed_number(mask);
      return out_.byte(and_op);
    default:
      expression(type, depth);
      out_.byte(constant_op);
      out_.signed_number(0xff & mask);
      return out_.byte(and_op);
  }
}

void Body::memory_argument(std::uint32_t memory, std::uint32_t alignment, bool exact, bool aligned) {
  const bool names_memory = memory != 0 || in_.one_in(16);
  out_.number((exact ? alignment : in_.below(alignment + 1)) | (names_memory ? 0x40u : 0u));
  if (names_memory) out_.number(memory);
  static constexpr std::uint64_t kOffsets[] = {0,          65536 - 16, 65536 - 8,  65535,      65536,
                                               0x7ffffff8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
  static constexpr std::uint64_t kWide[] = {0x100000000, 0x3fffffff8, 0x400000000, 1ull << 62, ~7ull, ~0ull};
  std::uint64_t offset = 0;
  switch (in_.below(16)) {
    case 1:
    case 2:
    case 3:
    case 4: offset = in_.below(64); break;
    case 5: offset = plan_.memories[memory].is_64 && in_.one_in(3) ? in_.of(kWide) : in_.of(kOffsets); break;
    default: break;
  }
  out_.number(aligned ? offset & ~((std::uint64_t{1} << alignment) - 1) : offset);
}

bool Body::load(const Type& type, unsigned depth) {
  const auto memory = below(plan_.memories.size());
  const auto size = static_cast<std::uint32_t>(std::size(kLoads));
  for (std::uint32_t start = below(size), i = 0; i < size; ++i) {
    const Access& access = kLoads[(start + i) % size];
    if (access.type != type) continue;
    address(plan_.memories[memory], access.width_log2, false, depth);
    if (access.lanes) expression(kV128, depth);
    out_.op(access.code);
    memory_argument(memory, access.width_log2, false, false);
    if (access.lanes) out_.byte(in_.below(access.lanes));
    return true;
  }
  return false;
}

void Body::store(unsigned depth) {
  const auto memory = below(plan_.memories.size());
  const Access& access = kStores[in_.below(plan_.has_simd ? std::size(kStores) : 9)];
  address(plan_.memories[memory], access.width_log2, false, depth);
  expression(access.type, depth);
  out_.op(access.code);
  memory_argument(memory, access.width_log2, false, false);
  if (access.lanes) out_.byte(in_.below(access.lanes));
}

/// A load, read-modify-write or compare-exchange with the result.
void Body::atomic(const Type& type, unsigned depth) {
  const auto memory = below(plan_.memories.size());
  static constexpr std::uint8_t kOfI32[] = {0, 2, 3}, kOfI64[] = {1, 4, 5, 6};
  const std::uint32_t form = type == kI32 ? in_.of(kOfI32) : in_.of(kOfI64);
  const std::uint32_t group = in_.below(8);  // load, add … xchg, cmpxchg
  const bool aligned = !in_.one_in(8);
  address(plan_.memories[memory], kAtomicWidths[form], aligned, depth);
  if (group > 0) expression(type, depth);
  if (group == 7) expression(type, depth);
  out_.op(0xfe010 + form + (group == 0 ? 0 : 7 + 7 * group));
  memory_argument(memory, kAtomicWidths[form], true, aligned);
}

/// An index or length that is mostly below the limit.
void Body::index_value(bool is_64, std::uint64_t limit, unsigned depth) {
  if (in_.one_in(8)) {
    expression(is_64 ? kI64 : kI32, depth);
    if (limit <= 20) {  // lengths of arrays: not too large
      out_.byte(is_64 ? 0x42 : 0x41), out_.signed_number(255);
      out_.byte(is_64 ? 0x83 : 0x71);
    }
    return;
  }
  out_.byte(is_64 ? 0x42 : 0x41);
  out_.signed_number(in_.below(static_cast<std::uint32_t>(limit) + 1));
}

void Body::bulk(unsigned depth) {
  const auto memory = below(plan_.memories.size());
  const Memory& of = plan_.memories[memory];
  address(of, 0, false, depth);
  switch (in_.below(3)) {
    case 0:
      expression(kI32, depth);
      index_value(of.is_64, 40, depth);
      out_.op(0xfc00b);
      return out_.number(memory);
    case 1: {
      const auto from = below(plan_.memories.size());
      address(plan_.memories[from], 0, false, depth);
      index_value(of.is_64 && plan_.memories[from].is_64, 40, depth);
      out_.op(0xfc00a);
      return out_.number(memory), out_.number(from);
    }
    default:
      index_value(false, 10, depth);
      index_value(false, 20, depth);
      out_.op(0xfc008);
      out_.number(in_.below(plan_.data_segments));
      return out_.number(memory);
  }
}

void Body::table_statement(unsigned depth) {
  const auto table = below(plan_.tables.size());
  const Table& of = plan_.tables[table];
  switch (in_.below(6)) {
    case 0:
      index_value(of.is_64, of.min, depth);
      expression(of.element, depth);
      return out_.byte(0x26), out_.number(table);
    case 1:
      index_value(of.is_64, of.min, depth);
      expression(of.element, depth);
      index_value(of.is_64, 5, depth);
      out_.op(0xfc011);
      return out_.number(table);
    case 2:
      index_value(of.is_64, of.min, depth);
      index_value(of.is_64, of.min, depth);
      index_value(of.is_64, 4, depth);
      out_.op(0xfc00e);
      return out_.number(table), out_.number(table);
    case 3:
      index_value(plan_.tables[0].is_64, plan_.tables[0].min, depth);
      index_value(false, 4, depth);
      index_value(false, 4, depth);
      out_.op(0xfc00c);
      return out_.number(in_.below(2)), out_.number(0);
    case 4: out_.op(0xfc00d); return out_.number(in_.below(plan_.element_segments));
    default: out_.op(0xfc009); return out_.number(in_.below(plan_.data_segments));
  }
}

}  // namespace nebulet::fuzz
