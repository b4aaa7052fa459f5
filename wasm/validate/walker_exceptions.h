// SPDX-License-Identifier: MIT
// The typing rules of exceptions (spec 3.3.8.8, 3.3.8.16-17), and of the legacy instructions that the
// standard does not contain but compilers still emit (try, catch, catch_all, delegate, rethrow).
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
bool Walker<Visitor>::exception_instruction(Opcode op) {
  switch (op) {
    case Opcode::throw_: {
      const std::uint32_t tag = tag_index();
      if (!reader_.ok()) return true;
      const auto operands = take_top(module_.func_type(module_.tags[tag].type).params);
      if (emit()) visitor_.throw_(tag, operands);
      unreachable();
      return true;
    }
    case Opcode::throw_ref: {
      const Value exception = pop(kExnRef).value;
      if (emit()) visitor_.throw_ref(exception);
      unreachable();
      return true;
    }
    case Opcode::try_table: begin_try_table(); return true;
    case Opcode::try_: begin_block(Kind::try_); return true;
    case Opcode::catch_:
    case Opcode::catch_all: begin_catch(op); return true;
    case Opcode::delegate: end_by_delegate(); return true;
    case Opcode::rethrow: {
      const Control* block = target(reader_.u32());
      if (!block) return true;
      if (block->kind != Kind::catch_ && block->kind != Kind::catch_all) {
        invalid("invalid rethrow label");
        return true;
      }
      if (emit()) visitor_.rethrow(block->label);
      unreachable();
      return true;
    }
    default: return false;
  }
}

/// The clauses are checked before the block is opened: their labels count from outside (spec 3.3.8.8).
template <class Visitor>
void Walker<Visitor>::begin_try_table() {
  const BlockType type = BlockType::read(reader_, module_);
  const std::uint32_t count = reader_.u32();
  if (reader_.ok() && count >= reader_.remaining()) reader_.malformed("length out of bounds");
  const std::uint32_t first = clauses_.size();
  for (std::uint32_t i = 0; i < count && reader_.ok(); ++i) read_clause();
  if (!reader_.ok()) return;
  const auto params = take_top(type.params(module_));
  if (!reader_.ok()) return;
  Control& block = push_control(Kind::try_table, type, params.size());
  block.saved = first;
  if (emit()) visitor_.try_(block.label);
}

template <class Visitor>
void Walker<Visitor>::read_clause() {
  const std::uint32_t at = reader_.position();
  CatchClause clause;
  const std::uint8_t kind = reader_.byte();
  if (reader_.ok() && kind > 3) reader_.fail(Error::Kind::malformed, at, "malformed catch clause");
  clause.all = kind & 2;
  clause.with_ref = kind & 1;
  if (!clause.all) clause.tag = tag_index();
  const Control* block = target(reader_.u32());
  if (!block || !reader_.ok()) return;
  clause.target = static_cast<std::uint32_t>(block - control_.data());
  const BlockTypes types = label_types(*block);
  const std::span<const ValType> labels = types;
  const std::span<const ValType> payload =
      clause.all ? std::span<const ValType>() : module_.func_type(module_.tags[clause.tag].type).params;
  bool fits = labels.size() == payload.size() + clause.with_ref && fuel_.spend(labels.size() / 8);
  for (std::size_t i = 0; fits && i < labels.size(); ++i)
    fits = is_subtype(module_, i < payload.size() ? payload[i] : kCaughtRef, labels[i]);
  if (!fits) {
    invalid("type mismatch: a catch clause does not fit its label");
    return;
  }
  clauses_.push_back(clause);
}

/// The first arm or a handler ends, and the next handler begins, whose operands are the tag's.
template <class Visitor>
void Walker<Visitor>::begin_catch(Opcode op) {
  const bool all = op == Opcode::catch_all;
  const std::uint32_t tag = all ? 0 : tag_index();
  Control& block = control_.back();
  if (reader_.ok() && block.kind != Kind::try_ && block.kind != Kind::catch_)
    reader_.fail(Error::Kind::malformed, position_, all ? "catch_all without try" : "catch without try");
  if (!reader_.ok()) return;
  const auto results = take_results(block);
  if (!reader_.ok()) return;
  const bool reached = live_;
  live_ = block.live;
  if (live_) live_ = visitor_.begin_catch(block.label, results, reached);
  stack_.resize(block.height);
  initialized_.return_to(block.initialized);
  block.kind = all ? Kind::catch_all : Kind::catch_;
  block.polymorphic = false;
  if (all) {
    if (live_) visitor_.catch_all(block.label);
    return;
  }
  const auto& types = module_.func_type(module_.tags[tag].type).params;
  if (!fuel_.spend(types.size() / 8)) return;
  for (const ValType type : types) push(type);
  if (live_)
    visitor_.catch_(block.label, tag, stack_.slice(block.height, static_cast<std::uint32_t>(types.size())));
}

/// `delegate` ends a try without handlers: what is thrown in it goes to the block that it names.
template <class Visitor>
void Walker<Visitor>::end_by_delegate() {
  const std::uint32_t depth = reader_.u32();
  if (reader_.ok() && control_.back().kind != Kind::try_)
    reader_.fail(Error::Kind::malformed, position_, "delegate without try");
  const Control* to =
      depth == 0xffffffff ? target(depth) : target(depth + 1);  // it counts from outside of the try
  if (!to || !reader_.ok()) return;
  Control& block = control_.back();
  const auto results = take_results(block);
  if (!reader_.ok()) return;
  initialized_.return_to(block.initialized);
  live_ = block.live && visitor_.delegate(block.label, results, live_, to->label);
  control_.pop_back();
}

/// The end of a try_table or of a try with or without handlers.
template <class Visitor>
bool Walker<Visitor>::end_handlers(Control& block, std::span<Operand> results) {
  if (block.kind != Kind::try_table) return visitor_.end_try(block.label, results, live_);
  return visitor_.end_try_table(block.label, results, live_,
                                clauses_.slice(block.saved, clauses_.size() - block.saved),
                                [this](std::uint32_t index) -> Label& { return control_[index].label; });
}

}  // namespace nebulet::wasm
