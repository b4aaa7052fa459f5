// SPDX-License-Identifier: MIT
// Control: calls, blocks, branches, exceptions.
#include "tests/reference/machine.h"

#include <cstdlib>

namespace nebulet::reference {

void Machine::trap(const char* text) {
  if (ended_ || !text) return;
  ended_ = true;
  outcome_ = {.kind = Outcome::Kind::trapped, .trap = text};
}

Outcome Machine::invoke(Function& function, std::span<const Value> args, std::vector<Value>& results) {
  stack_.assign(args.begin(), args.end());
  enter(function);
  const Outcome outcome = run();
  if (outcome.kind == Outcome::Kind::returned) results = stack_;
  return outcome;
}

Outcome Machine::evaluate(Instance& instance, const Body& body, Value& result) {
  enter_body(nullptr, instance, body, 0, 1);
  const Outcome outcome = run();
  if (outcome.kind == Outcome::Kind::returned) result = stack_.back();
  return outcome;
}

Outcome Machine::run() {
  while (!ended_ && !frames_.empty()) {
    if (store_.steps_ == 0) return {.kind = Outcome::Kind::out_of_fuel};
    --store_.steps_;
    step();
  }
  return outcome_;
}

// --- Calls

void Machine::enter(Function& function) {
  const DefType& type = store_.types_[function.type];
  const auto params = static_cast<std::uint32_t>(type.params.size()),
             results = static_cast<std::uint32_t>(type.results.size());
  if (function.body) return enter_body(&function, *function.instance, *function.body, params, results);
  const std::vector<Value> args(stack_.end() - params, stack_.end());
  stack_.resize(stack_.size() - params);
  std::vector<Value> values;
  const Outcome outcome = function.host(args, values);
  if (outcome.kind == Outcome::Kind::thrown) return throw_exception(outcome.exception);
  if (outcome.kind != Outcome::Kind::returned) {
    ended_ = true;
    outcome_ = outcome;
    return;
  }
  stack_.insert(stack_.end(), values.begin(), values.end());
}

void Machine::enter_body(Function* function, Instance& in, const Body& body, std::uint32_t params,
                         std::uint32_t results) {
  if (frames_.size() >= store_.limit_.calls || stack_.size() + body.locals.size() > store_.limit_.values)
    return trap("call stack exhausted");
  frames_.push_back({function, &in, &body, 0, height() - params, static_cast<std::uint32_t>(labels_.size())});
  stack_.resize(stack_.size() + body.locals.size());
  labels_.push_back({.arity = results, .height = frame().locals, .target = 0, .is_loop = false});
}

/// Returns: the values of the function's label are on top of the stack.
void Machine::leave() {
  const Label own = labels_[frame().labels];
  stack_.erase(stack_.begin() + own.height, stack_.end() - own.arity);
  labels_.resize(frame().labels);
  frames_.pop_back();
}

void Machine::tail_call(Function& function) {
  const auto params = static_cast<std::ptrdiff_t>(store_.types_[function.type].params.size());
  stack_.erase(stack_.begin() + frame().locals, stack_.end() - params);
  labels_.resize(frame().labels);
  frames_.pop_back();
  enter(function);
}

// --- Blocks

void Machine::push_label(const Instr& instr, std::uint32_t arity, std::uint32_t target, bool is_loop) {
  const auto at = static_cast<std::uint32_t>(&instr - frame().body->code.data());
  labels_.push_back({arity, height() - static_cast<std::uint32_t>(instr.imm), target, is_loop, at});
}

void Machine::branch(std::uint32_t depth) {
  const std::size_t index = labels_.size() - 1 - depth;
  if (index == frame().labels) return leave();
  const Label label = labels_[index];
  stack_.erase(stack_.begin() + label.height, stack_.end() - label.arity);
  labels_.resize(label.is_loop ? index + 1 : index);
  frame().pc = label.target;
}

// --- Exceptions

void Machine::throw_exception(Object* exception) {
  while (!frames_.empty()) {
    if (handle(exception)) return;
    stack_.resize(frame().locals);
    labels_.resize(frame().labels);
    frames_.pop_back();
  }
  ended_ = true;
  outcome_ = {.kind = Outcome::Kind::thrown, .exception = exception};
}

/// Looks for a handler in the innermost frame, from the innermost label outwards.
bool Machine::handle(Object* exception) {
  for (std::size_t label = labels_.size(); label-- > frame().labels + 1;) {
    std::size_t skip_to = label;
    if (handled_by(label, exception, skip_to)) return true;
    label = skip_to;
  }
  return false;
}

bool Machine::handled_by(std::size_t index, Object* exception, std::size_t& skip_to) {
  const Label label = labels_[index];
  const Body& body = *frame().body;
  const Instr& begin = body.code[label.begin];
  if (begin.op != 0x1f && begin.op != 0x06) return false;
  if (label.caught || label.is_loop) return false;
  for (const Catch& c : body.catches[begin.b]) {
    if (c.kind < 2 && instance().tags[c.tag] != exception->tag) continue;
    stack_.resize(label.height);
    if (c.kind < 2) stack_.insert(stack_.end(), exception->fields.begin(), exception->fields.end());
    if (begin.op == 0x1f) {
      labels_.resize(index);
      if (c.kind & 1) push(reference(exception));
      branch(c.target);
    } else {
      labels_.resize(index + 1);
      labels_[index].caught = exception;
      frame().pc = c.target;
    }
    return true;
  }
  // delegate: the next to look at is the block that it names, counted from outside of this one.
  if (const Instr& end = body.code[begin.a]; begin.op == 0x06 && end.op == 0x18)
    skip_to = index - end.a > frame().labels ? index - end.a : frame().labels + 1;
  return false;
}

// --- Instructions

Function* Machine::indirect(const Instr& instr) {
  const TableInst& in = *instance().tables[instr.b];
  const std::uint64_t at = pop();
  if (at >= in.elements.size()) return trap("undefined element"), nullptr;
  if (!in.elements[at]) return trap("uninitialized element"), nullptr;
  auto& function = static_cast<Function&>(object(in.elements[at]));
  if (!store_.types_.is_heap_subtype(function.type, instance().types[instr.a]))
    return trap("indirect call type mismatch"), nullptr;
  return &function;
}

Function* Machine::by_reference() {
  const std::uint64_t value = pop();
  if (!value) return trap("null function reference"), nullptr;
  return static_cast<Function*>(&object(value));
}

bool Machine::control(const Instr& instr) {
  const auto params = static_cast<std::uint32_t>(instr.imm), results = static_cast<std::uint32_t>(instr.imm2);
  switch (instr.op) {
    case 0x00: trap("unreachable"); return true;
    case 0x01: return true;
    case 0x02:
    case 0x06:
    case 0x1f: push_label(instr, results, instr.a + 1, false); return true;
    case 0x03: push_label(instr, params, frame().pc, true); return true;
    case 0x04: {
      const bool taken = static_cast<std::uint32_t>(pop()) != 0;
      push_label(instr, results, instr.a + 1, false);
      if (!taken) frame().pc = instr.b == instr.a ? instr.a : instr.b + 1;
      return true;
    }
    case 0x05:
    case 0x07:
    case 0x19: frame().pc = instr.a; return true;  // the arm before it ended
    case 0x0b:
      if (labels_.size() - 1 == frame().labels) {
        leave();
      } else {
        labels_.pop_back();
      }
      return true;
    case 0x18: labels_.pop_back(); return true;
    case 0x08: {
      const TagInst* tag = instance().tags[instr.a];
      const std::size_t count = store_.types_[tag->type].params.size();
      Object* exception = allocate(Object::Kind::exception, 0, count);
      if (!exception) return true;
      exception->tag = tag;
      exception->fields.assign(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
      throw_exception(exception);
      return true;
    }
    case 0x0a: {
      const std::uint64_t value = pop();
      if (!value) return trap("null exception reference"), true;
      throw_exception(&object(value));
      return true;
    }
    case 0x09: throw_exception(labels_[labels_.size() - 1 - instr.a].caught); return true;
    case 0x0c: branch(instr.a); return true;
    case 0x0d:
      if (static_cast<std::uint32_t>(pop())) branch(instr.a);
      return true;
    case 0x0e: {
      const std::vector<std::uint32_t>& targets = frame().body->branch_tables[instr.a];
      const std::uint64_t index = pop();
      branch(index < targets.size() ? targets[index] : targets.back());
      return true;
    }
    case 0x0f: leave(); return true;
    case 0x10: enter(*instance().functions[instr.a]); return true;
    case 0x12: tail_call(*instance().functions[instr.a]); return true;
    case 0x11:
    case 0x13:
      if (Function* target = indirect(instr)) instr.op == 0x11 ? enter(*target) : tail_call(*target);
      return true;
    case 0x14:
    case 0x15:
      if (Function* target = by_reference()) instr.op == 0x14 ? enter(*target) : tail_call(*target);
      return true;
    case 0x1a: stack_.pop_back(); return true;
    case 0x1b:
    case 0x1c: {
      const bool first = static_cast<std::uint32_t>(pop()) != 0;
      const Value b = pop_value();
      if (!first) stack_.back() = b;
      return true;
    }
    case 0x20: stack_.push_back(Value(stack_[frame().locals + instr.a])); return true;
    case 0x21:
      stack_[frame().locals + instr.a] = stack_.back();
      stack_.pop_back();
      return true;
    case 0x22: stack_[frame().locals + instr.a] = stack_.back(); return true;
    case 0x23: stack_.push_back(instance().globals[instr.a]->value); return true;
    case 0x24: instance().globals[instr.a]->value = pop_value(); return true;
    case 0x41:
    case 0x42:
    case 0x43:
    case 0x44: push(instr.imm); return true;
    case 0xd0: push(0); return true;
    case 0xd1: push(pop() == 0); return true;
    case 0xd2: push(reference(instance().functions[instr.a])); return true;
    case 0xd3: push(pop() == pop()); return true;
    case 0xd4:
      if (!stack_.back().low) trap(kNullReference);
      return true;
    case 0xd5:
      if (stack_.back().low == 0) stack_.pop_back(), branch(instr.a);
      return true;
    case 0xd6:
      if (stack_.back().low) {
        branch(instr.a);
      } else {
        stack_.pop_back();
      }
      return true;
    default: return false;
  }
}

void Machine::step() {
  const Instr& instr = frame().body->code[frame().pc++];
  if (stack_.size() > store_.limit_.values) return trap("call stack exhausted");
  if (is_numeric(instr.op)) return trap(numeric(instr.op, stack_));
  if (control(instr) || memory(instr) || table(instr) || bulk(instr)) return;
  switch (instr.op >> 12) {
    case 0xfb: return object_instruction(instr);
    case 0xfd: return vector_memory(instr);
    case 0xfe: return atomic(instr);
    default: std::abort();  // no such instruction: the module was not validated
  }
}

}  // namespace nebulet::reference
