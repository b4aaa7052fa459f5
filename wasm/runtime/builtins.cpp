// SPDX-License-Identifier: MIT
// The C++ side of builtins.def. Called by stubs.S on the kernel stack; a trap drops these frames, so nothing
// in them holds a resource when `trap` is called. Operands are cut by the type of the memory or table; ranges
// are compared in 64 bits.
#include "wasm/runtime/builtins.h"

#include "wasm/runtime/stack.h"
#include "wasm/runtime/stubs.h"
#include "wasm/runtime/unwind.h"

namespace nebulet::wasm {
namespace {

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

std::optional<Trap> trap_of(GuestResult result) {
  switch (result) {
    case GuestResult::ok: return std::nullopt;
    case GuestResult::out_of_bounds: return Trap::memory_out_of_bounds;
    case GuestResult::out_of_memory: return Trap::out_of_memory;
  }
  return Trap::memory_out_of_bounds;
}

}  // namespace

std::optional<Trap> table_init(Instance& instance, std::uint32_t table, std::uint32_t segment,
                               std::uint64_t to, std::uint32_t from, std::uint32_t count) {
  Table& target = instance.table(table);
  const std::span<const std::uint32_t> refs = instance.elements(segment);
  if (std::uint64_t{from} + count > refs.size() || !target.contains(to, count))
    return Trap::table_out_of_bounds;
  for (std::uint32_t i = 0; i < count; ++i) target.set(low(to) + i, refs[from + i]);
  return std::nullopt;
}

std::optional<Trap> memory_init(Instance& instance, std::uint32_t memory, std::uint32_t segment,
                                std::uint64_t to, std::uint32_t from, std::uint32_t count) {
  const std::span<const std::byte> bytes = instance.data(segment);
  if (std::uint64_t{from} + count > bytes.size()) return Trap::memory_out_of_bounds;
  return trap_of(instance.memory(memory)->write(to, bytes.subspan(from, count)));
}

}  // namespace nebulet::wasm

using namespace nebulet::wasm;

#define NB_SERVICE(name)                                                                              \
  extern "C" std::uint64_t nb_do_##name(InstanceContext* context, std::uint64_t imm, std::uint64_t a, \
                                        std::uint64_t b, std::uint64_t c, StackControl* control)

#define NB_BUILTIN(name) NB_SERVICE(name);
#define NB_VALUES_BUILTIN(name)
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN

namespace {

Instance& instance_of(InstanceContext* context) { return Instance::of(context); }

/// An address or count, of 32 bits unless the memory or table has 64-bit addresses.
std::uint64_t cut(const Memory& memory, std::uint64_t value) { return memory.is_64() ? value : low(value); }
std::uint64_t cut(const Table& table, std::uint64_t value) { return table.is_64() ? value : low(value); }

std::uint64_t finish(StackControl* control, std::optional<Trap> result) {
  if (result) trap_from_call(*control, *result);
  return 0;
}

}  // namespace

NB_SERVICE(func_test) {
  const Instance& instance = instance_of(context);
  const Function* function = instance.store().function(low(a));
  const HeldTypes& types = instance.code().types();
  return function && low(imm) < types.size() && is_subtype(*function->canonical, types[low(imm)]) ? 1 : 0;
}

NB_SERVICE(indirect_callee) {
  Instance& instance = instance_of(context);
  const Table& table = instance.table(low(imm));
  if (!table.contains(low(a), 1)) trap_from_call(*control, Trap::undefined_element);
  const std::uint32_t ref = table.get(low(a));
  const Function* function = instance.store().function(ref);
  if (!function) trap_from_call(*control, Trap::uninitialized_element);
  if (!is_subtype(*function->canonical, instance.code().types()[high(imm)]))
    trap_from_call(*control, Trap::indirect_call_type_mismatch);
  return ref;
}

NB_SERVICE(memory_grow) {
  Memory& memory = *instance_of(context).memory(low(imm));
  return static_cast<std::uint64_t>(memory.grow(cut(memory, a)));
}

NB_SERVICE(memory_fill) {
  Memory& memory = *instance_of(context).memory(low(imm));
  return finish(control, trap_of(memory.fill(cut(memory, a), static_cast<std::uint8_t>(b), cut(memory, c))));
}

NB_SERVICE(memory_copy) {
  Memory &to = *instance_of(context).memory(low(imm)), &from = *instance_of(context).memory(high(imm));
  const std::uint64_t count = cut(to, cut(from, c));
  return finish(control, trap_of(Memory::move(to, cut(to, a), from, cut(from, b), count)));
}

NB_SERVICE(memory_init) {
  Instance& instance = instance_of(context);
  const std::uint64_t to = cut(*instance.memory(low(imm)), a);
  return finish(control, memory_init(instance, low(imm), high(imm), to, low(b), low(c)));
}

NB_SERVICE(data_drop) {
  instance_of(context).drop_data(low(imm));
  return 0;
}

NB_SERVICE(atomic_bits) {
  Memory& memory = *instance_of(context).memory(low(imm));
  const unsigned bytes = high(imm) & 0xff;
  if (a % bytes != 0) trap_from_call(*control, Trap::unaligned_atomic);
  const Memory::Modified modified = memory.modify(a, bytes, static_cast<Memory::Bits>(high(imm) >> 8), b);
  if (auto trap = trap_of(modified.access)) trap_from_call(*control, *trap);
  return modified.old;
}

NB_SERVICE(atomic_wait) {
  Memory& memory = *instance_of(context).memory(low(imm));
  const unsigned bytes = high(imm);
  if (a % bytes != 0) trap_from_call(*control, Trap::unaligned_atomic);
  if (!memory.contains(a, bytes)) trap_from_call(*control, Trap::memory_out_of_bounds);
  if (!memory.is_shared()) trap_from_call(*control, Trap::expected_shared_memory);
  const std::uint64_t expected = bytes == 8 ? b : low(b);
  const Memory::Waited waited = memory.wait(a, bytes, expected, static_cast<std::int64_t>(c));
  if (auto trap = trap_of(waited.access)) trap_from_call(*control, *trap);
  return static_cast<std::uint64_t>(waited.result);
}

NB_SERVICE(atomic_notify) {
  Memory& memory = *instance_of(context).memory(low(imm));
  if (a % 4 != 0) trap_from_call(*control, Trap::unaligned_atomic);
  if (!memory.contains(a, 4)) trap_from_call(*control, Trap::memory_out_of_bounds);
  return memory.is_shared() ? memory.notify(a, low(b)) : 0;
}

NB_SERVICE(table_get) {
  const Table& table = instance_of(context).table(low(imm));
  const std::uint64_t at = cut(table, a);
  if (at >= table.size()) trap_from_call(*control, Trap::table_out_of_bounds);
  return table.get(low(at));
}

NB_SERVICE(table_set) {
  Table& table = instance_of(context).table(low(imm));
  const std::uint64_t at = cut(table, a);
  if (at >= table.size()) trap_from_call(*control, Trap::table_out_of_bounds);
  table.set(low(at), low(b));
  return 0;
}

NB_SERVICE(table_grow) {
  Table& table = instance_of(context).table(low(imm));
  return static_cast<std::uint64_t>(table.grow(cut(table, b), low(a)));
}

NB_SERVICE(table_fill) {
  Table& table = instance_of(context).table(low(imm));
  const std::uint64_t at = cut(table, a), count = cut(table, c);
  if (!table.contains(at, count)) trap_from_call(*control, Trap::table_out_of_bounds);
  for (std::uint32_t i = 0; i < low(count); ++i) table.set(low(at) + i, low(b));
  return 0;
}

NB_SERVICE(table_copy) {
  Instance& instance = instance_of(context);
  Table &to = instance.table(low(imm)), &from = instance.table(high(imm));
  const std::uint64_t to_at = cut(to, a), from_at = cut(from, b), count = cut(to, cut(from, c));
  if (!to.contains(to_at, count) || !from.contains(from_at, count))
    trap_from_call(*control, Trap::table_out_of_bounds);
  Table::copy(to, low(to_at), from, low(from_at), low(count));
  return 0;
}

NB_SERVICE(table_init) {
  Instance& instance = instance_of(context);
  const std::uint64_t to = cut(instance.table(low(imm)), a);
  return finish(control, table_init(instance, low(imm), high(imm), to, low(b), low(c)));
}

NB_SERVICE(elem_drop) {
  instance_of(context).drop_elements(low(imm));
  return 0;
}
