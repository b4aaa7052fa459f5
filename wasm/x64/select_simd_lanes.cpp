// SPDX-License-Identifier: MIT
// Between vectors and scalars. A scalar in memory is read by the instruction that puts it into its lane,
// which reads exactly the lane's bytes.
#include "wasm/x64/selector_simd.h"

namespace nebulet::wasm::x64 {

void VectorSelector::splat() {
  constexpr MOp kBroadcast[] = {MOp::vpbroadcastb, MOp::vpbroadcastw, MOp::vpbroadcastd,
                                MOp::vpbroadcastq, MOp::vbroadcastss, MOp::vmovddup};
  const MOp op = kBroadcast[static_cast<unsigned>(lanes_)];
  Source memory;
  if (s_.fuse_load(inst_->a, ir::lane_bytes(lanes_), memory, true)) {
    one(op, memory, def_);
    return;
  }
  VReg value = reg(inst_->a);
  const auto first = static_cast<std::uint16_t>((1u << ir::lane_bytes(lanes_)) - 1);
  const bool only_first = (unread_ | first) == 0xffff;
  if (only_first && ir::is_float(lanes_))
    return s_.build(MOp::vmovaps, 4).rm(only_register(value)).def(def_).flags(mir::kMove).end();
  if (!ir::is_float(lanes_)) {
    const unsigned size = lanes_ == Lanes::i64x2 ? 8 : 4;
    value = one(MOp::vmov_from_gpr, in(value, size), only_first ? def_ : VReg(), size);
    if (only_first) return;
  }
  one(op, in(value, ir::lane_bytes(lanes_)), def_);
}

void VectorSelector::scalar() {
  const unsigned bytes = ir::lane_bytes(lanes_);
  if (!ir::is_float(lanes_)) {
    // Of narrow lanes the bits above do not count in the scalar, but do here.
    VReg value = reg(inst_->a);
    if (bytes < 4) {
      const VReg low = s_.new_gpr(4, true);
      Source s = only_register(value);
      s_.build(bytes == 1 ? MOp::movzx8 : MOp::movzx16, 4).rm(s).def(low).end();
      value = low;
    }
    const unsigned size = bytes == 8 ? 8 : 4;
    one(MOp::vmov_from_gpr, in(value, size), def_, size);
    return;
  }
  Source memory;
  if (s_.fuse_load(inst_->a, bytes, memory)) {
    one(MOp::vmov_load, memory, def_, bytes);
    return;
  }
  const VReg value = reg(inst_->a);
  if (bytes == 8) {
    one(MOp::vmovq, in(value, 8), def_);
  } else {
    two_imm(MOp::vinsertps, value, only_register(value), 0x0e, def_);
  }
}

void VectorSelector::extract() {
  const auto lane = inst_->imm;
  const VReg a = reg(inst_->a);
  const auto to_gpr = [&](MOp op, VReg def, unsigned size) {
    if (op == MOp::vmov_to_gpr) return s_.build(op, size).use(a).def(def).end();
    s_.build(op, size).use(a).imm(lane).def(def).end();
  };
  switch (lanes_) {
    case Lanes::i8x16:
    case Lanes::i16x8: {
      const bool byte = lanes_ == Lanes::i8x16;
      const MOp op = byte ? MOp::vpextrb : MOp::vpextrw;
      if (inst_->op == Op::vextract_u) return to_gpr(op, def_, 4);
      const VReg low = s_.new_gpr(4, true);
      to_gpr(op, low, 4);
      return s_.build(byte ? MOp::movsx8 : MOp::movsx16, 4).rm(only_register(low)).def(def_).end();
    }
    case Lanes::i32x4: return to_gpr(lane == 0 ? MOp::vmov_to_gpr : MOp::vpextr, def_, 4);
    case Lanes::i64x2: return to_gpr(lane == 0 ? MOp::vmov_to_gpr : MOp::vpextr, def_, 8);
    default: break;
  }
  if (lane == 0) return s_.build(MOp::vmovaps, 4).rm(only_register(a)).def(def_).flags(mir::kMove).end();
  // The other lanes do not matter.
  const std::int64_t order = lanes_ == Lanes::f64x2 ? 0xee : lane * 0x55;
  one_imm(MOp::vpshufd, only_register(a), order, def_);
}

void VectorSelector::replace() {
  const auto lane = inst_->imm;
  const unsigned bytes = ir::lane_bytes(lanes_);
  if (const Value a = s_.resolve(inst_->a); s_.once(a))
    s_.unread_[a.index] = static_cast<std::uint16_t>(unread_ | ((1u << bytes) - 1) << (lane * bytes));
  const VReg vector = reg(inst_->a);
  Source source;
  const bool memory = s_.fuse_load(inst_->b, bytes, source, true);
  if (!memory) source = only_register(reg(inst_->b));
  switch (lanes_) {
    case Lanes::i8x16: two_imm(MOp::vpinsrb, vector, source, lane, def_); return;
    case Lanes::i16x8: two_imm(MOp::vpinsrw, vector, source, lane, def_); return;
    case Lanes::i32x4: two_imm(MOp::vpinsr, vector, source, lane, def_, 4); return;
    case Lanes::i64x2: two_imm(MOp::vpinsr, vector, source, lane, def_, 8); return;
    case Lanes::f32x4: two_imm(MOp::vinsertps, vector, source, lane << 4, def_); return;
    default: break;
  }
  if (lane == 1)
    two(memory ? MOp::vmovhps_load : MOp::vpunpcklqdq, vector, source, def_);
  else
    two(memory ? MOp::vmovlps_load : MOp::vmovsd_merge, vector, source, def_);
}

/// store(p, a lane) without a detour through a register; false if the value is something else.
bool Selector::store_lane(const ir::Inst& inst, unsigned bytes) {
  const Value value = resolve(inst.b);
  const ir::Inst& lane = at(value);
  if ((lane.op != Op::vextract_u && lane.op != Op::vextract_s) || !once(value) || wanted(value) ||
      bytes != ir::lane_bytes(lane.lanes))
    return false;
  const VReg vector = vreg(lane.a);
  const Source s = address(inst, bytes);
  if (bytes >= 4 && lane.imm == 0)
    build(MOp::vmov_store, bytes).use(vector).rm(s).end();
  else if (bytes == 8)
    build(MOp::vmovhps_store, 4).use(vector).rm(s).end();
  else
    build(bytes == 1   ? MOp::vpextrb_store
          : bytes == 2 ? MOp::vpextrw_store
                       : MOp::vpextr_store,
          4)
        .use(vector)
        .rm(s)
        .imm(lane.imm)
        .end();
  return true;
}

}  // namespace nebulet::wasm::x64
