// SPDX-License-Identifier: MIT
// The selector's state. Blocks and instructions are visited backwards, so that when a definition is reached
// it is known whether any user asked for its register: a user may instead have taken the definition into
// itself. Instructions are collected in reverse; within one IR instruction they are emitted forwards and
// turned around.
#pragma once

#include <span>

#include "wasm/x64/abi.h"
#include "wasm/x64/mops.h"
#include "wasm/x64/registers.h"
#include "wasm/x64/select.h"

namespace nebulet::wasm::x64 {

using ir::Op;
using ir::Type;
using ir::Value;
using mir::VReg;

constexpr unsigned size_of(Type type) {
  return type == Type::i64 || type == Type::f64 ? 8 : type == Type::v128 ? 16 : 4;
}
/// Bytes in memory that a load, store or atomic access touches.
unsigned access_bytes(const ir::Inst& inst);
constexpr bool is_vec(Type type) { return type == Type::f32 || type == Type::f64 || type == Type::v128; }

/// What an instruction reads (or writes) through its r/m operand.
struct Source {
  MemKind kind = MemKind::none;
  VReg base, index;        ///< kind none: base is the register
  std::uint8_t scale = 0;  ///< log2
  std::uint8_t constant_bytes = 0;
  bool slot = false;           ///< kind none: may be read from its spill slot
  bool wide_constant = false;  ///< kind constant: 16 bytes, in the pool from disp on
  std::int32_t disp = 0;
  std::int64_t constant = 0;
  std::uint32_t position = 0;  ///< of the fused load
  bool traps = false;
  ir::Trap trap = ir::Trap::memory_out_of_bounds;
};

class Selector {
 public:
  Selector(const ir::Function& function, const Module& module, const ContextLayout& layout, Arena& arena,
           std::uint64_t most);
  mir::Function run();

 private:
  friend class VectorSelector;
  /// One machine instruction under construction; `end` appends it.
  class Build {
   public:
    Build(Selector& selector, MOp op, Aux aux) : s_(selector) {
      inst_.op = static_cast<std::uint16_t>(op);
      inst_.aux = aux.bits;
      inst_.operands = s_.out_.operands.size();
      inst_.position = s_.position_;
    }
    Build& use(VReg v) { return add({v, mir::Constraint::reg, mir::Role::use, {}, 0}); }
    Build& use(VReg v, PReg reg) { return add({v, mir::Constraint::fixed, mir::Role::use, reg, 0}); }
    Build& rm(const Source& source);
    Build& def(VReg v) { return add({v, mir::Constraint::reg, mir::Role::def, {}, 0}); }
    Build& def(VReg v, PReg reg) { return add({v, mir::Constraint::fixed, mir::Role::def, reg, 0}); }
    Build& reuse(VReg v) { return add({v, mir::Constraint::reuse, mir::Role::def, PReg{0}, 0}); }
    Build& temp(VReg v) { return add({v, mir::Constraint::reg, mir::Role::early_def, {}, 0}); }
    Build& imm(std::int64_t value) {
      inst_.imm = value;
      return *this;
    }
    Build& disp(std::int32_t value) {
      inst_.disp = value;
      return *this;
    }
    Build& aux(std::uint32_t value) {
      inst_.aux = value;
      return *this;
    }
    Build& flags(unsigned flags) {
      inst_.flags |= static_cast<std::uint8_t>(flags);
      return *this;
    }
    Build& clobber_all() {
      inst_.clobbers = kAllocatable;
      return flags(mir::kCall);
    }
    void end() { s_.back_.push_back(inst_); }

   private:
    Build& add(const mir::Operand& operand) {
      // Operands are contiguous: nothing else may be built in between.
      NB_DEBUG_ASSERT(inst_.operands + inst_.operand_count == s_.out_.operands.size());
      s_.out_.operands.push_back(operand);
      ++inst_.operand_count;
      return *this;
    }
    Selector& s_;
    mir::Inst inst_;
  };
  Build build(MOp op, unsigned size) { return Build(*this, op, Aux::size(size)); }
  Build build(MOp op, Aux aux) { return Build(*this, op, aux); }

  // select.cpp: the walk, values and registers.
  void analyze();
  void select_block(ir::Block block);
  void lower(Value v, const ir::Inst& inst);
  mir::Function assemble();
  mir::Function assemble_segment();
  Value resolve(Value v) const { return alias_[v.index]; }
  const ir::Inst& at(Value v) const { return ir_[v]; }
  /// The register of a value; asks for its definition.
  VReg vreg(Value v);
  bool wanted(Value v) const { return vregs_[v.index].valid(); }
  VReg new_vreg(Type type);
  VReg new_gpr(unsigned width, bool zero_extended);
  /// An integer constant's value, sign-extended from the type's width.
  bool constant(Value v, std::int64_t& value) const;
  bool constant32(Value v, std::int64_t& value) const {
    return constant(v, value) && value == static_cast<std::int32_t>(value);
  }
  bool once(Value v) const { return uses_[v.index] == 1; }
  bool local(Value v) const { return block_of_[v.index] == block_; }
  /// Whether its users may repeat or take over the computation of `v`.
  bool may_sink(Value v) const { return once(v) || local(v); }
  VReg immediate(std::uint64_t value, unsigned size);

  // select_memory.cpp
  /// The place that a load or store of `bytes` bytes accesses: its a, imm and count.
  Source address(const ir::Inst& access, unsigned bytes);
  void check_bounds(const ir::Inst& access, unsigned bytes);
  Source address64(const ir::Inst& access);
  Source based_address(const ir::Inst& access);
  /// addr + offset, an offset that no displacement can hold; traps if the sum does not fit.
  VReg far_address(Value addr, std::uint64_t offset, bool is_64);
  /// The register with a memory's base, or behind the last memory that of the garbage-collected heap. It is
  /// loaded at the function's head, and again wherever that is better than to keep it.
  VReg memory_base(std::uint32_t memory);
  void load_bases();
  void decompose(Value addr, Source& source, MemKind kind);
  /// Takes over a load of exactly `bytes` bytes that only this instruction uses, if nothing forbids to move
  /// it here.
  /// `any_extension`: the user reads no more than these bytes of a narrow load either.
  bool fuse_load(Value v, unsigned bytes, Source& source, bool any_extension = false);
  bool fuse_global(Value value, unsigned bytes, Source& source);
  bool can_fuse_load(Value v) const;
  Source operand(Value v, unsigned bytes);
  Source reg_operand(VReg v, unsigned bytes) const;
  static Source float_constant(std::uint64_t bits, unsigned bytes);
  void lower_load(Value v, const ir::Inst& inst);
  void lower_store(const ir::Inst& inst);
  bool fuse_store(const ir::Inst& inst);
  void lower_global_get(Value v, const ir::Inst& inst);
  void lower_global_set(const ir::Inst& inst);

  // select_gc.cpp
  bool lower_gc(Value v, const ir::Inst& inst);
  VReg heap_base();
  /// What an instruction on objects accesses.
  Source heap_place(const ir::Inst& inst, unsigned bytes);
  void load_place(VReg def, const ir::Inst& inst, const Source& place);
  void store_place(Value value, const ir::Inst& inst, const Source& place);

  // select_atomic.cpp
  void lower_atomic(Value v, const ir::Inst& inst);
  void check_alignment(const ir::Inst& inst, unsigned bytes);
  void widen(VReg from, unsigned bytes, VReg to);
  void lower_wide(Value v, const ir::Inst& inst);
  Value lower_half(Op op, Value a, Value b);
  void lower_narrow(Value v, const ir::Inst& inst);

  // select_int.cpp
  void lower_int(Value v, const ir::Inst& inst);
  void lower_add(Value v, const ir::Inst& inst);
  bool lower_lea(Value v, const ir::Inst& inst);
  void lower_binary(Value v, const ir::Inst& inst);
  void lower_mul(Value v, const ir::Inst& inst);
  void lower_shift(Value v, const ir::Inst& inst);
  void lower_unary(Value v, const ir::Inst& inst);
  void alu(MOp op, unsigned size, VReg def, Value a, Value b, bool commutative);

  // select_div.cpp
  void lower_div(Value v, const ir::Inst& inst);
  bool lower_div_constant(Value v, const ir::Inst& inst, std::int64_t divisor);
  VReg quotient_u(const ir::Inst& inst, std::uint64_t divisor);
  VReg quotient_s(const ir::Inst& inst, std::int64_t divisor);
  VReg op_imm(MOp op, unsigned size, VReg a, std::int64_t imm);
  VReg op_reg(MOp op, unsigned size, VReg a, VReg b);

  // select_float.cpp, select_convert.cpp
  void lower_float(Value v, const ir::Inst& inst);
  void lower_min_max(Value v, const ir::Inst& inst);
  void lower_convert(Value v, const ir::Inst& inst);
  void lower_trunc(Value v, const ir::Inst& inst);
  void lower_trunc_sat(Value v, const ir::Inst& inst);
  void truncate_u64(VReg def, VReg x, unsigned size);
  void lower_convert_u64(Value v, const ir::Inst& inst);
  VReg rvm(MOp op, unsigned size, VReg a, const Source& b);
  VReg compare_mask(unsigned predicate, unsigned size, VReg a, const Source& b);

  // select_control.cpp
  Cond condition(Value v);
  Cond compare(const ir::Inst& inst, bool single_use);
  Cond compare_zero(Value v, unsigned size, bool single_use);
  bool compare_byte(Value v, std::int64_t value, bool single_use);
  Cond compare_float(const ir::Inst& inst, bool single_use);
  void lower_compare(Value v, const ir::Inst& inst);
  void lower_select(Value v, const ir::Inst& inst);
  void lower_terminator(const ir::Inst& inst);
  void lower_trap_if(const ir::Inst& inst);

  // select_segment.cpp
  void lower_cell_get(Value v, const ir::Inst& inst);
  void lower_cell_set(const ir::Inst& inst);

  // select_simd.cpp
  void lower_vector(Value v, const ir::Inst& inst);
  bool store_lane(const ir::Inst& inst, unsigned bytes);
  bool is_vector_test(Value v) const;
  Cond vector_test(const ir::Inst& inst);

  // select_exceptions.cpp
  void lower_throw(const ir::Inst& inst);
  void lower_catch(Value v, const ir::Inst& inst);
  void lower_landing(Value v);
  void lower_tag_id(Value v, const ir::Inst& inst);

  // select_call.cpp
  void lower_entry();
  void lower_call(Value v, const ir::Inst& inst);
  void lower_tail_call(const ir::Inst& inst);
  std::int64_t element_check(const ir::Inst& inst) const;
  std::span<Value> results_of(Value v, std::size_t count);
  void lower_builtin(Value v, const ir::Inst& inst);
  void lower_return(const ir::Inst& inst);
  void store_outgoing(Value v, ValType type, MemKind kind, std::uint32_t offset);
  void load_stack(VReg v, ValType type, MemKind kind, std::uint32_t offset);

  const ir::Function& ir_;
  const Module& module_;
  const ContextLayout& layout_;
  Arena& arena_;
  const std::uint64_t most_;  ///< instructions
  mir::Function out_;
  // By Value.
  std::span<Value> alias_;  ///< the value in whose register this one lies; itself for most
  std::span<std::uint32_t> uses_;
  std::span<std::uint32_t> epoch_;  ///< instructions of one epoch have no effect but loads between them
  std::span<std::uint32_t> block_of_;
  std::span<VReg> vregs_;
  std::span<bool> fused_;            ///< loads that a user has taken over
  std::span<std::uint16_t> unread_;  ///< bytes of a vector that its only user does not read
  std::span<bool> zero_extended_;    ///< an i64 below 2^32 whose definition clears the upper half visibly
  ArenaVector<mir::Inst> back_;      ///< in reverse order
  struct Range {
    std::uint32_t begin, end;  ///< of a block in back_
  };
  std::span<VReg> bases_;  ///< by memory; then that of the heap of objects
  std::span<Range> ranges_;
  std::span<std::uint32_t> edge_args_;  ///< by block that ends in br: its arguments in the pool of out_
  std::uint32_t block_ = 0;             ///< the block and the instruction that are being lowered
  std::uint32_t order_ = 0;             ///< index of the instruction in ir::Function::order
  std::uint32_t now_ = 0;               ///< its epoch
  std::uint32_t position_ = 0;
};

}  // namespace nebulet::wasm::x64
