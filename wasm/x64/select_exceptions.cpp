// SPDX-License-Identifier: MIT
// Exceptions: throwing, landing in a handler, and taking the payload.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {
namespace {

std::int64_t service(Builtin builtin, std::int64_t tag) {
  return static_cast<std::int64_t>(offsetof(InstanceContext, builtins)) +
             8 * static_cast<std::int64_t>(builtin) |
         tag << 32;
}

}  // namespace

/// The values of the results of the instruction in hand, by number; those that nobody wants are left out.
std::span<Value> Selector::results_of(Value v, std::size_t count) {
  auto result = arena_.allocate_array<Value>(count, Value());
  if (count != 0) result[0] = v;
  for (std::uint32_t i = order_ + 1; i < ir_.order.size(); ++i) {
    const ir::Inst& next = ir_[ir_.order[i]];
    if (next.op != Op::result || next.a != v) break;
    result[static_cast<std::size_t>(next.imm)] = ir_.order[i];
  }
  for (Value& value : result)
    if (value.valid() && !wanted(value)) value = Value();
  return result;
}

// As the arguments of a call.
void Selector::lower_throw(const ir::Inst& inst) {
  const auto& types = module_.func_type(module_.tags[static_cast<std::size_t>(inst.imm)].type).params;
  const auto args = ir_.args(inst);
  PlaceCursor stack, registers;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = stack.next(types[i]);
    if (!place.reg.valid()) store_outgoing(args[i], types[i], MemKind::outgoing, place.offset);
  }
  Build call = build(MOp::throw_, 8);
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = registers.next(types[i]);
    if (place.reg.valid()) call.use(vreg(args[i]), place.reg);
  }
  call.imm(service(Builtin::throw_, inst.imm))
      .disp(static_cast<std::int32_t>(stack.stack_bytes()))
      .aux(stack.stack_bytes())
      .clobber_all()
      .end();
}

// As the results of a call.
void Selector::lower_catch(Value v, const ir::Inst& inst) {
  const auto& types = module_.func_type(module_.tags[static_cast<std::size_t>(inst.imm)].type).params;
  const auto result = results_of(v, types.size());
  PlaceCursor registers, stack;
  Build call = build(MOp::catch_, 8);
  call.use(vreg(inst.a), rax);
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Place place = registers.next(types[i]);
    if (place.reg.valid() && result[i].valid()) call.def(vreg(result[i]), place.reg);
  }
  call.imm(service(Builtin::catch_, inst.imm)).disp(0).aux(registers.stack_bytes()).clobber_all().end();
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Place place = stack.next(types[i]);
    if (!place.reg.valid() && result[i].valid())
      load_stack(vreg(result[i]), types[i], MemKind::outgoing, place.offset);
  }
}

void Selector::lower_landing(Value v) {
  const auto result = results_of(v, 2);
  Build landing = build(MOp::landing, 8);
  if (result[0].valid()) landing.def(vreg(result[0]), rax);
  if (result[1].valid()) landing.def(vreg(result[1]), rcx);
  landing.clobber_all().end();
}

void Selector::lower_tag_id(Value v, const ir::Inst& inst) {
  Source id;
  id.kind = MemKind::context;
  id.disp = static_cast<std::int32_t>(layout_.tag(static_cast<std::uint32_t>(inst.imm)));
  build(MOp::mov_rm, 4).rm(id).def(vreg(v)).end();
}

}  // namespace nebulet::wasm::x64
