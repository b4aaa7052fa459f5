// SPDX-License-Identifier: MIT
// The memory that generated code sees, defined once: the selector emits these offsets, the verifier allows
// exactly them, the runtime fills them. Everything here is plain data.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wasm/binary/module.h"

namespace nebulet::wasm {

struct InstanceContext;

// --- Linear memory
// ------------------------------------------------------------------------------------------------- A slot of
// address space for each 32-bit memory: [-2 GiB: kept unmapped (for GC heaps)] [0 … 4 GiB: memory] [2 GiB
// guard]. An access is base + 32-bit index + displacement below 2 GiB, so it cannot leave its slot by more
// than the width of an access; the first page of every slot stays unmapped.
constexpr std::uint64_t kMemorySlotSize = 8ull << 30;
constexpr std::uint64_t kMemorySlotBase = 2ull << 30;  ///< offset of byte 0 of the memory in its slot
constexpr std::uint64_t kWasmPage = 64 * 1024;
/// A memory with 64-bit addresses has a larger slot; an address is compared with kMemory64Size first, then a
/// displacement below 2 GiB may be added.
constexpr std::uint64_t kMemory64SlotSize = 32ull << 30;
constexpr std::uint64_t kMemory64Size = 16ull << 30;

// --- Calls through slots
// -------------------------------------------------------------------------------------------
/// What a cross-instance or host call needs to know; owned by the store, never moves.
struct FuncTarget {
  std::uint64_t code = 0;  ///< entry of the wasm function, or the C++ function for a host function
  InstanceContext* context = nullptr;  ///< of the callee; of the importing instance for a host function
  std::uint32_t stack_args = 0;        ///< bytes; popped by the callee
  std::uint32_t stack_results = 0;     ///< bytes
  void* owner = nullptr;               ///< host functions: passed to the C++ function's environment
  std::uint64_t result_mask =
      ~0ull;  ///< host functions: rax is cut to it, so that i32 results are zero-extended
};

/// A callable: an imported function, or an element of a table. Generated code calls `[slot]` with r10 = slot.
struct FuncSlot {
  std::uint64_t code =
      0;  ///< the function itself if it belongs to the calling instance, else a stub that uses `target`
  FuncTarget* target = nullptr;
  std::uint32_t signature = 0;  ///< canonical type id, unique in the kernel's life; 0: null element
  std::uint32_t ref = 0;        ///< the reference value (tables of any type); 0: null
  std::uint32_t abi = 0;  ///< id of how it is called: register classes of parameters and results; 0: null
  std::uint32_t reserved = 0;
};
constexpr std::uint32_t kFuncSlotShift = 5;
static_assert(sizeof(FuncSlot) == 1u << kFuncSlotShift);
static_assert(offsetof(FuncSlot, code) == 0 && offsetof(FuncSlot, signature) == 16 &&
              offsetof(FuncSlot, abi) == 24);

/// A table's elements never move. Its size stands before element 0, at TableHeader::kSizeOffset from it.
struct TableHeader {
  std::uint64_t reserved[3];
  std::uint32_t size;  ///< elements; changes by table.grow
  std::uint32_t padding;
  static constexpr std::int32_t kSizeOffset = -8;
};
static_assert(sizeof(TableHeader) == 32);

// --- The instance context, in r15
// ------------------------------------------------------------------------------------
/// Services of the runtime that generated code calls with `call [r15 + offset]`, the engine's own convention:
/// u64 f(u64 imm, u64 a, u64 b, u64 c), the immediate and operands of the IR operation of the same name.
enum class Builtin : std::uint8_t {
#define NB_BUILTIN(name) name,
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN
  count,
};
constexpr std::uint32_t kBuiltinCount = static_cast<std::uint32_t>(Builtin::count);
/// Places for them, so that the offsets behind do not depend on how many there are.
constexpr std::uint32_t kBuiltinSlots = 64;
static_assert(kBuiltinCount <= kBuiltinSlots);

/// The size of a memory. Generated code reads the first word only.
struct MemorySize {
  std::atomic<std::uint64_t> pages = 0;
  std::uint64_t is_plain = 0;  ///< 32-bit addresses, pages of 64 KiB, all of them writable. For stubs only
};
static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));

struct MemoryRef {
  std::uint64_t base = 0;                ///< address of byte 0
  const std::uint64_t* pages = nullptr;  ///< its size, in pages; shared by all instances that have the memory
};

/// How the stub of gc_new makes an object of a type: a zeroed cell from the runs of its class.
struct GcAllocation {
  std::uint32_t record = 0;
  std::uint32_t size_class = 0;  ///< one without cells if the service must do it
  std::uint32_t cell = 0;        ///< bytes
  std::uint32_t padding = 0;
};
/// Free cells next to each other, zeroed: references from `next` to below `end`.
struct GcRun {
  std::uint32_t next = 0, end = 0;
};

/// The fixed head of an instance's context. Behind it follow the areas of ContextLayout.
struct InstanceContext {
  std::uint64_t builtins[kBuiltinSlots];  ///< entry points of stubs
  std::uint32_t ref_base;                 ///< ref.func i is ref_base + i
  std::uint32_t padding;
  void* instance;             ///< the runtime's Instance; generated code never reads it
  std::uint64_t memory_base;  ///< GS base while the instance runs; 0 without memory. For stubs only
  FuncSlot* functions;        ///< element 0 of the store's table of all functions, indexed by reference
  std::byte* gc_base;         ///< address of reference 0 of the store's heap; only if the code uses it
  // For the stub of gc_new only.
  const GcAllocation* gc_allocations;  ///< by type
  GcRun* gc_runs;                      ///< by class of cells
  std::uint64_t gc_types;              ///< how many types there are
};

/// Where the areas behind the head begin, whatever the head has.
constexpr std::uint32_t kContextHead = 1024;
static_assert(sizeof(InstanceContext) <= kContextHead);

/// Offsets of the variable areas of a module's context, from r15. A pure function of the module.
struct ContextLayout {
  std::uint32_t memories = 0;    ///< MemoryRef × memories
  std::uint32_t tables = 0;      ///< pointer to element 0 × tables
  std::uint32_t imports = 0;     ///< FuncSlot × imported functions
  std::uint32_t globals = 0;     ///< 16 bytes each, all globals: the cell of a defined or imported immutable
                                 ///< global, or, for an imported mutable one, the address of its cell
  std::uint32_t signatures = 0;  ///< u32 × types: the canonical type id
  std::uint32_t abis = 0;        ///< u32 × types: FuncSlot::abi of functions of the type
  std::uint32_t records = 0;     ///< u32 × types: the offset of a type's record in the store's heap
  std::uint32_t tags = 0;        ///< u32 × tags: the tag's id, unique in the store
  std::uint32_t size = 0;

  static ContextLayout of(const Module& module) {
    auto align = [](std::uint32_t n) { return (n + 31) & ~31u; };
    ContextLayout l;
    l.memories = kContextHead;
    l.tables = align(l.memories + static_cast<std::uint32_t>(module.memories.size() * sizeof(MemoryRef)));
    l.imports = align(l.tables + static_cast<std::uint32_t>(module.tables.size() * 8));
    l.globals = l.imports + module.imported_functions * static_cast<std::uint32_t>(sizeof(FuncSlot));
    l.signatures = align(l.globals + static_cast<std::uint32_t>(module.globals.size() * 16));
    l.abis = align(l.signatures + static_cast<std::uint32_t>(module.types.size() * 4));
    l.records = align(l.abis + static_cast<std::uint32_t>(module.types.size() * 4));
    l.tags = align(l.records + static_cast<std::uint32_t>(module.types.size() * 4));
    l.size = align(l.tags + static_cast<std::uint32_t>(module.tags.size() * 4));
    return l;
  }
  std::uint32_t memory_base(std::uint32_t i) const { return memories + i * sizeof(MemoryRef); }
  std::uint32_t memory_pages(std::uint32_t i) const { return memories + i * sizeof(MemoryRef) + 8; }
  std::uint32_t table(std::uint32_t i) const { return tables + i * 8; }
  std::uint32_t import(std::uint32_t i) const {
    return imports + i * static_cast<std::uint32_t>(sizeof(FuncSlot));
  }
  std::uint32_t global(std::uint32_t i) const { return globals + i * 16; }
  std::uint32_t signature(std::uint32_t type) const { return signatures + type * 4; }
  std::uint32_t abi(std::uint32_t type) const { return abis + type * 4; }
  std::uint32_t record(std::uint32_t type) const { return records + type * 4; }
  std::uint32_t tag(std::uint32_t i) const { return tags + i * 4; }
};
/// An imported mutable global is reached through a pointer; every other one lies in the context.
inline bool global_is_indirect(const Module& m, std::uint32_t i) {
  return i < m.imported_globals && m.globals[i].type.is_mutable;
}

// --- The wasm stack
// ------------------------------------------------------------------------------------------------- Each
// thread's wasm stack lies in a slot of kStackSlot bytes, aligned to that size, so that code can find the
// control block at its top from rsp alone. The lowest kStackGuard bytes are never mapped.
constexpr std::uint64_t kStackSlot = 8ull << 20;
constexpr std::uint64_t kStackGuard = 64 * 1024;
constexpr std::uint32_t kMaxFrame = 1u << 20;
/// A function whose frame is larger reads one word in every kProbeStep below rsp before it moves rsp.
constexpr std::uint32_t kProbeStep = 32 * 1024;

struct Activation;
/// At the highest address of the slot.
struct StackControl {
  std::uint64_t kernel_sp = 0;  ///< where a call from wasm to C++ puts rsp
  std::uint64_t wasm_sp = 0;    ///< rsp of the wasm code that made that call; it points to the return address
  Activation* activation = nullptr;  ///< the innermost entry from C++ into wasm
  void* thread = nullptr;            ///< of the kernel
  std::uint64_t stack_args = 0;      ///< bytes above that return address that the call will pop
  std::uint64_t reserved[3] = {};
};
static_assert(sizeof(StackControl) == 64);

}  // namespace nebulet::wasm
