// SPDX-License-Identifier: MIT
// Statements: code that leaves the stack as it was.
#include "tests/fuzz/body.h"

namespace nebulet::fuzz {

Body::Body(Choices& in, const Plan& plan, std::uint32_t function)
    : in_(in), plan_(plan), signature_(plan.signature_of(function)) {
  locals_ = signature_.params;
}

Encoder Body::run() {
  std::vector<Type> own = {kI32, kI64, kF32, kF64, kI32};
  if (plan_.has_simd) own.push_back(kV128);
  if (plan_.has_gc) own.push_back(kAnyRef);
  if (plan_.has_exceptions) own.push_back(kExnRef);
  if (!plan_.aggregates.empty()) own.push_back({0x63, below(plan_.aggregates.size())});
  own.push_back(kFuncRef);
  locals_.insert(locals_.end(), own.begin(), own.end());
  const auto count = static_cast<std::uint32_t>(locals_.size());
  spare_f32_ = count, spare_f64_ = count + 1, spare_v128_ = count + 2;
  own.insert(own.end(), {kF32, kF64});
  if (plan_.has_simd) own.push_back(kV128);
  out_.number(own.size());
  for (const Type& type : own) out_.byte(1), encode(out_, type);

  labels_.push_back(signature_.results);
  fuel();
  statements(5);
  if (plan_.has_tail_calls && in_.one_in(4)) {
    for (std::uint32_t i = 0; i < plan_.functions.size(); ++i)
      if (plan_.signature_of(i).results == signature_.results) {
        call(i, 3, true);
        break;
      }
  }
  values(signature_.results, 5);
  out_.byte(0x0b);
  return std::move(out_);
}

void Body::fuel() { out_.raw({0x23, 0, 0x45, 0x04, 0x40, 0x00, 0x0b, 0x23, 0, 0x41, 1, 0x6b, 0x24, 0}); }

void Body::values(const std::vector<Type>& types, unsigned depth) {
  for (const Type& type : types) expression(type, depth);
}

void Body::drop(std::size_t count) {
  for (; count; --count) out_.byte(0x1a);
}

void Body::open(std::uint32_t op, const Type* result, std::vector<Type> label) {
  out_.op(op);
  result ? encode(out_, *result) : out_.byte(0x40);
  labels_.push_back(std::move(label));
}

void Body::close() {
  out_.byte(0x0b);
  labels_.pop_back();
}

void Body::statements(unsigned depth) {
  if (depth == 0) return;
  for (std::uint32_t n = in_.below(depth > 3 ? 5 : 3); n && !in_.done() && budget_; --n) statement(depth - 1);
}

void Body::statement(unsigned depth) {
  --budget_;
  switch (in_.below(20)) {
    case 0:
    case 1: {
      const auto local = below(locals_.size());
      expression(locals_[local], depth);
      return out_.byte(0x21), out_.number(local);
    }
    case 2: {
      const Type type = any_local_type();
      if (const auto global = global_of(type, true)) {
        expression(type, depth);
        return out_.byte(0x24), out_.number(*global);
      }
      break;
    }
    case 3:
    case 4:
    case 5: return store(depth);
    case 6:
      open(0x02, nullptr, {});
      statements(depth);
      return close();
    case 7:
      open(0x03, nullptr, {});
      fuel();
      statements(depth);
      expression(kI32, depth);
      out_.raw({0x0d, 0});
      return close();
    case 8:
      expression(kI32, depth);
      open(0x04, nullptr, {});
      statements(depth);
      if (in_.one_in(2)) {
        out_.byte(0x05);
        statements(depth);
      }
      return close();
    case 9:
    case 10: return branch(depth);
    case 11:
      expression(kI32, depth);  // under a condition, or most code would be dead
      open(0x04, nullptr, {});
      leave(depth);
      return close();
    case 12: return bulk(depth);
    case 13: return table_statement(depth);
    case 14:
    case 15: return call_statement(depth);
    case 16: return plan_.has_gc ? aggregate_statement(depth) : store(depth);
    case 17:
    case 18:
      if (plan_.has_exceptions) return plan_.has_legacy ? legacy_try(depth) : try_statement(depth);
      break;
    case 19:
      if (in_.one_in(2)) return switch_statement(depth);
      break;
    default: break;
  }
  expression(any_local_type(), depth);
  out_.byte(0x1a);
}

/// Long and mixed enough for a jump table: a short br_table becomes comparisons.
void Body::switch_statement(unsigned depth) {
  constexpr std::uint32_t kArms = 3;
  for (std::uint32_t i = 0; i < kArms; ++i) open(0x02, nullptr, {});
  expression(kI32, depth);
  const std::uint32_t count = 5 + in_.below(16);
  out_.byte(0x0e), out_.number(count);
  for (std::uint32_t i = 0; i < count; ++i) out_.number((i + in_.below(2)) % kArms);
  out_.number(in_.below(kArms));
  for (std::uint32_t i = 0; i < kArms; ++i) {
    close();
    statements(depth);
  }
}

void Body::branch(unsigned depth) {
  const auto label = below(labels_.size());
  const std::vector<Type> types = labels_[labels_.size() - 1 - label];
  values(types, depth);
  switch (in_.below(plan_.has_gc ? 4 : 2)) {
    case 0: {
      expression(kI32, depth);
      out_.byte(0x0d), out_.number(label);
      return drop(types.size());
    }
    case 1: {  // br_table among the labels that take the same, in a block for what follows
      expression(kI32, depth);
      const std::uint32_t count = in_.below(4);
      out_.byte(0x0e), out_.number(count);
      for (std::uint32_t i = 0; i < count; ++i) {
        auto other = below(labels_.size());
        if (labels_[labels_.size() - 1 - other] != types) other = label;
        out_.number(other);
      }
      return out_.number(label);
    }
    case 2: {  // br_on_null
      expression(in_.one_in(2) ? kAnyRef : kFuncRef, depth);
      out_.byte(0xd5), out_.number(label);
      return drop(types.size() + 1);
    }
    default: {  // br_on_non_null, out of a block of its own
      drop(types.size());
      const Type type = in_.one_in(2) ? kEqRef : kFuncRef;
      open(0x02, &type, {type});
      expression(type, depth);
      out_.raw({0xd6, 0});
      null(type);
      close();
      return out_.byte(0x1a);
    }
  }
}

void Body::leave(unsigned depth) {
  switch (in_.below(5)) {
    case 0: {
      const auto label = below(labels_.size());
      values(std::vector<Type>(labels_[labels_.size() - 1 - label]), depth);
      return out_.byte(0x0c), out_.number(label);
    }
    case 1: values(signature_.results, depth); return out_.byte(0x0f);
    case 2:
      if (plan_.has_tail_calls) {
        for (std::uint32_t i = 0; i < plan_.functions.size(); ++i)
          if (plan_.signature_of(i).results == signature_.results) return call(i, depth, true);
      }
      return out_.byte(0x00);
    case 3:
      if (plan_.has_exceptions && !plan_.tags.empty()) {
        const auto tag = below(plan_.tags.size());
        values(plan_.signatures[plan_.tags[tag].signature - plan_.aggregates.size()].params, depth);
        return out_.byte(0x08), out_.number(tag);
      }
      return out_.byte(0x00);
    default: return out_.byte(0x00);
  }
}

/// Directly, through table 0 (where the function may or may not be) or by reference.
void Body::call(std::uint32_t function, unsigned depth, bool tail) {
  values(plan_.signature_of(function).params, depth);
  const std::uint32_t type = plan_.type_index(plan_.functions[function]);
  switch (in_.below(plan_.has_gc ? 3 : 2)) {
    case 1:
      index_value(plan_.tables[0].is_64, plan_.tables[0].min, depth);
      out_.byte(tail ? 0x13 : 0x11);
      return out_.number(type), out_.number(0);
    case 2:
      if (in_.one_in(3)) {
        expression(kFuncRef, depth);
        out_.op(0xfb017), out_.signed_number(type);
      } else {
        out_.byte(0xd2), out_.number(function);
      }
      out_.byte(tail ? 0x15 : 0x14);
      return out_.number(type);
    default: out_.byte(tail ? 0x12 : 0x10); return out_.number(function);
  }
}

void Body::call_statement(unsigned depth) {
  const auto function = below(plan_.functions.size());
  call(function, depth, false);
  const std::vector<Type>& results = plan_.signature_of(function).results;
  for (std::size_t i = results.size(); i-- > 0;) {
    if (const auto local = local_of(results[i]); local && in_.one_in(2)) {
      out_.byte(0x21), out_.number(*local);
    } else {
      out_.byte(0x1a);
    }
  }
}

/// (block (block $h (result …) (try_table (catch … $h) … ) br 1) handler)
void Body::try_statement(unsigned depth) {
  const auto tag = below(plan_.tags.size());
  const std::uint32_t kind = in_.below(4);
  const std::vector<Type>& payload =
      plan_.signatures[plan_.tags[tag].signature - plan_.aggregates.size()].params;
  std::vector<Type> caught = kind < 2 ? payload : std::vector<Type>{};
  if (kind & 1) caught.push_back(kExnRef);
  open(0x02, nullptr, {});
  out_.byte(0x02);
  if (kind == 2) {
    out_.byte(0x40);
  } else {
    out_.signed_number(kind == 0   ? plan_.tags[tag].handler
                       : kind == 1 ? plan_.tags[tag].handler_ref
                                   : plan_.exnref_block);
  }
  labels_.push_back(caught);
  out_.raw({0x1f, 0x40, 1, static_cast<std::uint8_t>(kind)});
  if (kind < 2) out_.number(tag);
  out_.byte(0);
  labels_.push_back({});
  statements(depth);
  if (in_.one_in(2)) leave(depth);
  close();
  out_.raw({0x0c, 1});
  close();
  for (std::size_t i = caught.size(); i-- > 0;) {
    if (caught[i] == kExnRef && in_.one_in(4)) {
      out_.byte(0x0a);  // throw_ref; what is below it on the stack does not matter
      break;
    }
    if (const auto local = local_of(caught[i])) {
      out_.byte(0x21), out_.number(*local);
    } else {
      out_.byte(0x1a);
    }
  }
  statements(depth);
  close();
}

void Body::legacy_try(unsigned depth) {
  const auto tag = below(plan_.tags.size());
  open(0x06, nullptr, {});
  statements(depth);
  if (in_.one_in(2)) leave(depth);
  const std::uint32_t kind = in_.below(4);
  if (kind == 3) {
    labels_.pop_back();
    const auto label = below(labels_.size());
    return out_.byte(0x18), out_.number(label);
  }
  if (kind != 1) {
    out_.byte(0x07), out_.number(tag);
    drop(plan_.signatures[plan_.tags[tag].signature - plan_.aggregates.size()].params.size());
    statements(depth);
    if (in_.one_in(4)) out_.raw({0x09, 0});
  }
  if (kind != 0) {
    out_.byte(0x19);
    statements(depth);
    if (in_.one_in(4)) out_.raw({0x09, 0});
  }
  close();
}

Encoder generate_body(Choices& in, const Plan& plan, std::uint32_t function) {
  return Body(in, plan, function).run();
}

}  // namespace nebulet::fuzz
