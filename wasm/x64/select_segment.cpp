// SPDX-License-Identifier: MIT
// What is special about functions in segments (frontend/cells.h): cells, and blocks without a control flow
// graph.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

void Selector::lower_cell_get(Value v, const ir::Inst& inst) {
  Source cell;
  cell.kind = MemKind::cell;
  cell.disp = static_cast<std::int32_t>(inst.imm);
  if (inst.type == Type::v128) return build(MOp::vmovups_load, 4).rm(cell).def(vreg(v)).end();
  build(is_vec(inst.type) ? MOp::vmov_load : MOp::mov_rm, size_of(inst.type)).rm(cell).def(vreg(v)).end();
}

void Selector::lower_cell_set(const ir::Inst& inst) {
  Source cell;
  cell.kind = MemKind::cell;
  cell.disp = static_cast<std::int32_t>(inst.imm);
  std::int64_t c = 0;
  if (constant32(inst.a, c)) return build(MOp::mov_mi, size_of(inst.type)).imm(c).rm(cell).end();
  const VReg r = vreg(inst.a);
  if (inst.type == Type::v128) return build(MOp::vmovups_store, 4).use(r).rm(cell).end();
  build(is_vec(inst.type) ? MOp::vmov_store : MOp::mov_mr, size_of(inst.type)).use(r).rm(cell).end();
}

// The blocks pass no values to each other, so the allocator may see them as a chain. Where the edges really
// lead is written by set_segment_edges.
mir::Function Selector::assemble_segment() {
  out_.insts.reserve(back_.size());
  const std::uint32_t count = ir_.blocks.size();
  for (std::uint32_t b = 0; b < count; ++b) {
    mir::BlockData to;
    to.first = out_.insts.size();
    for (std::uint32_t k = ranges_[b].end; k-- > ranges_[b].begin;) out_.insts.push_back(back_[k]);
    to.count = out_.insts.size() - to.first;
    to.params = to.preds = out_.pool.size();
    if (b != 0) {
      out_.pool.push_back(b - 1);
      to.pred_count = 1;
      to.idom = mir::Block(b - 1);
    }
    to.succs = out_.edges.size();
    if (b + 1 < count) {
      out_.edges.push_back({.to = mir::Block(b + 1)});
      to.succ_count = 1;
    }
    out_.blocks.push_back(to);
  }
  return std::move(out_);
}

void set_segment_edges(const ir::Function& segment, mir::Function& out) {
  out.edges.clear();
  for (std::uint32_t b = 0; b < segment.blocks.size(); ++b) {
    const ir::Inst& terminator = segment[segment.terminator(ir::Block(b))];
    out.blocks[b].succs = out.edges.size();
    out.blocks[b].succ_count = ir::edge_count(terminator);
    for (std::uint32_t s = 0; s < out.blocks[b].succ_count; ++s)
      out.edges.push_back({.to = mir::Block(segment[ir::edge_at(terminator, s)].to.index)});
  }
}

}  // namespace nebulet::wasm::x64
