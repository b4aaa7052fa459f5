// SPDX-License-Identifier: MIT
// What compilation produces and the verifier, the loader and the trap handler consume: machine code with its
// tables. Position-independent and free of relocations, so one object serves every instance of a module.
#pragma once

#include <cstdint>
#include <vector>

#include "wasm/ir/ir.h"

namespace nebulet::wasm {

/// One compiled function; ranges are byte offsets in CodeObject::text.
struct CodeFunction {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t frame = 0;          ///< bytes that the prologue subtracts from rsp
  std::uint32_t stack_args = 0;     ///< bytes of stack arguments, popped by the callee
  std::uint32_t stack_results = 0;  ///< bytes of stack results, above the arguments
  /// Words that may hold references during any of its calls, beside those of the call; or something else.
  std::uint32_t stack_map = 0xffffffff;
};

/// An instruction that may trap: offset of its first byte, and why and where.
struct TrapSite {
  std::uint32_t pc = 0;
  std::uint32_t position = 0;  ///< byte offset of the wasm instruction in the module
  ir::Trap trap = ir::Trap::unreachable;
};

constexpr std::uint32_t kNoStackMap = 0xffffffff;
/// Which words of a frame hold references that the garbage collector must find. Entries are byte offsets from
/// the frame's lowest address, in CodeObject::map_slots from `first` to where the next map begins. A full map
/// lists them all; any other lists those in which it differs from the map before it.
struct StackMap {
  std::uint32_t first = 0;
  std::uint32_t full = 1;
};

/// The return address of a call: frames are walked and named by it.
struct CallSite {
  std::uint32_t return_pc = 0;
  std::uint32_t position = 0;
  std::uint32_t stack_map = kNoStackMap;  ///< the traced references in the caller's frame while the call runs
  std::uint32_t handler = 0;  ///< where what the call throws is caught: a label of the function; 0: nowhere
};

/// Claims about a jump target, checked by the verifier. In each mask bit n is gpr n.
struct Label {
  std::uint32_t pc = 0;
  std::uint16_t zero_extended = 0;  ///< upper 32 bits are clear
  std::uint16_t bases = 0;          ///< holds the base of a slot
  std::uint16_t wide_bases = 0;     ///< of these: the base of a slot for 64-bit addresses
};

/// A br_table in `rodata`: `count` signed 32-bit entries, each the target's text offset minus `base`.
/// `base` is the value that the dispatch sequence adds: the address of the table itself, expressed as
/// offset from the start of text.
struct JumpTable {
  std::uint32_t rodata_offset = 0;
  std::uint32_t count = 0;
};

struct CodeObject {
  std::vector<std::byte> text;    ///< padded with int3 to whole pages
  std::vector<std::byte> rodata;  ///< constants and jump tables; mapped read-only directly behind text
  std::vector<CodeFunction>
      functions;                ///< by defined function (function index minus imported functions), ascending
  std::vector<TrapSite> traps;  ///< sorted by pc
  std::vector<CallSite> calls;  ///< sorted by return_pc
  std::vector<StackMap> stack_maps;
  std::vector<std::uint32_t> map_slots;
  std::vector<Label> labels;           ///< sorted by pc
  std::vector<JumpTable> jump_tables;  ///< sorted by rodata_offset
  std::uint32_t uses_heap = 0;         ///< not 0: the code reads InstanceContext::gc_base
};

constexpr std::uint32_t kCodePage = 4096;

}  // namespace nebulet::wasm
