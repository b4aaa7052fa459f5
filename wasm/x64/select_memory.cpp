// SPDX-License-Identifier: MIT
// Loads, stores, globals; addresses and operands that come from memory.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

using ir::Access;

unsigned access_bytes(const ir::Inst& inst) {
  switch (inst.access) {
    case Access::u8:
    case Access::s8: return 1;
    case Access::u16:
    case Access::s16: return 2;
    case Access::u32:
    case Access::s32: return 4;
    case Access::full: return size_of(inst.type);
  }
  return 0;
}

// Takes additions and shifts by up to 3 into base + index * scale + disp. Modulo 2^32 (forms `wrap` and
// 32-bit lea) both i32 and i64 arithmetic may be looked through, and so may wrap; in 64 bits only i64
// arithmetic.
void Selector::decompose(Value addr, Source& s, MemKind kind) {
  const bool mod32 = kind == MemKind::wrap || ir_[addr].type != Type::i64;
  auto fits = [&](Value v) { return mod32 || ir_[v].type == Type::i64; };
  std::uint32_t disp = static_cast<std::uint32_t>(s.disp);
  std::int64_t c = 0;
  auto peel = [&](Value v) {
    v = resolve(v);
    for (int depth = 0; depth < 4; ++depth) {
      const ir::Inst& inst = at(v);
      if (mod32 && inst.op == Op::wrap) {
        v = resolve(inst.a);
        continue;
      }
      const bool add = inst.op == Op::add, sub = inst.op == Op::sub;
      if (!(add || sub) || !fits(v) || !constant(inst.b, c)) break;
      // In 64 bits the displacement must not wrap.
      const std::int64_t sum = static_cast<std::int32_t>(disp) + (add ? c : -c);
      if (!mod32 && (c != static_cast<std::int32_t>(c) || sum != static_cast<std::int32_t>(sum))) break;
      disp = static_cast<std::uint32_t>(sum);
      v = resolve(inst.a);
    }
    return v;
  };
  auto is_shift = [&](Value v) {
    return at(v).op == Op::shl && fits(v) && once(v) && constant(at(v).b, c) && c >= 1 && c <= 3;
  };
  Value base = peel(addr), index;
  if (at(base).op == Op::add && fits(base) && (once(base) || base == resolve(addr))) {
    index = peel(at(base).b);
    base = peel(at(base).a);
    if (!is_shift(index) && is_shift(base)) std::swap(base, index);
    if (is_shift(index)) {
      s.scale = static_cast<std::uint8_t>(c);
      index = resolve(at(index).a);
    }
  } else if (is_shift(base) && kind == MemKind::wrap) {
    s.scale = static_cast<std::uint8_t>(c);
    index = resolve(at(base).a);
    base = Value();
  }
  if (base.valid() && at(base).op == Op::iconst && mod32) {
    disp += static_cast<std::uint32_t>(at(base).imm);
    base = Value();
  }
  s.kind = kind;
  s.disp = static_cast<std::int32_t>(disp);
  if (base.valid()) s.base = vreg(base);
  if (index.valid()) s.index = vreg(index);
}

// Form A for accesses without an offset, form B for the others; see docs/concepts/generated-code.md.
Source Selector::address(const ir::Inst& access, unsigned bytes) {
  const std::uint32_t memory = access.count;
  if (memory < module_.memories.size() && module_.memories[memory].page_log2 == 0)
    check_bounds(access, bytes);
  if (memory < module_.memories.size() && module_.memories[memory].limits.is_64) return address64(access);
  if (memory != 0) return based_address(access);
  const auto offset = static_cast<std::uint32_t>(access.imm);
  Source s;
  s.traps = true;
  s.position = position_;
  std::int64_t c = 0;
  if (constant(access.a, c)) {
    const std::uint64_t sum = std::uint64_t{static_cast<std::uint32_t>(c)} + offset;
    if (sum < 0x80000000u) {
      s.kind = MemKind::linear;
      s.disp = static_cast<std::int32_t>(sum);
      return s;
    }
  }
  if (offset == 0) {
    const ir::Inst& inst = at(resolve(access.a));
    // A multiply used sum is cheaper to compute once, unless it is only a displacement.
    if (inst.op == Op::add && !once(resolve(access.a)) && !constant(inst.b, c)) {
      s.kind = MemKind::wrap;
      s.base = vreg(access.a);
    } else {
      decompose(access.a, s, MemKind::wrap);
    }
    return s;
  }
  if (offset < 0x80000000u) {
    s.kind = MemKind::linear;
    s.base = vreg(access.a);
    s.disp = static_cast<std::int32_t>(offset);
    return s;
  }
  s.kind = MemKind::wrap;
  s.base = far_address(access.a, offset, false);
  return s;
}

// The end of a memory with pages of one byte is not that of a page of the processor.
void Selector::check_bounds(const ir::Inst& access, unsigned bytes) {
  const bool is_64 = module_.memories[access.count].limits.is_64;
  const auto offset = static_cast<std::uint64_t>(access.imm);
  const std::uint64_t end = offset > ~std::uint64_t{0} - bytes ? ~std::uint64_t{0} : offset + bytes;
  const VReg sum = new_gpr(8, false), from = vreg(access.a), size = new_gpr(is_64 ? 8 : 4, !is_64),
             high = immediate(end, 8);
  auto trap_if = [&](Cond cond) {
    build(MOp::trap_if, Aux().cond(cond).trap(ir::Trap::memory_out_of_bounds)).end();
  };
  build(MOp::add_rm, 8).use(high).use(from).reuse(sum).flags(mir::kCommutative).end();
  if (is_64) trap_if(Cond::b);
  build(MOp::memory_pages, is_64 ? 8 : 4)
      .disp(static_cast<std::int32_t>(layout_.memory_pages(access.count)))
      .def(size)
      .end();
  build(MOp::cmp_rm, 8).use(sum).rm(reg_operand(size, 8)).end();
  trap_if(Cond::a);
}

VReg Selector::far_address(Value addr, std::uint64_t offset, bool is_64) {
  const VReg sum = new_gpr(8, false), from = vreg(addr), high = immediate(offset, 8);
  build(MOp::add_rm, 8).use(high).use(from).reuse(sum).flags(mir::kCommutative).end();
  if (!is_64) build(MOp::bt_ri, 8).use(sum).imm(32).end();
  build(MOp::trap_if, Aux().cond(Cond::b).trap(ir::Trap::memory_out_of_bounds)).end();
  return sum;
}

// The index of a memory other than the first has its upper half clear, visibly.
Source Selector::based_address(const ir::Inst& access) {
  const auto offset = static_cast<std::uint32_t>(access.imm);
  Source s;
  s.kind = MemKind::based;
  s.traps = true;
  s.position = position_;
  s.base = memory_base(access.count);
  std::int64_t c = 0;
  if (constant(access.a, c)) {
    const std::uint64_t sum = std::uint64_t{static_cast<std::uint32_t>(c)} + offset;
    if (sum < 0x80000000u) {
      s.disp = static_cast<std::int32_t>(sum);
      return s;
    }
  }
  if (offset < 0x80000000u) {
    s.index = vreg(access.a);
    s.disp = static_cast<std::int32_t>(offset);
    return s;
  }
  const VReg sum = far_address(access.a, offset, false);
  s.index = new_gpr(4, true);
  build(MOp::mov_rm, 4).rm(reg_operand(sum, 4)).def(s.index).end();
  return s;
}

// Addresses of 64 bits are compared with the size of a slot, directly before the access.
Source Selector::address64(const ir::Inst& access) {
  const auto offset = static_cast<std::uint64_t>(access.imm);
  Source s;
  s.kind = access.count == 0 ? MemKind::linear64 : MemKind::based64;
  s.traps = true;
  s.position = position_;
  if (access.count != 0) s.base = memory_base(access.count);
  VReg& place = access.count == 0 ? s.base : s.index;
  std::int64_t c = 0;
  if (constant(access.a, c)) {
    const auto address = static_cast<std::uint64_t>(c);
    if (address < 0x80000000u && offset < 0x80000000u - address) {
      s.disp = static_cast<std::int32_t>(address + offset);
      return s;
    }
  }
  if (offset < 0x80000000u) {
    place = vreg(access.a);
    s.disp = static_cast<std::int32_t>(offset);
    if (out_.vregs[place.index].zero_extended) s.kind = access.count == 0 ? MemKind::linear : MemKind::based;
  } else {
    place = far_address(access.a, offset, true);
  }
  return s;
}

VReg Selector::memory_base(std::uint32_t memory) {
  VReg& r = bases_[memory];
  if (!r.valid()) {
    r = new_gpr(8, false);
    mir::VRegInfo& info = out_.vregs[r.index];
    info.rematerializable = info.base = true;
    info.wide_base = memory < module_.memories.size() && module_.memories[memory].limits.is_64;
  }
  return r;
}

void Selector::load_bases() {
  for (std::uint32_t i = 0; i < bases_.size(); ++i) {
    if (!bases_[i].valid()) continue;
    Source s;
    s.kind = MemKind::context;
    s.disp = static_cast<std::int32_t>(i < module_.memories.size() ? layout_.memory_base(i)
                                                                   : offsetof(InstanceContext, gc_base));
    build(MOp::mov_rm, 8).rm(s).def(bases_[i]).end();
  }
}

bool Selector::can_fuse_load(Value value) const {
  const Value v = resolve(value);
  return at(v).op == Op::load && once(v) && !fused_[v.index] && !wanted(v) && epoch_[v.index] == now_;
}

// A global's cell in the context is read like linear memory, but cannot trap.
bool Selector::fuse_global(Value value, unsigned bytes, Source& source) {
  const Value v = resolve(value);
  const ir::Inst& inst = at(v);
  if (inst.op == Op::gc_type && bytes == 4 && once(v) && !fused_[v.index] && !wanted(v)) {
    fused_[v.index] = true;
    source = Source();
    source.kind = MemKind::context;
    source.disp = static_cast<std::int32_t>(layout_.record(static_cast<std::uint32_t>(inst.imm)));
    return true;
  }
  if (inst.op != Op::global_get || !once(v) || fused_[v.index] || wanted(v) || epoch_[v.index] != now_)
    return false;
  const auto index = static_cast<std::uint32_t>(inst.imm);
  if (size_of(inst.type) != bytes || global_is_indirect(module_, index)) return false;
  fused_[v.index] = true;
  source = Source();
  source.kind = MemKind::context;
  source.disp = static_cast<std::int32_t>(layout_.global(index));
  return true;
}

bool Selector::fuse_load(Value value, unsigned bytes, Source& source, bool any_extension) {
  const Value v = resolve(value);
  const ir::Inst& inst = at(v);
  if (fuse_global(value, bytes, source)) return true;
  if (!can_fuse_load(v) || access_bytes(inst) != bytes) return false;
  if (inst.access != Access::full && inst.access != Access::u32 && !any_extension) return false;
  fused_[v.index] = true;
  source = address(inst, bytes);
  source.position = ir_.positions[v.index];
  return true;
}

Source Selector::reg_operand(VReg v, unsigned bytes) const {
  Source s;
  s.base = v;
  // A constant is repeated rather than spilled, so it has no slot.
  s.slot = out_.vregs[v.index].width >= bytes && !out_.vregs[v.index].rematerializable;
  return s;
}

Source Selector::float_constant(std::uint64_t bits, unsigned bytes) {
  Source s;
  s.kind = MemKind::constant;
  s.constant = static_cast<std::int64_t>(bits);
  s.constant_bytes = static_cast<std::uint8_t>(bytes);
  return s;
}

Source Selector::operand(Value value, unsigned bytes) {
  const ir::Inst& inst = at(resolve(value));
  if (inst.op == Op::fconst) return float_constant(inst.bits, bytes);
  Source s;
  if (fuse_load(value, bytes, s)) return s;
  return reg_operand(vreg(value), bytes);
}

void Selector::lower_load(Value v, const ir::Inst& inst) {
  const VReg def = vreg(v);
  const unsigned size = size_of(inst.type);
  const Source s = address(inst, access_bytes(inst));
  auto load = [&](MOp op, unsigned bytes) { build(op, bytes).rm(s).def(def).end(); };
  switch (inst.access) {
    case Access::u8: return load(MOp::movzx8, 4);
    case Access::u16: return load(MOp::movzx16, 4);
    case Access::u32: return load(MOp::mov_rm, 4);
    case Access::s8: return load(MOp::movsx8, size);
    case Access::s16: return load(MOp::movsx16, size);
    case Access::s32: return size == 8 ? load(MOp::movsxd, 8) : load(MOp::mov_rm, 4);
    case Access::full: break;
  }
  if (inst.type == Type::v128) return load(MOp::vmovups_load, 4);
  load(is_vec(inst.type) ? MOp::vmov_load : MOp::mov_rm, size);
}

// store(p, load(p) op x): one instruction reads and writes.
bool Selector::fuse_store(const ir::Inst& inst) {
  const Value value = resolve(inst.b);
  const ir::Inst& op = at(value);
  MOp with_reg, with_imm;
  switch (op.op) {
    case Op::add: with_reg = MOp::add_mr, with_imm = MOp::add_mi; break;
    case Op::sub: with_reg = MOp::sub_mr, with_imm = MOp::sub_mi; break;
    case Op::and_: with_reg = MOp::and_mr, with_imm = MOp::and_mi; break;
    case Op::or_: with_reg = MOp::or_mr, with_imm = MOp::or_mi; break;
    case Op::xor_: with_reg = MOp::xor_mr, with_imm = MOp::xor_mi; break;
    default: return false;
  }
  if (!once(value) || wanted(value)) return false;
  const unsigned bytes = access_bytes(inst);
  auto is_same_place = [&](Value candidate) {
    const ir::Inst& load = at(resolve(candidate));
    return can_fuse_load(candidate) && access_bytes(load) == bytes && load.imm == inst.imm &&
           load.count == inst.count && resolve(load.a) == resolve(inst.a);
  };
  Value load = op.a, other = op.b;
  if (!is_same_place(load)) {
    if (op.op == Op::sub || !is_same_place(other)) return false;
    std::swap(load, other);
  }
  fused_[resolve(load).index] = true;
  std::int64_t c = 0;
  Source s;
  if (constant(other, c) && (bytes < 8 || c == static_cast<std::int32_t>(c))) {
    s = address(inst, bytes);
    c = bytes == 1   ? static_cast<std::int8_t>(c)
        : bytes == 2 ? static_cast<std::int16_t>(c)
                     : static_cast<std::int32_t>(c);
    s.position = ir_.positions[resolve(load).index];
    build(with_imm, bytes).imm(c).rm(s).end();
    return true;
  }
  const VReg r = vreg(other);
  s = address(inst, bytes);
  s.position = ir_.positions[resolve(load).index];
  build(with_reg, bytes).use(r).rm(s).end();
  return true;
}

void Selector::lower_store(const ir::Inst& inst) {
  const unsigned bytes = access_bytes(inst);
  if (!is_vec(inst.type) && fuse_store(inst)) return;
  if (store_lane(inst, bytes)) return;
  std::int64_t c = 0;
  bool is_constant = constant(inst.b, c);
  const ir::Inst& value = at(resolve(inst.b));
  if (value.op == Op::fconst && (inst.type == Type::f32 || inst.type == Type::f64)) {
    is_constant = true;
    c = inst.type == Type::f32 ? static_cast<std::int32_t>(value.imm) : value.imm;
  }
  if (is_constant && (bytes < 8 || c == static_cast<std::int32_t>(c))) {
    const Source s = address(inst, bytes);
    return build(MOp::mov_mi, bytes).imm(static_cast<std::int32_t>(c)).rm(s).end();
  }
  // Only the low bytes are stored, so the upper half of the source of a wrap does not matter.
  Value stored = resolve(inst.b);
  if (at(stored).op == Op::wrap && bytes <= 4) stored = resolve(at(stored).a);
  const VReg r = vreg(stored);
  const Source s = address(inst, bytes);
  if (inst.type == Type::v128) return build(MOp::vmovups_store, 4).use(r).rm(s).end();
  build(is_vec(inst.type) ? MOp::vmov_store : MOp::mov_mr, bytes).use(r).rm(s).end();
}

void Selector::lower_global_get(Value v, const ir::Inst& inst) {
  const auto index = static_cast<std::uint32_t>(inst.imm);
  const auto disp = static_cast<std::int32_t>(layout_.global(index));
  const unsigned size = size_of(inst.type);
  if (global_is_indirect(module_, index))
    return build(MOp::global_load, size == 16 ? 1 : size)
        .disp(disp)
        .temp(new_gpr(8, false))
        .def(vreg(v))
        .end();
  Source s;
  s.kind = MemKind::context;
  s.disp = disp;
  if (inst.type == Type::v128) return build(MOp::vmovups_load, 4).rm(s).def(vreg(v)).end();
  build(is_vec(inst.type) ? MOp::vmov_load : MOp::mov_rm, size).rm(s).def(vreg(v)).end();
}

void Selector::lower_global_set(const ir::Inst& inst) {
  const auto index = static_cast<std::uint32_t>(inst.imm);
  const auto disp = static_cast<std::int32_t>(layout_.global(index));
  const unsigned size = size_of(inst.type);
  if (global_is_indirect(module_, index))
    return build(MOp::global_store, size == 16 ? 1 : size)
        .disp(disp)
        .use(vreg(inst.a))
        .temp(new_gpr(8, false))
        .end();
  Source s;
  s.kind = MemKind::context;
  s.disp = disp;
  std::int64_t c = 0;
  if (constant32(inst.a, c)) return build(MOp::mov_mi, size).imm(c).rm(s).end();
  if (inst.type == Type::v128) return build(MOp::vmovups_store, 4).use(vreg(inst.a)).rm(s).end();
  build(is_vec(inst.type) ? MOp::vmov_store : MOp::mov_mr, size).use(vreg(inst.a)).rm(s).end();
}

}  // namespace nebulet::wasm::x64
