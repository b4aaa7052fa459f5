// SPDX-License-Identifier: MIT
// Where exceptions go while a function is built: every call inside of a try gets an edge to the dispatch
// block of the innermost one, which is made of what all these edges bring. In segments a call names the
// block where it lands instead, one for all calls of a try, since a handler finds everything in cells.
#pragma once

#include <array>
#include <cstdint>

#include "base/arena.h"
#include "wasm/ir/ir.h"

namespace nebulet::wasm {

/// `Ssa` is SsaBuilder or CellBuilder.
template <class Ssa>
class Handlers {
 public:
  static constexpr std::uint32_t kCaller = 0xffffffff;  ///< no handler of this function

  Handlers(ir::Function& function, Ssa& ssa, Arena& arena) : f_(function), ssa_(ssa), handlers_(arena) {}

  /// A thrown exception on its way: the reference, and the id of its tag (i32).
  struct Thrown {
    ir::Value exception, tag;
  };

  /// The handler of the code that is being built, by number.
  std::uint32_t current() const { return current_; }
  /// A new handler inside of the current one takes its place; `close` gives the place back. `height` is that
  /// of the operand stack where the handler begins.
  std::uint32_t open(std::uint32_t height) {
    handlers_.push_back({.outer = current_, .height = height});
    ssa_.set_protected(true);
    return current_ = handlers_.size() - 1;
  }
  void close(std::uint32_t handler) {
    current_ = handlers_[handler].outer;
    ssa_.set_protected(current_ != kCaller);
  }
  bool is_used(std::uint32_t handler) const {
    return handlers_[handler].dispatch.valid() || handlers_[handler].landing.valid();
  }

  /// The instruction just emitted, with its results, may throw: gives it an edge to the current handler.
  void protect() {
    if constexpr (Ssa::kSegmented) {
      ir::Block& landing = handlers_[current_].landing;
      if (!landing.valid()) landing = ssa_.make_block();
      ssa_.emit({.op = ir::Op::lands_at, .imm = landing.index});
      return;
    }
    const ir::Block landing = ssa_.make_block(), next = ssa_.make_block();
    const ir::Edge thrown = ssa_.make_edge(landing, {});
    ssa_.make_edge(next, {});
    ssa_.emit({.op = ir::Op::on_throw, .imm = thrown.index});
    land(landing, current_);
    ssa_.start(next);
  }
  /// Starts the dispatch block of a closed handler that is used.
  Thrown dispatch(std::uint32_t handler) {
    if (const ir::Block landing = handlers_[handler].landing; landing.valid()) land(landing, handler);
    const ir::Block block = handlers_[handler].dispatch;
    ssa_.start(block);
    ssa_.mark_cold();
    Thrown thrown;
    if (ssa_.edge_count(block) == 1) {
      const auto args = ssa_.stack_args(ssa_.first_edge(block));
      thrown = {args[0], args[1]};
    } else {
      thrown.exception = ssa_.add_stack_param(block, ir::Type::ref, 0);
      thrown.tag = ssa_.add_stack_param(block, ir::Type::i32, 1);
    }
    ssa_.merge_locals(block);
    return thrown;
  }
  /// Tests for a tag; goes on in the block for it. The return value is the block for others.
  ir::Block test(const Thrown& thrown, std::uint32_t tag) {
    const ir::Value wanted = ssa_.emit({.op = ir::Op::tag_id, .type = ir::Type::i32, .imm = tag});
    const ir::Value same = ssa_.emit({.op = ir::Op::eq, .type = ir::Type::i32, .a = thrown.tag, .b = wanted});
    const ir::Block match = ssa_.make_block(), others = ssa_.make_block();
    const ir::Edge taken = ssa_.make_edge(match, {});
    ssa_.make_edge(others, {});
    ssa_.emit({.op = ir::Op::br_if, .a = same, .imm = taken.index});
    ssa_.start(match);
    return others;
  }
  /// Ends the current block: `thrown` goes on to a handler.
  void forward(const Thrown& thrown, std::uint32_t handler) {
    if (handler != kCaller) return jump(thrown, handler);
    ssa_.emit({.op = ir::Op::throw_ref, .a = thrown.exception});
    unreachable();
  }
  /// Ends the current block behind an instruction that throws.
  void never_returns() {
    if (current_ != kCaller) protect();
    unreachable();
  }

 private:
  struct Handler {
    std::uint32_t outer = kCaller;
    std::uint32_t height = 0;  ///< of the operand stack in its dispatch block, without what is thrown
    ir::Block dispatch;
    ir::Block landing;  ///< in segments: of all calls
  };
  void land(ir::Block landing, std::uint32_t handler) {
    ssa_.start(landing);
    ssa_.mark_cold();
    const ir::Value exception = ssa_.emit({.op = ir::Op::landing, .type = ir::Type::ref});
    const ir::Value tag = ssa_.emit({.op = ir::Op::result, .type = ir::Type::i32, .a = exception, .imm = 1});
    jump({exception, tag}, handler);
  }
  void unreachable() {
    ssa_.emit({.op = ir::Op::trap, .imm = static_cast<std::int64_t>(ir::Trap::unreachable)});
    ssa_.mark_cold();
  }
  void jump(const Thrown& thrown, std::uint32_t handler) {
    Handler& to = handlers_[handler];
    if (!to.dispatch.valid()) {
      to.dispatch = ssa_.make_block();
      ssa_.set_height(to.dispatch, to.height);
    }
    ssa_.jump(to.dispatch, std::array{thrown.exception, thrown.tag});
  }

  ir::Function& f_;
  Ssa& ssa_;
  ArenaVector<Handler> handlers_;
  std::uint32_t current_ = kCaller;
};

}  // namespace nebulet::wasm
