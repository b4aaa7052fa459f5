// SPDX-License-Identifier: MIT
// What atomic instructions and wide arithmetic become in the SSA form.
#pragma once

#include "wasm/binary/opcodes.h"
#include "wasm/frontend/cells.h"
#include "wasm/frontend/ssa.h"
#include "wasm/validate/walker.h"

namespace nebulet::wasm {

/// Emits the instructions of opcodes_atomic.def. `Ssa` is SsaBuilder or CellBuilder.
template <class Ssa>
class AtomicBuilder {
 public:
  using Value = ir::Value;
  AtomicBuilder(Ssa& ssa, const Module& module) : ssa_(ssa), module_(module) {}

  /// `a` and `b` are the operands behind the address, as AtomicForm has them.
  Value emit(Opcode op, MemArg where, Value address, Value a, Value b);

 private:
  /// and, or, xor: there is no such instruction that also gives what was there. Where no value lives from one
  /// block to the next a service does it.
  Value loop(ir::Op op, const ir::Inst& access);
  Value service(ir::Op op, const ir::Inst& access, MemArg where);
  /// address + offset as i64; an address that no memory has if the sum does not fit.
  Value sum(MemArg where, Value address);

  Ssa& ssa_;
  const Module& module_;
};

/// add128, sub128, mul_wide_s, mul_wide_u.
template <class Ssa>
WidePair<ir::Value> build_wide(Ssa& ssa, ir::Function& function, Opcode op,
                               const WideOperands<ir::Value>& operands);

}  // namespace nebulet::wasm
