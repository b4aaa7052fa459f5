// SPDX-License-Identifier: MIT
// Matching of types (spec 3.3) between the types of one module, and their names in messages.
#pragma once

#include <string>

#include "wasm/binary/module.h"

namespace nebulet::wasm {

/// Whether type index `sub` is `super` or a declared subtype of it (spec 3.3.11). Takes few steps however
/// long the chain of supertypes is.
bool is_declared_subtype(const Module& module, std::uint32_t sub, std::uint32_t super);
/// The same between abstract heap types.
bool is_abstract_subtype(HeapType sub, HeapType super);
/// The abstract heap type directly above all types of a kind.
HeapType heap_of(TypeDef::Kind kind);
bool is_heap_subtype(const Module& module, HeapType sub, HeapType super);
bool is_ref_subtype(const Module& module, ValType sub, ValType super);

/// Whether a value of type `sub` may stand where `super` is expected (spec 3.3.6).
inline bool is_subtype(const Module& module, ValType sub, ValType super) {
  if (sub == super || sub.kind == ValType::Kind::bottom) [[likely]]
    return true;
  return sub.is_ref() && super.is_ref() && is_ref_subtype(module, sub, super);
}
/// Whether each is a subtype of the other.
inline bool is_equivalent(const Module& module, ValType a, ValType b) {
  return a == b || (is_subtype(module, a, b) && is_subtype(module, b, a));
}
bool is_subtype(const Module& module, std::span<const ValType> sub, std::span<const ValType> super);
/// Spec 3.3.10: depth and width subtyping of composite types.
bool is_subtype(const Module& module, const TypeDef& sub, const TypeDef& super);

/// The type of what is left of `from` where `to` did not match (spec 3.1.5).
constexpr ValType difference(ValType from, ValType to) {
  return to.nullable ? ref_type(from.heap, false) : from;
}
/// Whether a local of this type needs no value to start with (spec 3.3.1).
constexpr bool is_defaultable(ValType type) { return !type.is_ref() || type.nullable; }

/// In the words of the text format: "i32", "funcref", "(ref null 3)".
std::string type_name(ValType type);

}  // namespace nebulet::wasm
