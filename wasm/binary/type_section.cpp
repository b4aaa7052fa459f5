// SPDX-License-Identifier: MIT
// The type section (spec 5.5.4, 3.2.9 … 3.2.11): recursive groups of composite types, which are declared
// subtypes of each other, and which types of the module are equal.
#include <algorithm>
#include <compare>

#include "wasm/binary/limits.h"
#include "wasm/binary/module_decoder.h"
#include "wasm/binary/subtype.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {
namespace {

/// Compares recursive groups by their structure: references inside the group by their place in it, all others
/// by the type that they name (spec 3.1.4 and 3.3.2: iso-recursive types).
class GroupComparison {
 public:
  GroupComparison(const Module& module, std::uint32_t a, std::uint32_t b) : module_(module), a_(a), b_(b) {}

  std::weak_ordering run() const {
    const std::uint32_t size = module_.types[a_].group_size;
    if (const auto order = size <=> module_.types[b_].group_size; order != 0) return order;
    for (std::uint32_t i = 0; i < size; ++i)
      if (const auto order = compare(module_.types[a_ + i], module_.types[b_ + i]); order != 0) return order;
    return std::weak_ordering::equivalent;
  }

 private:
  /// A reference to `type` from the group at `group`.
  std::uint64_t place(std::uint32_t type, std::uint32_t group) const {
    if (type == TypeDef::kNone) return type;
    constexpr std::uint64_t kInside = 1ull << 32;
    return type >= group ? kInside | (type - group) : module_.canonical(type);
  }
  std::weak_ordering compare(ValType a, ValType b) const {
    if (const auto order = a.kind <=> b.kind; order != 0 || !a.is_ref()) return order;
    if (const auto order = a.nullable <=> b.nullable; order != 0) return order;
    if (!a.heap.is_index() || !b.heap.is_index()) return a.heap.code <=> b.heap.code;
    return place(a.heap.code, a_) <=> place(b.heap.code, b_);
  }
  std::weak_ordering compare(const std::vector<ValType>& a, const std::vector<ValType>& b) const {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                  [this](ValType x, ValType y) { return compare(x, y); });
  }
  std::weak_ordering compare(const TypeDef& a, const TypeDef& b) const {
    if (const auto order = a.kind <=> b.kind; order != 0) return order;
    if (const auto order = a.is_final <=> b.is_final; order != 0) return order;
    if (const auto order = place(a.super, a_) <=> place(b.super, b_); order != 0) return order;
    if (const auto order = compare(a.function.params, b.function.params); order != 0) return order;
    if (const auto order = compare(a.function.results, b.function.results); order != 0) return order;
    return std::lexicographical_compare_three_way(
        a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
        [this](const FieldType& x, const FieldType& y) -> std::weak_ordering {
          if (const auto order = x.packed <=> y.packed; order != 0) return order;
          if (const auto order = x.is_mutable <=> y.is_mutable; order != 0) return order;
          return compare(x.type, y.type);
        });
  }

  const Module& module_;
  const std::uint32_t a_, b_;
};

/// Fields in their order, so that those of a supertype lie where they lie in it.
void lay_out(TypeDef& type) {
  constexpr std::uint32_t kHeader = 8;
  if (type.kind != TypeDef::Kind::structure) return;
  std::uint32_t at = kHeader;
  type.offsets.reserve(type.fields.size());
  for (const FieldType& field : type.fields) {
    const std::uint32_t bytes = field_bytes(field), align = bytes < 8 ? bytes : 8;
    at = (at + align - 1) & ~(align - 1);
    type.offsets.push_back(at);
    at += bytes;
  }
  type.object_bytes = at;
}

}  // namespace

bool ModuleDecoder::GroupLess::operator()(std::uint32_t a, std::uint32_t b) const {
  return GroupComparison(module, a, b).run() < 0;
}

void ModuleDecoder::type_section() {
  const std::uint32_t n = count(kMaxTypes, "types");
  module_.types.reserve(n);
  GroupSet groups(GroupLess{module_});
  for (std::uint32_t i = 0; i < n && ok(); ++i) recursive_group(groups);
}

void ModuleDecoder::recursive_group(GroupSet& groups) {
  constexpr std::uint8_t kGroup = 0x4e;
  const std::uint32_t at = section_.position();
  std::uint32_t size = 1;
  if (section_.peek() == kGroup) {
    section_.byte();
    size = count(kMaxTypes, "types");
  }
  const auto begin = static_cast<std::uint32_t>(module_.types.size());
  if (ok() && begin + size > kMaxTypes) section_.fail(Error::Kind::limit, at, "too many types");
  if (!ok() || size == 0) return;
  known_types_ = begin + size;
  for (std::uint32_t i = 0; i < size && ok(); ++i) {
    TypeDef& type = module_.types.emplace_back();
    type.group_begin = begin;
    type.group_size = size;
    sub_type(type, begin + i);
  }
  if (!ok()) return;
  for (std::uint32_t i = begin; i < begin + size; ++i) lay_out(module_.types[i]);
  const auto [same, is_new] = groups.insert(begin);
  for (std::uint32_t i = begin; i < begin + size; ++i) {
    if (!is_new) module_.types[i].same_as = *same + (i - begin);
  }
  for (std::uint32_t i = begin; i < begin + size; ++i) {
    const TypeDef& type = module_.types[i];
    if (type.super == TypeDef::kNone) continue;
    const TypeDef& super = module_.types[type.super];
    if (super.is_final || !is_subtype(module_, type, super)) {
      invalid(at, with_number("sub type", i) + with_number(" does not match super type", type.super));
      return;
    }
  }
}

/// Spec 5.3.9: a composite type, with its supertypes if it has some or may have subtypes.
void ModuleDecoder::sub_type(TypeDef& type, std::uint32_t index) {
  constexpr std::uint8_t kSub = 0x50, kSubFinal = 0x4f;
  const std::uint32_t at = section_.position();
  if (const std::uint8_t form = section_.peek(); form == kSub || form == kSubFinal) {
    section_.byte();
    type.is_final = form == kSubFinal;
    const std::uint32_t supers = section_.u32();
    if (ok() && supers > 1) {
      invalid(at, "sub type with more than one super type");
      return;
    }
    if (supers == 1) type.super = this->index(index, "unknown type");
  }
  if (!ok()) return;
  if (type.super != TypeDef::kNone) {
    const TypeDef& super = module_.types[type.super];
    if (super.depth == kMaxSubtypeDepth) {
      section_.fail(Error::Kind::limit, at, "sub type hierarchy too deep");
      return;
    }
    type.depth = static_cast<std::uint8_t>(super.depth + 1);
    // Jump pointers (Myers 1983): any ancestor is found in a logarithmic number of steps.
    const std::uint32_t up = super.ancestor,
                        up_again = up == TypeDef::kNone ? up : module_.types[up].ancestor;
    const bool even =
        up_again != TypeDef::kNone &&
        super.depth - module_.types[up].depth == module_.types[up].depth - module_.types[up_again].depth;
    type.ancestor = even ? up_again : type.super;
  }
  composite_type(type);
}

void ModuleDecoder::composite_type(TypeDef& type) {
  const std::uint32_t at = section_.position();
  // The form is one byte of a signed number: a longer one is not it.
  if (section_.peek() >= 0x80) {
    section_.fail(Error::Kind::malformed, at, "integer representation too long");
    return;
  }
  switch (section_.byte()) {
    case 0x60: {
      FuncType& function = type.function;
      function.params.resize(count(kMaxParams, "parameters"));
      for (ValType& t : function.params) t = read_val_type(section_, known_types_);
      function.results.resize(count(kMaxResults, "results"));
      for (ValType& t : function.results) t = read_val_type(section_, known_types_);
      return;
    }
    case 0x5f: {
      type.kind = TypeDef::Kind::structure;
      type.fields.resize(count(kMaxStructFields, "fields"));
      for (FieldType& field : type.fields) {
        field = read_field_type(section_, known_types_);
        type.has_defaults = type.has_defaults && is_defaultable(field.type);
      }
      return;
    }
    case 0x5e:
      type.kind = TypeDef::Kind::array;
      type.fields.push_back(read_field_type(section_, known_types_));
      return;
    default: section_.fail(Error::Kind::malformed, at, "malformed definition type");
  }
}

}  // namespace nebulet::wasm
