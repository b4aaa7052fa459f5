// SPDX-License-Identifier: MIT
// Objects of the garbage-collected heap: reached through its base in a register, at a reference and a
// displacement. What an element's address is computed to is used at once, so that nothing but references
// keeps an object alive.
#include "wasm/runtime/gc_layout.h"
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

using ir::Access;

VReg Selector::heap_base() { return memory_base(static_cast<std::uint32_t>(module_.memories.size())); }

Source Selector::heap_place(const ir::Inst& inst, unsigned bytes) {
  const bool has_index =
      inst.op == Op::element_load || inst.op == Op::element_load_const || inst.op == Op::element_store;
  Source s;
  s.kind = MemKind::based;
  s.traps = true;
  s.trap = static_cast<ir::Trap>(inst.imm >> 32);
  s.position = position_;
  s.base = heap_base();
  s.disp = static_cast<std::int32_t>(inst.imm);
  s.index = vreg(inst.a);
  if (!has_index) return s;
  std::int64_t c = 0;
  if (constant(inst.b, c)) {
    const std::uint64_t at =
        std::uint64_t{static_cast<std::uint32_t>(c)} * bytes + static_cast<std::uint32_t>(s.disp);
    if (at < 0x80000000u) {
      s.disp = static_cast<std::int32_t>(at);
      return s;
    }
  }
  // The sum cannot wrap, for the index is below the array's length; if it did, it would be another place in
  // the heap.
  VReg index = vreg(inst.b);
  unsigned scale = bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
  if (bytes == 16) {
    const VReg doubled = new_gpr(4, true);
    build(MOp::add_rm, 4).use(index).rm(reg_operand(index, 4)).reuse(doubled).end();
    index = doubled;
  }
  Source sum;
  sum.kind = MemKind::address;
  sum.base = s.index;
  sum.index = index;
  sum.scale = static_cast<std::uint8_t>(scale);
  s.index = new_gpr(4, true);
  build(MOp::lea, 4).rm(sum).def(s.index).end();
  return s;
}

void Selector::load_place(VReg def, const ir::Inst& inst, const Source& place) {
  auto load = [&](MOp op, unsigned bytes) { build(op, bytes).rm(place).def(def).end(); };
  switch (inst.access) {
    case Access::u8: return load(MOp::movzx8, 4);
    case Access::u16: return load(MOp::movzx16, 4);
    case Access::s8: return load(MOp::movsx8, 4);
    case Access::s16: return load(MOp::movsx16, 4);
    default: break;
  }
  if (inst.type == Type::v128) return load(MOp::vmovups_load, 4);
  load(is_vec(inst.type) ? MOp::vmov_load : MOp::mov_rm, size_of(inst.type));
}

void Selector::store_place(Value value, const ir::Inst& inst, const Source& place) {
  const unsigned bytes = access_bytes(inst);
  std::int64_t c = 0;
  if (!is_vec(inst.type) && constant(value, c) && (bytes < 8 || c == static_cast<std::int32_t>(c))) {
    c = bytes == 1   ? static_cast<std::int8_t>(c)
        : bytes == 2 ? static_cast<std::int16_t>(c)
                     : static_cast<std::int32_t>(c);
    return build(MOp::mov_mi, bytes).imm(c).rm(place).end();
  }
  const VReg r = vreg(value);
  if (inst.type == Type::v128) return build(MOp::vmovups_store, 4).use(r).rm(place).end();
  build(is_vec(inst.type) ? MOp::vmov_store : MOp::mov_mr, bytes).use(r).rm(place).end();
}

bool Selector::lower_gc(Value v, const ir::Inst& inst) {
  switch (inst.op) {
    case Op::bits_ref: {
      const VReg def = vreg(v);
      build(MOp::mov_rm, 4).rm(reg_operand(vreg(inst.a), 4)).def(def).end();
      return true;
    }
    case Op::gc_type: {
      Source s;
      s.kind = MemKind::context;
      s.disp = static_cast<std::int32_t>(layout_.record(static_cast<std::uint32_t>(inst.imm)));
      build(MOp::mov_rm, 4).rm(s).def(vreg(v)).end();
      return true;
    }
    case Op::gc_marking: {
      Source s;
      s.kind = MemKind::based;
      s.traps = true;
      s.trap = ir::Trap::null_reference;
      s.position = position_;
      s.base = heap_base();
      s.disp = static_cast<std::int32_t>(kGcMarkingOffset);
      build(MOp::mov_rm, 4).rm(s).def(vreg(v)).end();
      return true;
    }
    case Op::heap_load:
    case Op::heap_load_const:
    case Op::element_load:
    case Op::element_load_const: {
      const VReg def = vreg(v);
      load_place(def, inst, heap_place(inst, access_bytes(inst)));
      return true;
    }
    case Op::heap_store:
    case Op::element_store: {
      const Source place = heap_place(inst, access_bytes(inst));
      store_place(inst.op == Op::heap_store ? inst.b : inst.c, inst, place);
      return true;
    }
    case Op::gc_shade:
    case Op::gc_new:
    case Op::gc_new_array:
    case Op::gc_new_data:
    case Op::gc_new_elem:
    case Op::gc_fill:
    case Op::gc_copy:
    case Op::gc_init_data:
    case Op::gc_init_elem:
    case Op::gc_test: lower_builtin(v, inst); return true;
    default: return false;
  }
}

}  // namespace nebulet::wasm::x64
