// SPDX-License-Identifier: MIT
// Expressions: code that leaves one value of a type on the stack.
#include "tests/fuzz/body.h"

namespace nebulet::fuzz {

std::optional<std::uint32_t> Body::local_of(const Type& type) {
  const auto size = static_cast<std::uint32_t>(locals_.size());
  for (std::uint32_t start = below(size), i = 0; i < size; ++i)
    if (locals_[(start + i) % size] == type) return (start + i) % size;
  return std::nullopt;
}

std::optional<std::uint32_t> Body::global_of(const Type& type, bool mutable_only) {
  const auto size = static_cast<std::uint32_t>(plan_.globals.size());
  for (std::uint32_t start = below(size), i = 0; i < size; ++i) {
    const std::uint32_t index = (start + i) % size;
    if (index != 0 && plan_.globals[index].type == type && (plan_.globals[index].is_mutable || !mutable_only))
      return index;
  }
  return std::nullopt;
}

void Body::constant(const Type& type) {
  static constexpr std::int64_t kIntegers[] = {0,
                                               1,
                                               -1,
                                               2,
                                               7,
                                               8,
                                               31,
                                               32,
                                               63,
                                               64,
                                               127,
                                               128,
                                               255,
                                               256,
                                               0x7fff,
                                               0x8000,
                                               0xffff,
                                               0x10000,
                                               0x7fffffff,
                                               -0x80000000ll,
                                               0xffffffffll,
                                               0x100000000ll,
                                               INT64_MAX,
                                               INT64_MIN};
  static constexpr std::uint32_t kFloats[] = {
      0,          0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0x4f000000, 0xcf000000, 0x5f000000,
      0x4f800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fa00000, 0xffc00001, 1,          0x7f7fffff};
  static constexpr std::uint64_t kDoubles[] = {0,
                                               1ull << 63,
                                               0x3ff0000000000000,
                                               0xbff0000000000000,
                                               0x41dfffffffc00000,
                                               0xc1e0000000200000,
                                               0x43e0000000000000,
                                               0xc3e0000000000000,
                                               0x7ff0000000000000,
                                               0xfff0000000000000,
                                               0x7ff8000000000000,
                                               0x7ff4000000000000,
                                               0x41f0000000000000,
                                               1,
                                               0x7fefffffffffffff,
                                               0x47f0000000000000};
  const bool interesting = !in_.one_in(4);
  switch (type.code) {
    case 0x7f:
    case 0x7e: {
      const std::int64_t value =
          interesting ? in_.of(kIntegers) : static_cast<std::int64_t>(in_.number(type == kI32 ? 4 : 8));
      out_.byte(type == kI32 ? 0x41 : 0x42);
      return out_.signed_number(type == kI32 ? static_cast<std::int32_t>(value) : value);
    }
    case 0x7d: out_.byte(0x43); return out_.fixed(interesting ? in_.of(kFloats) : in_.number(4), 4);
    case 0x7c: out_.byte(0x44); return out_.fixed(interesting ? in_.of(kDoubles) : in_.number(8), 8);
    case 0x7b: {
      const std::uint64_t low = interesting ? in_.of(kDoubles) : in_.number(8);
      const std::uint64_t high =
          interesting ? std::uint64_t{in_.of(kFloats)} << 32 | in_.of(kFloats) : in_.number(8);
      out_.op(0xfd00c);
      out_.fixed(low, 8);
      return out_.fixed(high, 8);
    }
    default: return null(type);
  }
}

void Body::leaf(const Type& type) {
  switch (in_.below(3)) {
    case 1:
      if (const auto local = local_of(type)) return out_.byte(0x20), out_.number(*local);
      break;
    case 2:
      if (const auto global = global_of(type, false)) return out_.byte(0x23), out_.number(*global);
      break;
    default: break;
  }
  constant(type);
}

void Body::expression(const Type& type, unsigned depth) {
  if (in_.done() || depth == 0 || budget_ == 0) return leaf(type);
  --budget_;
  if (in_.below(5) == 4 && common(type, depth - 1)) return;
  if (type.is_ref()) return reference(type, depth - 1);
  switch (in_.below(8)) {
    case 0: return leaf(type);
    case 1:
    case 2:
      if (load(type, depth - 1)) return;
      break;
    case 3:
      if (type == kI32) return special_i32(depth - 1);
      if (type == kI64) return special_i64(depth - 1);
      break;
    default: break;
  }
  operation(type, depth - 1);
}

void Body::operation(const Type& type, unsigned depth) {
  if (type == kV128 && in_.one_in(10)) {  // i8x16.shuffle
    expression(kV128, depth);
    expression(kV128, depth);
    out_.op(0xfd00d);
    for (unsigned i = 0; i < 16; ++i) out_.byte((in_.byte() + i) & 31u);
    return;
  }
  const Operation& op = in_.of(operations_with(type, plan_.has_simd));
  for (unsigned i = 0; i < op.count; ++i) expression(op.operands[i], depth);
  out_.op(op.code);
  if (op.canonical != kI32) return canonicalize(op);
  if (op.lanes) out_.byte(in_.below(op.lanes));
}

/// select(canonical NaN, x, x != x), for lanes with bitselect.
void Body::canonicalize(const Operation& op) {
  const std::uint32_t spare = op.canonical == kF32   ? spare_f32_
                              : op.canonical == kF64 ? spare_f64_
                                                     : spare_v128_;
  const auto get = [&] { out_.byte(0x20), out_.number(spare); };
  out_.byte(0x21), out_.number(spare);
  if (op.canonical == kV128) {
    out_.op(0xfd00c);
    for (unsigned i = 0; i < 2; ++i) out_.fixed(op.lanes == 4 ? 0x7fc000007fc00000 : 0x7ff8000000000000, 8);
    get(), get(), get();
    out_.op(op.lanes == 4 ? 0xfd042 : 0xfd048);
    return out_.op(0xfd052);
  }
  const bool narrow = op.canonical == kF32;
  out_.byte(narrow ? 0x43 : 0x44);
  out_.fixed(narrow ? 0x7fc00000 : 0x7ff8000000000000, narrow ? 4 : 8);
  get(), get(), get();
  out_.byte(narrow ? 0x5c : 0x62);
  out_.byte(0x1b);
}

bool Body::common(const Type& type, unsigned depth) {
  switch (in_.below(8)) {
    case 0:
      if (const auto local = local_of(type)) {
        expression(type, depth);
        out_.byte(0x22), out_.number(*local);
        return true;
      }
      return false;
    case 1: return select(type, depth), true;
    case 2:
    case 3: return block_expression(type, depth), true;
    case 4:
    case 5: return call_expression(type, depth);
    case 6: return field_expression(type, depth);
    default: {
      // Out of a block with a value: br_if, br_table or br.
      open(0x02, &type, {type});
      statements(depth);
      expression(type, depth);
      const std::uint32_t way = in_.below(3);
      if (way != 2) expression(kI32, depth);
      if (way == 1) {
        out_.raw({0x0e, 1, 0, 0});
      } else {
        out_.raw({static_cast<std::uint8_t>(way == 0 ? 0x0d : 0x0c), 0});
      }
      close();
      return true;
    }
  }
}

void Body::select(const Type& type, unsigned depth) {
  expression(type, depth);
  expression(type, depth);
  expression(kI32, depth);
  if (!type.is_ref() && !in_.one_in(4)) return out_.byte(0x1b);
  out_.raw({0x1c, 1});
  encode(out_, type);
}

void Body::block_expression(const Type& type, unsigned depth) {
  const std::uint32_t kind = in_.below(3);
  if (kind == 1) {  // if
    expression(kI32, depth);
    open(0x04, &type, {type});
    statements(depth);
    expression(type, depth);
    out_.byte(0x05);
    statements(depth);
    expression(type, depth);
  } else {
    open(kind == 2 ? 0x03 : 0x02, &type, kind == 2 ? std::vector<Type>{} : std::vector<Type>{type});
    if (kind == 2) fuel();
    statements(depth);
    expression(type, depth);
  }
  close();
}

/// A call whose first result has the type; the others are dropped.
bool Body::call_expression(const Type& type, unsigned depth) {
  const auto size = static_cast<std::uint32_t>(plan_.functions.size());
  for (std::uint32_t start = below(size), i = 0; i < size; ++i) {
    const std::uint32_t function = (start + i) % size;
    const Signature& signature = plan_.signature_of(function);
    if (signature.results.empty() || signature.results[0] != type) continue;
    call(function, depth, false);
    drop(signature.results.size() - 1);
    return true;
  }
  return false;
}

/// struct.get or array.get of a field of the type.
bool Body::field_expression(const Type& type, unsigned depth) {
  const auto size = static_cast<std::uint32_t>(plan_.aggregates.size());
  for (std::uint32_t start = below(size ? size : 1), i = 0; i < size; ++i) {
    const std::uint32_t index = (start + i) % size;
    const Aggregate& aggregate = plan_.aggregates[index];
    for (std::uint32_t field = 0; field < aggregate.fields.size(); ++field) {
      const Type& kind = aggregate.fields[field];
      const bool packed = kind.code == 0x78 || kind.code == 0x77;
      if (packed ? type != kI32 : type != kind) continue;
      this->aggregate(index, depth);
      if (aggregate.is_array) index_value(false, 6, depth);
      const std::uint32_t get = aggregate.is_array ? 11 : 2;
      out_.op(0xfb000 | (packed ? get + 1 + in_.below(2) : get));
      out_.number(index);
      if (!aggregate.is_array) out_.number(field);
      return true;
    }
  }
  return false;
}

void Body::special_i32(unsigned depth) {
  const std::uint32_t choice = in_.below(9);
  const bool gc = plan_.has_gc;
  if (choice == 0 || !gc) {
    const auto table = below(plan_.tables.size());
    if (in_.one_in(2) || plan_.tables[table].is_64) {
      expression(any_local_type().is_ref() ? kExternRef : kFuncRef, depth);
      return out_.byte(0xd1);
    }
    if (in_.one_in(2)) return out_.op(0xfc010), out_.number(table);
    expression(plan_.tables[table].element, depth);
    out_.byte(0x41), out_.signed_number(in_.below(6));
    return out_.op(0xfc00f), out_.number(table);
  }
  if (choice == 1) {
    expression(kEqRef, depth);
    expression(kEqRef, depth);
    return out_.byte(0xd3);
  }
  if (choice == 2) {
    const Type source = in_.one_in(2) ? kAnyRef : kEqRef;
    expression(source, depth);
    out_.op(0xfb014 + in_.below(2));
    static constexpr Type kTargets[] = {kI31Ref, kEqRef, kStructRef, kArrayRef};
    return in_.one_in(2) && !plan_.aggregates.empty() ? heap_type({0x63, below(plan_.aggregates.size())})
                                                      : heap_type(in_.of(kTargets));
  }
  if (choice == 3) {
    expression(kArrayRef, depth);
    return out_.op(0xfb00f);
  }
  if (choice == 4) {
    expression(kI31Ref, depth);
    return out_.op(0xfb01d + in_.below(2));
  }
  if (choice == 5 && plan_.has_atomics) return atomic(kI32, depth);
  const auto memory = below(plan_.memories.size());
  if (plan_.memories[memory].is_64) return operation(kI32, depth);
  if (choice == 6) {
    out_.byte(0x41), out_.signed_number(in_.below(3));
    return out_.byte(0x40), out_.number(memory);
  }
  if (choice == 7) return out_.byte(0x3f), out_.number(memory);
  operation(kI32, depth);
}

void Body::special_i64(unsigned depth) {
  const std::uint32_t choice = in_.below(4);
  if (choice == 0 && plan_.has_atomics) return atomic(kI64, depth);
  if (choice == 1 && plan_.has_wide) {
    const bool product = in_.one_in(2);
    for (unsigned i = 0; i < (product ? 2 : 4); ++i) expression(kI64, depth);
    out_.op((product ? 0xfc015 : 0xfc013) + in_.below(2));
    return in_.one_in(2) ? out_.byte(0x1a) : out_.byte(0x85);  // the low half, or both mixed
  }
  const auto memory = below(plan_.memories.size());
  if (!plan_.memories[memory].is_64) return operation(kI64, depth);
  if (choice == 2) {
    out_.byte(0x42), out_.signed_number(in_.below(3));
    return out_.byte(0x40), out_.number(memory);
  }
  out_.byte(0x3f), out_.number(memory);
}

}  // namespace nebulet::fuzz
