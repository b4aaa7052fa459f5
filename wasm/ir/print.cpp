// SPDX-License-Identifier: MIT
#include "wasm/ir/print.h"

#include <format>
#include <iterator>

#include "wasm/ir/vector.h"

namespace nebulet::wasm::ir {
namespace {

constexpr const char* kTypes[] = {"", ".i32", ".i64", ".f32", ".f64", ".v128", ".ref", ".funcref"};
constexpr const char* kAccess[] = {"u8", "s8", "u16", "s16", "u32", "s32", "full"};
constexpr const char* kLanes[] = {"i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "all"};

class Printer {
 public:
  explicit Printer(const Function& f) : f_(f) {}

  std::string run() {
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) block(Block(b));
    return std::move(text_);
  }

 private:
  template <class... A>
  void put(std::format_string<A...> format, A&&... args) {
    std::format_to(std::back_inserter(text_), format, std::forward<A>(args)...);
  }
  void list(std::span<const Value> values) {
    text_ += '(';
    for (std::size_t i = 0; i < values.size(); ++i) put("{}v{}", i ? ", " : "", values[i].index);
    text_ += ')';
  }
  void edge(Edge e) {
    put(" b{}", f_[e].to.index);
    if (f_[e].count) list(f_.args(e));
  }

  void block(Block b) {
    const BlockData& data = f_[b];
    put("b{}", b.index);
    if (data.param_count) {
      text_ += '(';
      for (std::uint32_t i = 0; i < data.param_count; ++i) {
        const Value p = f_.params(b)[i];
        put("{}v{}{}", i ? ", " : "", p.index, kTypes[static_cast<int>(f_[p].type)]);
      }
      text_ += ')';
    }
    text_ += ':';
    if (data.idom.valid()) put("  ; idom b{} depth {}", data.idom.index, data.loop_depth);
    if (data.cold) text_ += " cold";
    text_ += '\n';
    for (Value v : f_.body(b)) inst(v);
  }

  void inst(Value v) {
    const Inst& i = f_[v];
    text_ += "  ";
    const bool stores =
        i.op == Op::store || i.op == Op::atomic_store || has_effect(i.op, kWritesState | kWritesHeap);
    if (i.type != Type::none && !stores) put("v{} = ", v.index);
    put("{}{}", info(i.op).name, kTypes[static_cast<int>(i.type)]);
    if (is_vector_op(i.op)) {
      if (i.lanes != Lanes::all) put(".{}", kLanes[static_cast<int>(i.lanes)]);
    } else if (i.access != Access::full) {
      put(".{}", kAccess[static_cast<int>(i.access)]);
    }
    const Value operands[] = {i.a, i.b, i.c};
    for (int k = 0; k < info(i.op).operands; ++k) put("{} v{}", k ? "," : "", operands[k].index);
    if (i.op == Op::trap || i.op == Op::trap_if) {
      put(" \"{}\"", trap_text(static_cast<Trap>(i.imm)));
    } else if (edge_count(i) != 0) {
      for (std::uint32_t e = 0; e < edge_count(i); ++e) edge(edge_at(i, e));
    } else {
      if (has_operand_list(i.op)) list(f_.args(i));
      if (i.op == Op::vconst) {
        put(" #{:#018x} {:#018x}", vector_bits(i).low, vector_bits(i).high);
      } else if (i.op == Op::vshuffle) {
        text_ += " #";
        for (unsigned index : shuffle_indices(i)) put(" {}", index);
      } else if (i.imm != 0 || i.op == Op::iconst || i.op == Op::fconst) {
        put(" #{}", i.imm);
      }
    }
    text_ += '\n';
  }

  const Function& f_;
  std::string text_;
};

}  // namespace

std::string print(const Function& function) { return Printer(function).run(); }

}  // namespace nebulet::wasm::ir
