// SPDX-License-Identifier: MIT
// Emission of one function; see emit.h. A function is emitted with long branches, then shortened in one pass.
#pragma once

#include "wasm/x64/emit.h"
#include "wasm/x64/registers.h"

namespace nebulet::wasm::x64 {

class FunctionEmitter {
 public:
  /// `whole` if `function` is only a segment.
  FunctionEmitter(CodeBuilder& builder, const mir::Function& function, const regalloc::Result& allocation,
                  SegmentedFunction* whole = nullptr);
  Result<> run(std::uint32_t stack_args, std::uint32_t stack_results);

  // emit_segments.cpp
  Result<> run_segment(std::span<const std::uint32_t> labels, std::uint32_t stack_args);
  void end_segments(std::span<const ir::LabelAlias> aliases, std::uint32_t stack_args,
                    std::uint32_t stack_results);

 private:
  /// A block's index, or a label of the whole function of which this is a segment; or, from trap_base_ on,
  /// the number of an out-of-line trap.
  using Label = std::uint32_t;
  using BranchSite = SegmentedFunction::Branch;
  using OutOfLineTrap = SegmentedFunction::OutOfLineTrap;
  using Table = SegmentedFunction::Table;
  using Handler = SegmentedFunction::Handler;

  // emit.cpp: layout.
  static std::uint32_t outgoing_bytes(const mir::Function& function);
  Label resolve(std::uint32_t block) const { return whole_ ? block : resolved_[block]; }
  std::uint32_t position_of(Label label) const {
    return label < trap_base_ ? labels_[label] : trap_labels_[label - trap_base_];
  }
  void add_stack_maps();
  void begin_function();
  void thread_jumps();
  void prologue();
  void emit_block(std::uint32_t block);
  bool sets_flags_for(std::uint32_t block, std::uint32_t i) const;
  bool is_dispatch(std::uint32_t block) const;
  bool is_return(std::uint32_t block) const;
  void copy_block(std::uint32_t block);
  void edit(const regalloc::Edit& edit);
  void repeat_into_slot(const regalloc::Edit& edit);
  void terminator(std::uint32_t block, const mir::Inst& inst);
  void jump(Label target);
  void jump_if(Cond cond, Label target);
  void goto_unless_next(Label target);
  Label trap_label(ir::Trap trap, std::uint32_t position);
  void bind_traps();
  void shorten_branches();
  void copy_aliases() {
    for (const ir::LabelAlias& alias : aliases_) labels_[alias.from] = labels_[alias.to];
  }
  void fill_tables();
  /// The last call lands in a block or label if it throws.
  void lands_at(std::uint32_t block) {
    handlers_.push_back({static_cast<std::uint32_t>(builder_.object_.calls.size() - 1), block});
  }
  void set_handlers() {
    for (const Handler& handler : handlers_)
      builder_.object_.calls[handler.call].handler = labels_[handler.block];
  }
  void fill_with_labels(std::uint32_t rodata_offset, std::uint32_t block);

  // encode.cpp: instructions.
  void encode(const mir::Inst& inst, const regalloc::Location* forced_def);
  void encode_with_flags(const mir::Inst& inst);
  void encode_custom(const mir::Inst& inst, const regalloc::Location* forced_def);
  void encode_call(const mir::Inst& inst);
  void check_element(const mir::Inst& inst);
  void through_memory(const Rm& rm, bool jump);
  // encode_tail.cpp
  void encode_tail_call(const mir::Inst& inst);
  void encode_throw_or_catch(const mir::Inst& inst);
  void encode_switch(std::uint32_t block, const mir::Inst& inst);
  void call_site(const mir::Inst& inst);
  std::uint32_t stack_map(const mir::Inst& inst) const;
  Rm rm_operand(const mir::Inst& inst, unsigned first);
  void check_address(std::uint8_t address, const mir::Inst& inst);
  Rm slot(std::uint32_t offset) const;
  std::uint8_t reg(const mir::Inst& inst, unsigned operand) const {
    return allocation_.operands[inst.operands + operand].preg().encoding();
  }

  CodeBuilder& builder_;
  Assembler& a_;
  const mir::Function& f_;
  const regalloc::Result& allocation_;
  SegmentedFunction* const whole_;
  static constexpr std::uint32_t kTraps = 0x80000000;
  Label trap_base_ = kTraps;
  std::uint32_t outgoing_ = 0, spill_base_ = 0, frame_ = 0, stack_args_ = 0;
  std::uint32_t next_edit_ = 0;
  std::uint32_t next_block_ = 0;  ///< the block that will be emitted next
  ArenaVector<std::uint32_t>
      resolved_;                       ///< by block: where a jump to it really goes; itself if it is emitted
  ArenaVector<bool> targeted_;         ///< by block: some branch or table goes there
  ArenaVector<std::uint32_t> labels_;  ///< by block or label: text offset
  ArenaVector<std::uint32_t> trap_labels_;  ///< by trap: likewise
  std::span<const ir::LabelAlias> aliases_;
  ArenaVector<BranchSite> branches_;
  ArenaVector<OutOfLineTrap> traps_;
  ArenaVector<Table> tables_;
  ArenaVector<Handler> handlers_;
  // First entries of this function in the builder's tables.
  std::uint32_t begin_ = 0, first_map_ = 0;
  std::size_t first_trap_, first_call_, first_call_fixup_, first_rodata_fixup_;
};

}  // namespace nebulet::wasm::x64
