// SPDX-License-Identifier: MIT
// Calls, the function's own arguments and results, and the runtime's services.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {
namespace {

Type type_of(ValType type) {
  switch (type.kind) {
    case ValType::Kind::i64: return Type::i64;
    case ValType::Kind::f32: return Type::f32;
    case ValType::Kind::f64: return Type::f64;
    case ValType::Kind::v128: return Type::v128;
    case ValType::Kind::ref: return Type::ref;
    default: return Type::i32;
  }
}

Builtin builtin_of(Op op) {
  switch (op) {
#define NB_BUILTIN(name) \
  case Op::name: return Builtin::name;
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN
    default: return Builtin::count;
  }
}

}  // namespace

void Selector::store_outgoing(Value v, ValType type, MemKind kind, std::uint32_t offset) {
  Source s;
  s.kind = kind;
  s.disp = static_cast<std::int32_t>(offset);
  std::int64_t c = 0;
  if (constant32(v, c)) return build(MOp::mov_mi, size_of(type_of(type))).imm(c).rm(s).end();
  const VReg r = vreg(v);
  if (type.kind == ValType::Kind::v128) return build(MOp::vmovups_store, 4).use(r).rm(s).end();
  build(is_vec(type_of(type)) ? MOp::vmov_store : MOp::mov_mr, size_of(type_of(type))).use(r).rm(s).end();
}

void Selector::load_stack(VReg v, ValType type, MemKind kind, std::uint32_t offset) {
  Source s;
  s.kind = kind;
  s.disp = static_cast<std::int32_t>(offset);
  if (type.kind == ValType::Kind::v128) return build(MOp::vmovups_load, 4).rm(s).def(v).end();
  build(is_vec(type_of(type)) ? MOp::vmov_load : MOp::mov_rm, size_of(type_of(type))).rm(s).def(v).end();
}

void Selector::lower_entry() {
  position_ = 0;
  const FuncType& type = module_.type_of(ir_.index);
  const auto params = ir_.params(ir::Block(0));
  PlaceCursor registers, stack;
  Build entry = build(MOp::entry, 8);
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Place place = registers.next(type.params[i]);
    if (place.reg.valid() && wanted(params[i])) entry.def(vreg(params[i]), place.reg);
  }
  entry.end();
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Place place = stack.next(type.params[i]);
    if (!place.reg.valid() && wanted(params[i]))
      load_stack(vreg(params[i]), type.params[i], MemKind::incoming, place.offset);
  }
}

void Selector::lower_return(const ir::Inst& inst) {
  const FuncType& type = module_.type_of(ir_.index);
  const std::uint32_t arguments = stack_bytes(type.params);
  const auto values = ir_.args(inst);
  PlaceCursor stack, registers;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Place place = stack.next(type.results[i]);
    if (!place.reg.valid())
      store_outgoing(values[i], type.results[i], MemKind::incoming, arguments + place.offset);
  }
  // Operands are consecutive, so registers are asked for before the instruction is begun; vreg() emits
  // nothing.
  Build ret = build(MOp::ret, 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Place place = registers.next(type.results[i]);
    if (place.reg.valid()) ret.use(vreg(values[i]), place.reg);
  }
  ret.imm(arguments).flags(mir::kTerminator).end();
}

/// Where an indirect call finds the table and the id that the element must have.
std::int64_t Selector::element_check(const ir::Inst& inst) const {
  const auto table = static_cast<std::uint32_t>(inst.imm), type = static_cast<std::uint32_t>(inst.imm >> 32);
  if (inst.op == Op::call_ref || inst.op == Op::return_call_ref)
    return std::int64_t{offsetof(InstanceContext, functions)} | std::int64_t{layout_.abi(type)} << 32;
  return std::int64_t{layout_.table(table)} | std::int64_t{layout_.signature(type)} << 32;
}

void Selector::lower_call(Value v, const ir::Inst& inst) {
  const bool by_reference = inst.op == Op::call_ref;
  const bool indirect = inst.op == Op::call_indirect || by_reference;
  const auto callee = static_cast<std::uint32_t>(inst.imm),
             type_index = static_cast<std::uint32_t>(inst.imm >> 32);
  const FuncType& type = indirect ? module_.func_type(type_index) : module_.type_of(callee);
  const auto args = ir_.args(inst);
  PlaceCursor stack, registers, results;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = stack.next(type.params[i]);
    if (!place.reg.valid()) store_outgoing(args[i], type.params[i], MemKind::outgoing, place.offset);
  }
  const std::uint32_t arguments = stack.stack_bytes(), total = arguments + stack_bytes(type.results);
  const auto result = results_of(v, type.results.size());
  const bool import = !indirect && callee < module_.imported_functions;
  Build call = build(indirect ? MOp::call_indirect : import ? MOp::call_import : MOp::call, 8);
  if (indirect) {
    // Any register but r10 and r11, which the sequence writes before it reads the index.
    call.use(vreg(inst.a), rbp);
    call.imm(element_check(inst));
  } else {
    call.imm(import ? layout_.import(callee) : callee - module_.imported_functions);
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = registers.next(type.params[i]);
    if (place.reg.valid()) call.use(vreg(args[i]), place.reg);
  }
  PlaceCursor defined;
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const Place place = defined.next(type.results[i]);
    if (place.reg.valid() && result[i].valid()) call.def(vreg(result[i]), place.reg);
  }
  call.disp(static_cast<std::int32_t>(arguments)).aux(total).clobber_all().end();
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const Place place = results.next(type.results[i]);
    if (!place.reg.valid() && result[i].valid())
      load_stack(vreg(result[i]), type.results[i], MemKind::outgoing, arguments + place.offset);
  }
}

// The arguments take the place of the function's own, which were all read at its entry. Where they need more
// room than that, they are put into the outgoing area and moved by the instruction, which takes the frame
// down.
void Selector::lower_tail_call(const ir::Inst& inst) {
  const bool by_reference = inst.op == Op::return_call_ref;
  const bool indirect = inst.op == Op::return_call_indirect || by_reference;
  const auto callee = static_cast<std::uint32_t>(inst.imm),
             type_index = static_cast<std::uint32_t>(inst.imm >> 32);
  const FuncType& type = indirect ? module_.func_type(type_index) : module_.type_of(callee);
  const auto args = ir_.args(inst);
  const std::uint32_t own = stack_bytes(module_.type_of(ir_.index).params), theirs = stack_bytes(type.params);
  PlaceCursor stack, registers;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = stack.next(type.params[i]);
    if (place.reg.valid()) continue;
    if (theirs > own)
      store_outgoing(args[i], type.params[i], MemKind::outgoing, place.offset);
    else
      store_outgoing(args[i], type.params[i], MemKind::incoming, own - theirs + place.offset);
  }
  const bool import = !indirect && callee < module_.imported_functions;
  Build call = build(indirect ? MOp::tail_indirect : import ? MOp::tail_import : MOp::tail_call, 8);
  if (indirect) {
    call.use(vreg(inst.a), rbp);  // as in lower_call
    call.imm(element_check(inst));
  } else {
    call.imm(import ? layout_.import(callee) : callee - module_.imported_functions);
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = registers.next(type.params[i]);
    if (place.reg.valid()) call.use(vreg(args[i]), place.reg);
  }
  call.disp(static_cast<std::int32_t>(theirs)).aux(theirs > own ? theirs : 0).flags(mir::kTerminator).end();
}

// u64 f(imm, a, b, c) in rax, rcx, rdx, rbx.
void Selector::lower_builtin(Value v, const ir::Inst& inst) {
  const unsigned operands = ir::info(inst.op).operands;
  const VReg immediate_reg = immediate(static_cast<std::uint64_t>(inst.imm), 8);
  Build call = build(MOp::call_builtin, 8);
  call.use(immediate_reg, rax);
  if (operands > 0) call.use(vreg(inst.a), rcx);
  if (operands > 1) call.use(vreg(inst.b), rdx);
  if (operands > 2) call.use(vreg(inst.c), rbx);
  call.imm(static_cast<std::int64_t>(offsetof(InstanceContext, builtins)) +
           8 * static_cast<std::int64_t>(builtin_of(inst.op)));
  // What a memory or table with 64-bit addresses gives has 64 bits, so for no memory the upper half is known.
  const bool wide = inst.op == Op::memory_grow || inst.op == Op::table_grow || inst.op == Op::atomic_bits;
  if (wide && inst.type == Type::i32 && wanted(v)) {
    const VReg result = new_gpr(8, false);
    call.def(result, rax).clobber_all().end();
    return build(MOp::mov_rm, 4).rm(reg_operand(result, 4)).def(vreg(v)).end();
  }
  if (inst.type != Type::none && wanted(v)) call.def(vreg(v), rax);
  call.clobber_all().end();
}

}  // namespace nebulet::wasm::x64
