// SPDX-License-Identifier: MIT
#include "wasm/ir/verify.h"

#include <format>

#include "wasm/ir/cfg.h"
#include "wasm/ir/vector.h"

namespace nebulet::wasm::ir {
namespace {

class Verifier {
 public:
  explicit Verifier(const Function& f) : f_(f), dominators_(f) {}

  std::string run() {
    define_all();
    find_landings();
    for (std::uint32_t b = 0; b < f_.blocks.size() && error_.empty(); ++b) block(Block(b));
    return std::move(error_);
  }

 private:
  template <class... A>
  void fail(std::format_string<A...> format, A&&... args) {
    if (error_.empty()) error_ = std::format(format, std::forward<A>(args)...);
  }

  void define_all() {
    home_ = f_.arena->allocate_array<Block>(f_.insts.size(), Block::none());
    place_ = f_.arena->allocate_array<std::uint32_t>(f_.insts.size(), 0u);
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      for (Value p : f_.params(Block(b))) define(p, Block(b), 0);
      std::uint32_t place = 1;
      for (Value v : f_.body(Block(b))) define(v, Block(b), place++);
    }
  }
  void define(Value v, Block b, std::uint32_t place) {
    if (v.index >= f_.insts.size()) return fail("b{}: v{} does not exist", b.index, v.index);
    if (home_[v.index].valid()) return fail("v{} is placed twice", v.index);
    home_[v.index] = b;
    place_[v.index] = place;
  }

  /// What a call defines does not exist where it lands when it throws.
  void find_landings() {
    landing_ = f_.arena->allocate_array<Block>(f_.insts.size(), Block::none());
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      const auto body = f_.body(Block(b));
      if (body.empty() || f_[body.back()].op != Op::on_throw) continue;
      const auto edge = static_cast<std::uint32_t>(f_[body.back()].imm);
      if (edge + 1 >= f_.edges.size() || f_.edges[edge].to.index >= f_.blocks.size())
        continue;  // found later
      const Block to = f_.edges[edge].to;
      std::size_t call = body.size() - 1;
      while (call > 0 && f_[body[call - 1]].op == Op::result) --call;
      if (call == 0 || !has_effect(f_[body[call - 1]].op, kCalls))
        return fail("b{}: on_throw without a call before it", b);
      if (f_[to].pred_count != 1 || f_[to].param_count != 0 || f_[to].count == 0 ||
          f_[f_.body(to)[0]].op != Op::landing)
        return fail("b{}: throws to b{}, which is no landing block", b, to.index);
      for (; call < body.size(); ++call) landing_[body[call - 1].index] = to;
    }
  }

  void use(Value user, Value v, Block at, std::uint32_t place) {
    if (v.index >= f_.insts.size() || !home_[v.index].valid()) {
      return fail("v{} uses v{}, which is not placed", user.index, v.index);
    }
    const Block home = home_[v.index];
    const bool before = home == at ? place_[v.index] < place : dominators_.dominates(home, at);
    if (!before)
      fail("v{} in b{} uses v{} of b{}, which does not dominate it", user.index, at.index, v.index,
           home.index);
    if (landing_[v.index].valid() && dominators_.dominates(landing_[v.index], at))
      fail("v{} in b{} uses v{}, which was not defined when the call threw", user.index, at.index, v.index);
    if (f_[v].type == Type::none) fail("v{} uses v{}, which has no result", user.index, v.index);
  }

  void block(Block b) {
    const auto body = f_.body(b);
    if (body.empty()) return fail("b{} is empty", b.index);
    for (Value p : f_.params(b)) {
      if (f_[p].op != Op::param) fail("v{} is a parameter of b{} but no param", p.index, b.index);
    }
    std::uint32_t place = 1;
    for (Value v : body) {
      const Inst& i = f_[v];
      if (has_effect(i.op, kTerminator) != (place == body.size())) {
        return fail("b{}: v{} {}", b.index, v.index,
                    place == body.size() ? "does not end the block" : "ends it early");
      }
      const Value operands[] = {i.a, i.b, i.c};
      for (int k = 0; k < info(i.op).operands; ++k) use(v, operands[k], b, place);
      if (has_operand_list(i.op)) {
        for (Value arg : f_.args(i)) use(v, arg, b, place);
      }
      if (i.op == Op::landing &&
          (place != 1 || f_[b].pred_count != 1 || f_[f_.terminator(pred(b))].op != Op::on_throw ||
           f_[f_[edge_at(f_[f_.terminator(pred(b))], 0)].to].first != f_[b].first))
        return fail("b{}: v{} lands where nothing is thrown to", b.index, v.index);
      types(v, i);
      ++place;
    }
    const Inst& end = f_[body.back()];
    for (std::uint32_t k = 0; k < edge_count(end); ++k) edge(b, body.back(), edge_at(end, k), place);
  }

  void edge(Block b, Value end, Edge e, std::uint32_t place) {
    if (e.index >= f_.edges.size() || f_[e].to.index >= f_.blocks.size())
      return fail("b{}: edge to nowhere", b.index);
    if (f_[e].from != b) return fail("b{}: an edge says that it comes from b{}", b.index, f_[e].from.index);
    const auto params = f_.params(f_[e].to);
    const auto args = f_.args(e);
    if (params.size() != args.size()) {
      return fail("b{} → b{}: {} arguments for {} parameters", b.index, f_[e].to.index, args.size(),
                  params.size());
    }
    for (std::size_t i = 0; i < args.size(); ++i) {
      use(end, args[i], b, place);
      if (error_.empty() && f_[args[i]].type != f_[params[i]].type) {
        fail("b{} → b{}: argument {} has another type than its parameter", b.index, f_[e].to.index, i);
      }
    }
  }

  Block pred(Block b) const { return f_.edges[f_.pool[f_[b].preds]].from; }
  Type type_of(Value v) const { return f_[v].type; }
  /// Which of the two a memory has, the function alone does not say.
  bool is_address(Value v) const { return type_of(v) == Type::i32 || type_of(v) == Type::i64; }
  void expect(Value v, bool condition) {
    if (!condition) fail("v{} ({}) has operands of wrong types", v.index, info(f_[v].op).name);
  }
  void types(Value v, const Inst& i) {
    if (!error_.empty()) return;
    const bool integer = i.type == Type::i32 || i.type == Type::i64;
    const bool floating = i.type == Type::f32 || i.type == Type::f64;
    if (is_vector_op(i.op) || i.op == Op::vconst) {
      expect(v, has_valid_vector_types(f_, i));
    } else if (i.op >= Op::add && i.op <= Op::rotr) {
      expect(v, integer && type_of(i.a) == i.type && type_of(i.b) == i.type);
    } else if (i.op >= Op::clz && i.op <= Op::extend32_s) {
      expect(v, integer && type_of(i.a) == i.type);
    } else if ((i.op >= Op::eq && i.op <= Op::ge_u) || (i.op >= Op::feq && i.op <= Op::fge)) {
      expect(v, i.type == Type::i32 && type_of(i.a) == type_of(i.b));
    } else if (i.op >= Op::fadd && i.op <= Op::fcopysign) {
      expect(v, floating && type_of(i.a) == i.type && type_of(i.b) == i.type);
    } else if (i.op >= Op::fabs && i.op <= Op::fsqrt) {
      expect(v, floating && type_of(i.a) == i.type);
    } else if (i.op == Op::select) {
      expect(v, type_of(i.a) == i.type && type_of(i.b) == i.type && type_of(i.c) == Type::i32);
    } else if (i.op == Op::heap_load || i.op == Op::heap_load_const || i.op == Op::heap_store) {
      expect(v, type_of(i.a) == Type::ref || (type_of(i.a) == Type::i32 && i.op == Op::heap_load_const));
      if (i.op == Op::heap_store) expect(v, type_of(i.b) == i.type);
    } else if (i.op == Op::element_load || i.op == Op::element_load_const || i.op == Op::element_store) {
      expect(v, type_of(i.a) == Type::ref && type_of(i.b) == Type::i32);
      if (i.op == Op::element_store) expect(v, type_of(i.c) == i.type);
    } else if (i.op == Op::ref_bits) {
      expect(v, i.type == Type::i32 && is_ref(type_of(i.a)));
    } else if (i.op == Op::bits_ref) {
      expect(v, i.type == Type::ref && type_of(i.a) == Type::i32);
    } else if (i.op == Op::br_if || i.op == Op::br_table || i.op == Op::trap_if) {
      expect(v, type_of(i.a) == Type::i32);
    } else if (i.op == Op::load || i.op == Op::atomic_load) {
      expect(v, is_address(i.a));
    } else if (i.op == Op::store || (i.op >= Op::atomic_store && i.op <= Op::atomic_xchg)) {
      expect(v, is_address(i.a) && type_of(i.b) == i.type);
    } else if (i.op == Op::atomic_cmpxchg) {
      expect(v, is_address(i.a) && type_of(i.b) == i.type && type_of(i.c) == i.type);
    } else if (i.op == Op::narrow) {
      expect(v, i.type == Type::i32 && type_of(i.a) == Type::i64);
    } else if (i.op == Op::mul_high_s || i.op == Op::mul_high_u) {
      expect(v, i.type == Type::i64 && type_of(i.a) == i.type && type_of(i.b) == i.type);
    }
  }

  const Function& f_;
  DominatorTree dominators_;
  std::span<Block> home_;
  std::span<Block> landing_;  ///< by value: of the call that defines it
  std::span<std::uint32_t> place_;
  std::string error_;
};

}  // namespace

std::string verify(const Function& function) { return Verifier(function).run(); }

}  // namespace nebulet::wasm::ir
