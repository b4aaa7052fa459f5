// SPDX-License-Identifier: MIT
// The assembly between C++ and generated code (stubs.S), and the record of one entry into wasm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wasm/ir/ir.h"
#include "wasm/runtime/layout.h"
#include "wasm/runtime/stub_offsets.h"

namespace nebulet::wasm {

/// One entry from C++ into wasm; lies in invoke's frame. The first part belongs to the stubs.
struct Activation {
  std::uint64_t entry_sp = 0;  ///< rsp in nb_enter_wasm: what unwinding returns to
  std::uint64_t saved_gs = 0;
  StackControl* control = nullptr;
  InstanceContext* context = nullptr;
  std::uint64_t memory_base = 0;
  std::uint64_t start_sp = 0;  ///< rsp at the call; stack arguments lie there
  std::uint64_t gpr[8] = {};   ///< arguments, then results
  std::uint64_t xmm[8][2] = {};
  FuncSlot slot;

  Activation* previous = nullptr;
  enum class End : std::uint8_t { returned, trapped, unwound, thrown } end = End::returned;
  ir::Trap trap = ir::Trap::unreachable;
  std::uint64_t pc = 0;  ///< trapped: in wasm code or a stub, or the return address if `at_call`
  std::uint64_t sp = 0;
  bool at_call = false;  ///< trapped by a host function or builtin, `pc` is where it would have returned to
  std::uint32_t stack_args = 0;  ///< at_call: bytes above the return address that the callee would pop
  std::uint64_t exit_value = 0;
  std::uint64_t outer_wasm_sp = 0;  ///< of StackControl, for the activation before
  std::uint64_t outer_stack_args = 0;
  std::uint32_t exception = 0;  ///< thrown: the reference; pc and sp as for a trap at a call
};

/// The registers of arguments and results, as the stubs for throw and catch lay them out.
struct ValueRegisters {
  std::uint64_t gpr[8] = {};
  std::uint64_t xmm[8][2] = {};
};
static_assert(offsetof(ValueRegisters, xmm) == NB_VALUES_XMM && sizeof(ValueRegisters) == NB_VALUES_SIZE);

static_assert(offsetof(StackControl, kernel_sp) == NB_CONTROL_KERNEL_SP &&
              sizeof(StackControl) == NB_CONTROL_SIZE);
static_assert(offsetof(StackControl, wasm_sp) == NB_CONTROL_WASM_SP);
static_assert(offsetof(StackControl, activation) == NB_CONTROL_ACTIVATION);
static_assert(offsetof(StackControl, stack_args) == NB_CONTROL_STACK_ARGS);
static_assert(kStackSlot - 1 == NB_STACK_SLOT_MASK);
static_assert(offsetof(FuncSlot, target) == NB_SLOT_TARGET);
static_assert(offsetof(FuncTarget, code) == NB_TARGET_CODE &&
              offsetof(FuncTarget, context) == NB_TARGET_CONTEXT);
static_assert(offsetof(FuncTarget, stack_args) == NB_TARGET_STACK_ARGS);
static_assert(offsetof(FuncTarget, stack_results) == NB_TARGET_STACK_RESULTS);
static_assert(offsetof(FuncTarget, owner) == NB_TARGET_OWNER);
static_assert(offsetof(FuncTarget, result_mask) == NB_TARGET_RESULT_MASK);
static_assert(offsetof(InstanceContext, memory_base) == NB_CONTEXT_MEMORY_BASE);
static_assert(offsetof(InstanceContext, gc_base) == NB_CONTEXT_GC_BASE);
static_assert(offsetof(InstanceContext, gc_allocations) == NB_CONTEXT_GC_ALLOCATIONS);
static_assert(offsetof(InstanceContext, gc_runs) == NB_CONTEXT_GC_RUNS);
static_assert(offsetof(InstanceContext, gc_types) == NB_CONTEXT_GC_TYPES);
static_assert(kContextHead + offsetof(MemoryRef, pages) == NB_CONTEXT_MEMORY_PAGES);
static_assert(offsetof(MemorySize, pages) == 0 && offsetof(MemorySize, is_plain) == NB_MEMORY_IS_PLAIN);
static_assert(kWasmPage == 1ull << NB_WASM_PAGE_LOG2);
static_assert(sizeof(GcAllocation) == 16 && sizeof(GcRun) == 8);
static_assert(offsetof(Activation, entry_sp) == NB_ACTIVATION_ENTRY_SP);
static_assert(offsetof(Activation, saved_gs) == NB_ACTIVATION_SAVED_GS);
static_assert(offsetof(Activation, control) == NB_ACTIVATION_CONTROL);
static_assert(offsetof(Activation, context) == NB_ACTIVATION_CONTEXT);
static_assert(offsetof(Activation, memory_base) == NB_ACTIVATION_MEMORY_BASE);
static_assert(offsetof(Activation, start_sp) == NB_ACTIVATION_START_SP);
static_assert(offsetof(Activation, gpr) == NB_ACTIVATION_GPR &&
              offsetof(Activation, xmm) == NB_ACTIVATION_XMM);
static_assert(offsetof(Activation, slot) == NB_ACTIVATION_SLOT);

extern "C" {
/// Calls `activation.slot` as wasm code and returns when that returns or unwinds.
void nb_enter_wasm(Activation* activation);
/// The same for functions of at most five integer parameters and one integer result: no other register is
/// loaded or stored.
void nb_enter_words(Activation* activation);
/// Makes nb_enter_wasm of this activation return. Fault handlers redirect to it, with rdi set.
[[noreturn]] void nb_unwind(Activation* activation);

/// Continues in wasm code at a handler.
[[noreturn]] void nb_resume(std::uint64_t pc, std::uint64_t sp, InstanceContext* context,
                            std::uint32_t exception, std::uint32_t tag);

// Only their addresses are used: entry points in FuncSlot::code, and return addresses that a backtrace meets.
void nb_call_host();
void nb_call_foreign();
void nb_call_foreign_end();
void nb_enter_wasm_return();
void nb_foreign_return();
void nb_foreign_small_return();
void nb_foreign_large_return();

// Copies whose faults are survived: false if memory ran out on the way.
bool nb_guest_copy(void* to, const void* from, std::uint64_t count);  ///< ascending: to < from or disjoint
bool nb_guest_copy_backward(void* to, const void* from, std::uint64_t count);  ///< descending
bool nb_guest_fill(void* to, std::uint8_t value, std::uint64_t count);
bool nb_guest_claim(void* at);  ///< writes the byte that is there, atomically
void nb_guest_failed();
void nb_guest_begin();
void nb_guest_end();

void nb_gc_new();  ///< as nb_builtin_gc_new, without leaving wasm's stack if there is a free cell
/// As nb_builtin_memory_copy and memory_fill, without leaving wasm's stack for what is short and in the first
/// memory. They push nothing.
void nb_memory_copy();
void nb_memory_fill();
void nb_memory_stubs_end();
#define NB_BUILTIN(name) void nb_builtin_##name();
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN
}

inline std::uint64_t address_of(void (*stub)()) { return reinterpret_cast<std::uint64_t>(stub); }

}  // namespace nebulet::wasm
