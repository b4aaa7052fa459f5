// SPDX-License-Identifier: MIT
#include "wasm/binary/subtype.h"

#include <algorithm>

#include "wasm/binary/reader.h"

namespace nebulet::wasm {
namespace {

bool is_field_subtype(const Module& module, const FieldType& sub, const FieldType& super) {
  if (sub.packed != super.packed || sub.is_mutable != super.is_mutable) return false;
  return sub.is_mutable ? is_equivalent(module, sub.type, super.type)
                        : is_subtype(module, sub.type, super.type);
}

}  // namespace

bool is_abstract_subtype(HeapType sub, HeapType super) {
  if (sub == super || sub == kBottomHeap) return true;
  const bool below_eq = sub == kI31Heap || sub == kStructHeap || sub == kArrayHeap;
  if (super == kAnyHeap) return below_eq || sub == kEqHeap || sub == kNoneHeap;
  if (super == kEqHeap) return below_eq || sub == kNoneHeap;
  if (super == kI31Heap || super == kStructHeap || super == kArrayHeap) return sub == kNoneHeap;
  if (super == kFuncHeap) return sub == kNoFuncHeap;
  if (super == kExternHeap) return sub == kNoExternHeap;
  if (super == kExnHeap) return sub == kNoExnHeap;
  return false;
}

HeapType heap_of(TypeDef::Kind kind) {
  switch (kind) {
    case TypeDef::Kind::function: return kFuncHeap;
    case TypeDef::Kind::structure: return kStructHeap;
    case TypeDef::Kind::array: return kArrayHeap;
  }
  return kFuncHeap;
}

bool is_declared_subtype(const Module& module, std::uint32_t sub, std::uint32_t super) {
  const std::uint8_t depth = module.types[super].depth;
  if (module.types[sub].depth < depth) return false;
  while (module.types[sub].depth > depth) {
    const TypeDef& type = module.types[sub];
    sub = type.ancestor != TypeDef::kNone && module.types[type.ancestor].depth >= depth ? type.ancestor
                                                                                        : type.super;
  }
  return module.canonical(sub) == module.canonical(super);
}

bool is_heap_subtype(const Module& module, HeapType sub, HeapType super) {
  if (sub == super) return true;
  if (!sub.is_index()) {
    if (!super.is_index()) return is_abstract_subtype(sub, super);
    if (sub == kBottomHeap) return true;
    return sub == (module.types[super.code].kind == TypeDef::Kind::function ? kNoFuncHeap : kNoneHeap);
  }
  if (super.is_index()) return is_declared_subtype(module, sub.code, super.code);
  return is_abstract_subtype(heap_of(module.types[sub.code].kind), super);
}

bool is_ref_subtype(const Module& module, ValType sub, ValType super) {
  return (super.nullable || !sub.nullable) && is_heap_subtype(module, sub.heap, super.heap);
}

bool is_subtype(const Module& module, std::span<const ValType> sub, std::span<const ValType> super) {
  return std::ranges::equal(sub, super, [&](ValType a, ValType b) { return is_subtype(module, a, b); });
}

bool is_subtype(const Module& module, const TypeDef& sub, const TypeDef& super) {
  if (sub.kind != super.kind) return false;
  if (sub.kind == TypeDef::Kind::function) {
    return is_subtype(module, super.function.params, sub.function.params) &&
           is_subtype(module, sub.function.results, super.function.results);
  }
  if (sub.fields.size() < super.fields.size()) return false;
  for (std::size_t i = 0; i < super.fields.size(); ++i)
    if (!is_field_subtype(module, sub.fields[i], super.fields[i])) return false;
  return true;
}

std::string type_name(ValType type) {
  switch (type.kind) {
    case ValType::Kind::i32: return "i32";
    case ValType::Kind::i64: return "i64";
    case ValType::Kind::f32: return "f32";
    case ValType::Kind::f64: return "f64";
    case ValType::Kind::v128: return "v128";
    case ValType::Kind::bottom: return "a value";
    case ValType::Kind::ref: break;
  }
  struct Name {
    HeapType heap;
    const char *heap_name, *short_name;
  };
  constexpr Name kNames[] = {
      {kFuncHeap, "func", "funcref"},       {kExternHeap, "extern", "externref"},
      {kAnyHeap, "any", "anyref"},          {kEqHeap, "eq", "eqref"},
      {kI31Heap, "i31", "i31ref"},          {kStructHeap, "struct", "structref"},
      {kArrayHeap, "array", "arrayref"},    {kExnHeap, "exn", "exnref"},
      {kNoneHeap, "none", "nullref"},       {kNoFuncHeap, "nofunc", "nullfuncref"},
      {kNoExnHeap, "noexn", "nullexnref"},  {kNoExternHeap, "noextern", "nullexternref"},
      {kBottomHeap, "bottom", "reference"},
  };
  std::string heap;
  for (const Name& name : kNames) {
    if (name.heap != type.heap) continue;
    if (type.nullable) return name.short_name;
    heap = name.heap_name;
  }
  if (type.heap.is_index()) heap = with_number("", type.heap.code).substr(1);
  return (type.nullable ? "(ref null " : "(ref ") + heap + ")";
}

}  // namespace nebulet::wasm
