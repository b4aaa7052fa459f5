// SPDX-License-Identifier: MIT
#include "wasm/regalloc/print.h"

#include <charconv>

namespace nebulet::wasm::regalloc {
namespace {

using mir::Constraint;
using mir::Role;

std::string number(std::uint32_t value) {
  char text[16];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

std::string name(mir::VReg v) { return "v" + number(v.index); }

std::string operand_text(const mir::Operand& operand) {
  static constexpr const char* kRoles[] = {"", "late ", "=", "=early "};
  std::string text = kRoles[static_cast<int>(operand.role)] + name(operand.vreg);
  if (operand.constraint == Constraint::fixed) text += "!" + to_string(Location::reg(operand.fixed));
  if (operand.constraint == Constraint::reg_or_slot) text += "|slot";
  if (operand.constraint == Constraint::reuse) text += "~" + number(operand.fixed.number);
  return text;
}

std::string edit_text(const Edit& edit) {
  if (edit.kind == Edit::Kind::remat) return to_string(edit.to) + " = repeat #" + number(edit.remat);
  const char* arrow = edit.kind == Edit::Kind::swap ? " <-> " : " <- ";
  return to_string(edit.to) + arrow + to_string(edit.from) + " (" + number(edit.width) + ")";
}

}  // namespace

std::string to_string(Location location) {
  if (!location.is_reg()) return "[" + number(location.slot_offset()) + "]";
  return (location.value < 16 ? "r" : "x") + number(location.value & 15);
}

std::string print(const mir::Function& function, const Result* result) {
  std::string out;
  std::uint32_t next_edit = 0;
  for (std::uint32_t b = 0; b < function.blocks.size(); ++b) {
    const mir::BlockData& block = function.blocks[b];
    out += "b" + number(b) + "(";
    for (const mir::VReg v : function.vregs_at(block.params, block.param_count)) out += " " + name(v);
    out += " ) idom b" + number(block.idom.index) + " depth " + number(block.loop_depth) +
           (block.cold ? " cold" : "") + "\n";
    if (result)
      while (next_edit < result->edits.size() && result->edits[next_edit].before < block.first) ++next_edit;
    for (std::uint32_t i = block.first; i < block.first + block.count; ++i) {
      while (result && next_edit < result->edits.size() && result->edits[next_edit].before == i)
        out += "      " + edit_text(result->edits[next_edit++]) + "\n";
      const mir::Inst& inst = function.insts[i];
      out += "  #" + number(i) + (result && result->dead[i] ? " dead" : "") + " op" + number(inst.op) +
             (inst.flags & mir::kCall ? " call" : "") + (inst.flags & mir::kMove ? " move" : "");
      for (std::uint32_t o = inst.operands; o < inst.operands + inst.operand_count; ++o) {
        out += "  " + operand_text(function.operands[o]);
        if (result && !result->dead[i]) out += ":" + to_string(result->operands[o]);
      }
      out += "\n";
    }
    for (const mir::EdgeData& edge : function.edges.slice(block.succs, block.succ_count)) {
      out += "  -> b" + number(edge.to.index) + "(";
      for (const mir::VReg v : function.vregs_at(edge.args, edge.count)) out += " " + name(v);
      out += " )\n";
    }
  }
  return out;
}

}  // namespace nebulet::wasm::regalloc
