// SPDX-License-Identifier: MIT
// Expressions of reference types, structures and arrays. All types are nullable.
#include "tests/fuzz/body.h"

namespace nebulet::fuzz {

void Body::heap_type(const Type& type) {
  type.code == 0x63 ? out_.signed_number(type.index) : out_.byte(type.code);
}

void Body::null(const Type& type) {
  out_.byte(0xd0);
  heap_type(type);
}

/// An aggregate whose reference is of the type.
std::optional<std::uint32_t> Body::aggregate_like(const Type& type) {
  const auto size = static_cast<std::uint32_t>(plan_.aggregates.size());
  for (std::uint32_t start = below(size ? size : 1), i = 0; i < size; ++i) {
    const std::uint32_t index = (start + i) % size;
    if (type == kAnyRef || type == kEqRef ||
        type == (plan_.aggregates[index].is_array ? kArrayRef : kStructRef))
      return index;
    for (int super = static_cast<int>(index); type.code == 0x63 && super >= 0;
         super = plan_.aggregates[static_cast<std::size_t>(super)].super)
      if (static_cast<std::uint32_t>(super) == type.index) return index;
  }
  return std::nullopt;
}

Type Body::cast_source(const Type& type) {
  if (type == kEqRef || type == kAnyRef) return kAnyRef;
  return in_.one_in(2) ? kEqRef : kAnyRef;
}

/// ref.cast null, or a br_on_cast form that gives null if it fails.
void Body::cast(const Type& type, unsigned depth) {
  const Type source = cast_source(type);
  const std::uint32_t way = in_.below(3);
  if (way == 0) {
    expression(source, depth);
    out_.op(0xfb017);
    return heap_type(type);
  }
  const bool on_success = way == 1;
  open(0x02, on_success ? &type : &source, {on_success ? type : source});
  expression(source, depth);
  out_.op(on_success ? 0xfb018 : 0xfb019);
  out_.raw({3, 0});
  heap_type(source);
  heap_type(type);
  out_.byte(0x1a);
  null(on_success ? type : kI31Ref);
  close();
  if (!on_success) out_.op(0xfb017), heap_type(type);
}

void Body::reference(const Type& type, unsigned depth) {
  if (type == kFuncRef) {
    if (in_.one_in(3))
      return index_value(plan_.tables[0].is_64, plan_.tables[0].min, depth), out_.raw({0x25, 0});
    return out_.byte(0xd2), out_.number(below(plan_.functions.size()));
  }
  if (plan_.tables.size() > 1 && plan_.tables[1].element == type && in_.one_in(4))
    return index_value(plan_.tables[1].is_64, plan_.tables[1].min, depth), out_.raw({0x25, 1});
  if (type == kExnRef) {
    open(0x02, &type, {type});
    open(0x1f, &type, {type});
    out_.raw({1, 3, 0});  // catch_all_ref
    statements(depth);
    expression(type, depth);
    close();
    return close();
  }
  if (!plan_.has_gc) return leaf(type);
  if (type == kExternRef) {
    if (in_.one_in(3)) return leaf(type);
    expression(kAnyRef, depth);
    return out_.op(0xfb01b);
  }
  switch (in_.below(6)) {
    case 0: return leaf(type);
    case 1: return cast(type, depth);
    case 2:
      if (type == kAnyRef) {
        expression(kExternRef, depth);
        return out_.op(0xfb01a);
      }
      break;
    default: break;
  }
  const bool can_be_i31 = type == kAnyRef || type == kEqRef || type == kI31Ref;
  if (can_be_i31 && (type == kI31Ref || in_.one_in(3))) {
    expression(kI32, depth);
    return out_.op(0xfb01c);
  }
  if (const auto index = aggregate_like(type))
    return plan_.aggregates[*index].is_array ? array(*index, depth) : structure(*index, depth);
  leaf(type);
}

namespace {
Type unpacked(const Type& field) { return field.code == 0x78 || field.code == 0x77 ? kI32 : field; }
}  // namespace

void Body::structure(std::uint32_t index, unsigned depth) {
  const bool is_default = in_.one_in(3);
  if (!is_default)
    for (const Type& field : plan_.aggregates[index].fields)
      expression(unpacked(field), depth ? depth - 1 : 0);
  out_.op(is_default ? 0xfb001 : 0xfb000);
  out_.number(index);
}

void Body::array(std::uint32_t index, unsigned depth) {
  const Type field = plan_.aggregates[index].fields[0], type = unpacked(field);
  const unsigned inner = depth ? depth - 1 : 0;
  switch (in_.below(5)) {
    case 0:
      expression(type, inner);
      index_value(false, 8, inner);
      return out_.op(0xfb006), out_.number(index);
    case 1: index_value(false, 20, inner); return out_.op(0xfb007), out_.number(index);
    case 2: break;
    default:
      if (type.is_ref() && type != kFuncRef) break;
      index_value(false, 4, inner);
      index_value(false, 4, inner);
      out_.op(type == kFuncRef ? 0xfb00a : 0xfb009);
      return out_.number(index), out_.number(1);
  }
  const std::uint32_t count = in_.below(5);
  for (std::uint32_t i = 0; i < count; ++i) expression(type, inner);
  out_.op(0xfb008);
  out_.number(index);
  out_.number(count);
}

/// A reference to an aggregate, more often than not no null.
void Body::aggregate(std::uint32_t index, unsigned depth) {
  if (in_.below(4) == 3) return expression({0x63, index}, depth);
  if (const auto local = local_of({0x63, index}); local && in_.one_in(2))
    return out_.byte(0x20), out_.number(*local);
  plan_.aggregates[index].is_array ? array(index, depth) : structure(index, depth);
}

void Body::aggregate_statement(unsigned depth) {
  if (plan_.aggregates.empty()) return out_.byte(0x01);
  const auto index = below(plan_.aggregates.size());
  const Aggregate& kind = plan_.aggregates[index];
  aggregate(index, depth);
  if (!kind.is_array) {
    if (kind.fields.empty()) return out_.byte(0x1a);
    const auto field = below(kind.fields.size());
    expression(unpacked(kind.fields[field]), depth);
    out_.op(0xfb005);
    return out_.number(index), out_.number(field);
  }
  const Type type = unpacked(kind.fields[0]);
  index_value(false, 6, depth);
  switch (in_.below(4)) {
    case 0:
      expression(type, depth);
      out_.op(0xfb00e);
      return out_.number(index);
    case 1:
      expression(type, depth);
      index_value(false, 5, depth);
      out_.op(0xfb010);
      return out_.number(index);
    case 2:
      aggregate(index, depth);
      index_value(false, 4, depth);
      index_value(false, 4, depth);
      out_.op(0xfb011);
      return out_.number(index), out_.number(index);
    default:
      if (type.is_ref() && type != kFuncRef) {
        out_.byte(0x1a);
        return out_.byte(0x1a);
      }
      index_value(false, 4, depth);
      index_value(false, 4, depth);
      out_.op(type == kFuncRef ? 0xfb013 : 0xfb012);
      return out_.number(index), out_.number(1);
  }
}

}  // namespace nebulet::fuzz
