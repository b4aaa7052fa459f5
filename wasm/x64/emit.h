// SPDX-License-Identifier: MIT
// Machine code from allocated functions: the last stage of the compiler. Collects the functions of a module
// into one CodeObject; knows the frame layout, out-of-line traps, labels and jump tables, but nothing of wasm
// operations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"
#include "wasm/error.h"
#include "wasm/regalloc/mir.h"
#include "wasm/regalloc/regalloc.h"
#include "wasm/x64/assembler.h"

namespace nebulet::wasm::x64 {

/// The most code that a module may have.
constexpr std::uint32_t kMaxText = 1u << 30;

/// The frame of a function in segments, from rsp upwards. It must be known before the first segment is
/// emitted, so it is guessed; `SegmentedFunction::needed` tells afterwards what it should have been.
struct SegmentFrame {
  std::uint32_t outgoing = 0, cells = 0, spills = 0;  ///< bytes
};

/// A function that is being added in segments: what all of them share. Everything is in `arena`.
struct SegmentedFunction {
  SegmentedFunction(Arena& arena, const SegmentFrame& frame)
      : arena(&arena),
        frame(frame),
        labels(arena, Growth::gives_back),
        starts(arena, Growth::gives_back),
        branches(arena, Growth::gives_back),
        traps(arena, Growth::gives_back),
        tables(arena, Growth::gives_back),
        handlers(arena, Growth::gives_back) {}
  struct Branch {
    std::uint32_t at, target;
    bool conditional;
  };
  struct OutOfLineTrap {
    std::uint32_t position;
    ir::Trap trap;
  };
  struct Handler {
    std::uint32_t call;   ///< in CodeObject::calls
    std::uint32_t block;  ///< block or label where it lands if it throws
  };
  struct Table {
    std::uint32_t rodata_offset;
    std::uint32_t block;  ///< in segments instead: how many entries it has
  };
  Arena* arena;
  SegmentFrame frame, needed;
  ArenaVector<std::uint32_t> labels;  ///< by label: offset in text
  ArenaVector<std::uint32_t> starts;  ///< labels in the order of the text
  ArenaVector<Branch> branches;
  ArenaVector<OutOfLineTrap> traps;
  ArenaVector<Table> tables;  ///< their entries are labels until the end
  ArenaVector<Handler> handlers;
  bool fits() const {
    return needed.outgoing <= frame.outgoing && needed.cells <= frame.cells && needed.spills <= frame.spills;
  }
  bool begun = false;
  // What the builder had before this function.
  std::uint32_t text = 0, rodata = 0, begin = 0;
  std::size_t first_trap = 0, first_call = 0, first_call_fixup = 0, first_rodata_fixup = 0, first_table = 0,
              first_map = 0, first_map_slot = 0;
};

/// Add the defined functions of a module in ascending order, then `finish`. The module must outlive the
/// builder. Several builders may make a part each, which `append` puts together.
class CodeBuilder {
 public:
  /// `first`: the first defined function of this part.
  explicit CodeBuilder(const Module& module, std::uint32_t first = 0) : module_(module), first_(first) {}

  /// Appends the next defined function. `limit` if its frame exceeds kMaxFrame or the text would exceed 1
  /// GiB.
  Result<> add(const mir::Function& function, const regalloc::Result& allocation);
  /// Appends a part of the next defined function; `labels` are those of its blocks, in order.
  Result<> add_segment(SegmentedFunction& whole, const mir::Function& segment,
                       const regalloc::Result& allocation, std::span<const std::uint32_t> labels);
  /// The last segment was added; the first label of each of `aliases` is the second one.
  /// `references`: the cells, of `cell_bytes`, that may hold traced references.
  Result<> end_segments(SegmentedFunction& whole, std::span<const ir::LabelAlias> aliases,
                        std::span<const std::uint32_t> references, std::uint32_t cell_bytes);
  /// Forgets the segments that were added.
  void drop_segments(const SegmentedFunction& whole);
  /// Bytes of code so far.
  std::uint32_t text_bytes() const { return assembler_.size(); }
  /// Moves the next part, whose first function follows the last one here, behind this one.
  void append(CodeBuilder&& part);
  /// Patches calls and constants and gives the object away; the builder is empty afterwards.
  CodeObject finish();

 private:
  friend class FunctionEmitter;
  struct CallFixup {
    std::uint32_t at;        ///< of the rel32, in text
    std::uint32_t function;  ///< defined function
  };

  /// Of the function that is being added, in the module's index space.
  std::uint32_t next_function() const {
    return module_.imported_functions + first_ + static_cast<std::uint32_t>(object_.functions.size());
  }

  const Module& module_;
  const std::uint32_t first_;
  CodeObject object_;
  Assembler assembler_;
  Rodata rodata_;
  std::vector<CallFixup> call_fixups_;
};

}  // namespace nebulet::wasm::x64
