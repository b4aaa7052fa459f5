// SPDX-License-Identifier: MIT
// The C++ side of builtins.def. Called by stubs.S on the kernel stack; a trap drops these frames, so nothing
// in them holds a resource when `trap` is called. Operands of 32 bits come zero-extended; ranges are compared
// in 64 bits.
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
                               std::uint32_t to, std::uint32_t from, std::uint32_t count) {
  Table& target = instance.table(table);
  const std::span<const std::uint32_t> refs = instance.elements(segment);
  if (std::uint64_t{from} + count > refs.size() || !target.contains(to, count))
    return Trap::table_out_of_bounds;
  for (std::uint32_t i = 0; i < count; ++i) target.set(to + i, refs[from + i]);
  return std::nullopt;
}

std::optional<Trap> memory_init(Instance& instance, std::uint32_t memory, std::uint32_t segment,
                                std::uint32_t to, std::uint32_t from, std::uint32_t count) {
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
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN

namespace {

Instance& instance_of(InstanceContext* context) { return Instance::of(context); }

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
  return low(static_cast<std::uint64_t>(instance_of(context).memory(low(imm))->grow(low(a))));
}

NB_SERVICE(memory_fill) {
  return finish(control, trap_of(instance_of(context).memory(low(imm))->fill(
                             low(a), static_cast<std::uint8_t>(b), low(c))));
}

NB_SERVICE(memory_copy) {
  Instance& instance = instance_of(context);
  return finish(control, trap_of(Memory::move(*instance.memory(low(imm)), low(a), *instance.memory(high(imm)),
                                              low(b), low(c))));
}

NB_SERVICE(memory_init) {
  return finish(control, memory_init(instance_of(context), low(imm), high(imm), low(a), low(b), low(c)));
}

NB_SERVICE(data_drop) {
  instance_of(context).drop_data(low(imm));
  return 0;
}

NB_SERVICE(table_get) {
  const Table& table = instance_of(context).table(low(imm));
  if (low(a) >= table.size()) trap_from_call(*control, Trap::table_out_of_bounds);
  return table.get(low(a));
}

NB_SERVICE(table_set) {
  Table& table = instance_of(context).table(low(imm));
  if (low(a) >= table.size()) trap_from_call(*control, Trap::table_out_of_bounds);
  table.set(low(a), low(b));
  return 0;
}

NB_SERVICE(table_grow) {
  return low(static_cast<std::uint64_t>(instance_of(context).table(low(imm)).grow(low(b), low(a))));
}

NB_SERVICE(table_fill) {
  Table& table = instance_of(context).table(low(imm));
  if (!table.contains(low(a), low(c))) trap_from_call(*control, Trap::table_out_of_bounds);
  for (std::uint32_t i = 0; i < low(c); ++i) table.set(low(a) + i, low(b));
  return 0;
}

NB_SERVICE(table_copy) {
  Instance& instance = instance_of(context);
  Table &to = instance.table(low(imm)), &from = instance.table(high(imm));
  if (!to.contains(low(a), low(c)) || !from.contains(low(b), low(c)))
    trap_from_call(*control, Trap::table_out_of_bounds);
  Table::copy(to, low(a), from, low(b), low(c));
  return 0;
}

NB_SERVICE(table_init) {
  return finish(control, table_init(instance_of(context), low(imm), high(imm), low(a), low(b), low(c)));
}

NB_SERVICE(elem_drop) {
  instance_of(context).drop_elements(low(imm));
  return 0;
}
