// SPDX-License-Identifier: MIT
#include "wasm/runtime/fault.h"

#include "wasm/runtime/stack.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

constexpr int kRsp = 4, kRdi = 7, kR10 = 10, kR11 = 11, kR12 = 12, kR15 = 15;

bool between(std::uint64_t pc, void (*begin)(), void (*end)()) {
  return pc >= address_of(begin) && pc < address_of(end);
}

/// Makes the interrupted code continue in nb_unwind. False if it does not run on a wasm stack inside an
/// activation.
FaultResult end_with(const Fault& fault, Trap trap) {
  WasmStack* stack = WasmStack::find(fault.gpr[kRsp]);
  Activation* activation = stack ? stack->control().activation : nullptr;
  if (!activation) return FaultResult::not_ours;
  activation->end = Activation::End::trapped;
  activation->trap = trap;
  activation->pc = *fault.pc;
  activation->sp = fault.gpr[kRsp];
  activation->at_call = false;
  if (between(*fault.pc, nb_call_foreign, nb_call_foreign_end)) {  // r12 is rsp at its entry, r11 the target
    activation->pc = *reinterpret_cast<const std::uint64_t*>(fault.gpr[kR12]);
    activation->sp = fault.gpr[kR12] + 8;
    activation->at_call = true;
    activation->stack_args = reinterpret_cast<const FuncTarget*>(fault.gpr[kR11])->stack_args;
  }
  if (between(*fault.pc, nb_memory_copy, nb_memory_stubs_end)) {  // rsp is that at entry
    activation->pc = *reinterpret_cast<const std::uint64_t*>(fault.gpr[kRsp]);
    activation->sp = fault.gpr[kRsp] + 8;
    activation->at_call = true;
    activation->stack_args = 0;
  }
  *fault.pc = address_of(reinterpret_cast<void (*)()>(nb_unwind));
  fault.gpr[kRdi] = reinterpret_cast<std::uint64_t>(activation);
  return FaultResult::resume;
}

FaultResult fail_copy(const Fault& fault) {
  *fault.pc = address_of(nb_guest_failed);
  return FaultResult::resume;
}

/// A call through a null element fails its signature check like any other; the slot tells them apart.
Trap refine_mismatch(const Fault& fault) {
  const auto& context = *reinterpret_cast<InstanceContext*>(fault.gpr[kR15]);
  auto& instance = *static_cast<Instance*>(context.instance);
  for (std::uint32_t i = 0; i < instance.tables(); ++i) {
    const Table& table = instance.table(i);
    const std::uint64_t offset = fault.gpr[kR10] - reinterpret_cast<std::uint64_t>(table.elements());
    if (offset >> kFuncSlotShift >= table.size()) continue;
    if (table.elements()[offset >> kFuncSlotShift].signature == 0) return Trap::uninitialized_element;
  }
  return Trap::indirect_call_type_mismatch;
}

/// The memory that generated code accesses at the fault's address, if it is one of the running instance's. An
/// access can reach by its width into the page behind a slot.
Memory* own_memory(const Fault& fault) {
  constexpr std::uint64_t kWidest = 64;
  const auto& context = *reinterpret_cast<InstanceContext*>(fault.gpr[kR15]);
  auto& instance = *static_cast<Instance*>(context.instance);
  for (const std::uint64_t address : {fault.address, fault.address - kWidest}) {
    Memory* memory = Memory::find(address);
    for (std::uint32_t i = 0; memory && instance.memory(i); ++i)
      if (instance.memory(i) == memory) return memory;
  }
  return nullptr;
}

/// Only null leads to where nothing is mapped in the heap of objects.
bool is_null(Trap trap) {
  return trap == Trap::null_structure || trap == Trap::null_array || trap == Trap::null_reference;
}
bool in_heap(const Fault& fault) {
  const auto& context = *reinterpret_cast<InstanceContext*>(fault.gpr[kR15]);
  const auto base = reinterpret_cast<std::uint64_t>(context.gc_base);
  return base && fault.address - (base - kMemorySlotBase) < kMemorySlotSize;
}

FaultResult memory_fault(const Fault& fault, const ModuleCode* code) {
  const bool copying = between(*fault.pc, nb_guest_begin, nb_guest_end);
  if (WasmStack* stack = WasmStack::find(fault.address)) {
    switch (stack->touch(fault.address)) {
      case WasmStack::Touch::committed: return FaultResult::retry;
      case WasmStack::Touch::guard: return end_with(fault, Trap::stack_exhausted);
      case WasmStack::Touch::out_of_memory: return end_with(fault, Trap::out_of_memory);
    }
  }
  if (code && in_heap(fault)) {
    const TrapSite* site = code->trap_at(*fault.pc);
    return site && is_null(site->trap) ? end_with(fault, site->trap) : FaultResult::not_ours;
  }
  Memory* memory = code ? own_memory(fault) : Memory::find(fault.address);
  if (code && !memory) return FaultResult::not_ours;
  if (memory) {
    switch (memory->touch(fault.address)) {
      case Memory::Touch::committed: return FaultResult::retry;
      case Memory::Touch::out_of_memory:
        return copying ? fail_copy(fault) : end_with(fault, Trap::out_of_memory);
      case Memory::Touch::outside: break;
    }
  }
  const TrapSite* site = code ? code->trap_at(*fault.pc) : nullptr;
  if (!site || site->trap != Trap::memory_out_of_bounds) return FaultResult::not_ours;
  return end_with(fault, Trap::memory_out_of_bounds);
}

}  // namespace

FaultResult handle_fault(const Fault& fault) {
  const ModuleCode* code = ModuleCode::find(*fault.pc);
  if (fault.cause == Fault::Cause::memory) return memory_fault(fault, code);
  const TrapSite* site = code ? code->trap_at(*fault.pc) : nullptr;
  if (!site) return FaultResult::not_ours;
  switch (fault.cause) {
    case Fault::Cause::divide:
      return site->trap == Trap::integer_overflow || site->trap == Trap::integer_divide_by_zero
                 ? end_with(fault, site->trap)
                 : FaultResult::not_ours;
    case Fault::Cause::invalid_opcode:
      return end_with(fault,
                      site->trap == Trap::indirect_call_type_mismatch ? refine_mismatch(fault) : site->trap);
    default: return FaultResult::not_ours;
  }
}

bool is_wasm_code(std::uint64_t pc) { return ModuleCode::find(pc) != nullptr; }

}  // namespace nebulet::wasm
