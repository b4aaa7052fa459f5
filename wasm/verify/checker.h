// SPDX-License-Identifier: MIT
// The verifier's one pass over the text. A Checker is made for one code object and used once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "wasm/verify/abi.h"
#include "wasm/verify/verify.h"

namespace nebulet::wasm::verify {

class Checker {
 public:
  Checker(const CodeObject& code, const Module& module, const Pause& pause = {});
  /// False if a rule is broken; then rule(), function() and pc() say which and where.
  bool run();
  const char* rule() const { return rule_; }
  /// Set if the caller wanted it to end: then no rule is broken.
  std::optional<Error>& cancelled() { return cancelled_; }
  std::uint32_t function() const { return module_.imported_functions + index_; }
  std::uint32_t pc() const { return pc_; }

 private:
  bool pause();
  bool check_object();
  bool check_stack_maps();
  bool check_function(const CodeFunction& function);
  bool check_padding(std::size_t begin, std::size_t end);
  bool check_prologue();

  bool fail(const char* rule);
  bool fetch();
  bool enter_label();
  bool step();
  bool plain(const Insn& insn);
  void transfer(const Insn& insn);

  bool check_memory(const Insn& insn);
  bool check_linear(const Mem& mem);
  bool check_based(const Mem& mem);
  bool check_base_load(const Insn& insn, std::uint32_t memory);
  bool check_context(const Insn& insn);
  bool check_global(const Insn& insn, std::uint32_t offset);
  bool table_size(const Insn& insn);

  bool check_lea(const Insn& insn);
  bool jump_table(const Insn& lea);
  const JumpTable* find_jump_table(const Insn& lea);
  bool branch(std::int64_t distance);
  bool jump(const Insn& insn);
  bool returns_next() const;
  bool branch_to_trap(const Insn& insn, std::uint8_t condition);
  const Label* find_label(std::uint32_t pc) const;
  /// Whether what `label` claims holds here, but for the upper halves.
  bool bases_hold(const Label& label) const {
    return !(label.bases & ~bases_) && !(label.wide_bases & ~wide_bases_);
  }
  void set_state(std::uint16_t zero, std::uint16_t bases = 0, std::uint16_t wide_bases = 0) {
    state_ = zero, bases_ = bases, wide_bases_ = wide_bases, checked_ = 0;
    compared_ = kNone;
  }
  bool is_trap(std::uint32_t pc) const;

  bool call_direct(const Insn& insn);
  bool call_import(const Insn& lea);
  bool call_builtin(const Insn& insn);
  bool call_by_reference(const Insn& load);
  bool call_indirect(std::uint8_t index, std::uint32_t ids, std::uint32_t field);
  bool finish_call(const TypeAbi& abi);
  bool call_with_tag(Builtin service);
  bool check_handler(std::uint32_t pc);
  const TypeAbi* import_slot(const Insn& lea);
  const TypeAbi* function_at(std::int64_t target) const;
  bool takes_return_address(const Insn& insn) const;
  bool leave(const TypeAbi* slot);
  bool move_arguments(std::int64_t& top);
  bool jumps_through_slot(const Insn& insn) const;
  bool finish_tail_call(const TypeAbi& abi, std::int64_t arguments);
  bool check_return(const Insn& insn);

  const Insn& insn(unsigned back = 0) const { return ring_[(fetched_ - back) & 3]; }

  const CodeObject& code_;
  const Module& module_;
  const ContextLayout layout_;
  const std::uint8_t* text_;
  std::vector<TypeAbi> types_;                   ///< by type
  std::vector<std::uint8_t> table_used_;         ///< by jump table: each belongs to one dispatch
  std::size_t label_ = 0, trap_ = 0, call_ = 0;  ///< cursors: the first entry not yet passed
  std::size_t first_label_ = 0, last_label_ = 0, first_trap_ = 0, last_trap_ = 0;  ///< of the function

  const CodeFunction* function_ = nullptr;
  TypeAbi own_;                      ///< of the function
  std::uint32_t index_ = 0;          ///< among the defined functions
  std::uint32_t pc_ = 0, next_ = 0;  ///< of the instruction in hand, and behind it
  std::uint32_t fetched_ = 0;
  std::uint32_t run_ = 0;  ///< instructions since the last label, with the one in hand
  // Bit n is about gpr n.
  std::uint16_t state_ = 0;        ///< the upper 32 bits are 0
  std::uint16_t bases_ = 0;        ///< holds the base of a slot
  std::uint16_t wide_bases_ = 0;   ///< holds the base of a slot for 64-bit addresses
  std::uint16_t checked_ = 0;      ///< is below kMemory64Size; since the last label
  std::uint8_t compared_ = kNone;  ///< the gpr that the instruction before compared with kMemory64Size
  bool live_ = false;              ///< control can come from the instruction before
  bool trap_here_ = false;
  const char* rule_ = nullptr;
  Insn ring_[4];
  const Pause pause_;
  std::optional<Error> cancelled_;
  std::uint32_t pause_at_ = kPauseBytes;  ///< offset in the text
  static constexpr std::uint32_t kPauseBytes = 64 * 1024;
};

}  // namespace nebulet::wasm::verify
