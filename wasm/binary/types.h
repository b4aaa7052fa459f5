// SPDX-License-Identifier: MIT
// WebAssembly's types as the binary format has them (spec 5.3), and what a module declares with them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace nebulet::wasm {

/// Heap types (spec 2.3.3): an index into the module's types, or one of the abstract ones. In the types of
/// runtime objects, which belong to no module, the index is a canonical type id (wasm/runtime/types.h).
struct HeapType {
  /// A type index, or kAbstract | the type's byte in the binary format.
  std::uint32_t code = 0;
  static constexpr std::uint32_t kAbstract = 0x80000000;
  constexpr bool is_index() const { return !(code & kAbstract); }
  constexpr bool operator==(const HeapType&) const = default;
};
constexpr HeapType abstract_heap(std::uint8_t byte) { return {HeapType::kAbstract | byte}; }
constexpr HeapType kNoExnHeap = abstract_heap(0x74), kNoFuncHeap = abstract_heap(0x73),
                   kNoExternHeap = abstract_heap(0x72), kNoneHeap = abstract_heap(0x71),
                   kFuncHeap = abstract_heap(0x70), kExternHeap = abstract_heap(0x6f),
                   kAnyHeap = abstract_heap(0x6e), kEqHeap = abstract_heap(0x6d),
                   kI31Heap = abstract_heap(0x6c), kStructHeap = abstract_heap(0x6b),
                   kArrayHeap = abstract_heap(0x6a), kExnHeap = abstract_heap(0x69);
/// Below all others; exists only inside the validator, for unreachable code.
constexpr HeapType kBottomHeap = abstract_heap(0);

/// A value type (spec 5.3.5). `bottom` exists only inside the validator, for unreachable code.
struct ValType {
  enum class Kind : std::uint8_t {
    bottom = 0,
    i32 = 0x7f,
    i64 = 0x7e,
    f32 = 0x7d,
    f64 = 0x7c,
    v128 = 0x7b,
    ref = 0x64
  };
  Kind kind = Kind::bottom;
  bool nullable = false;  ///< references only
  HeapType heap{};        ///< references only
  constexpr bool is_ref() const { return kind == Kind::ref; }
  constexpr bool is_num() const {
    return kind == Kind::i32 || kind == Kind::i64 || kind == Kind::f32 || kind == Kind::f64;
  }
  constexpr bool operator==(const ValType&) const = default;
};
constexpr ValType kI32{ValType::Kind::i32}, kI64{ValType::Kind::i64}, kF32{ValType::Kind::f32},
    kF64{ValType::Kind::f64}, kV128{ValType::Kind::v128}, kFuncRef{ValType::Kind::ref, true, kFuncHeap},
    kExternRef{ValType::Kind::ref, true, kExternHeap};
constexpr ValType ref_type(HeapType heap, bool nullable) { return {ValType::Kind::ref, nullable, heap}; }

struct FuncType {
  std::vector<ValType> params, results;
  bool operator==(const FuncType&) const = default;
};

/// A field of a struct, or an array's elements (spec 2.3.8).
struct FieldType {
  enum class Packed : std::uint8_t { none, i8, i16 };
  ValType type;  ///< as instructions see it: i32 for packed ones
  Packed packed = Packed::none;
  bool is_mutable = false;
  constexpr bool operator==(const FieldType&) const = default;
};

/// Bytes of a field in an object; it is aligned to as many, but at most to 8.
constexpr std::uint32_t field_bytes(const FieldType& field) {
  if (field.packed != FieldType::Packed::none) return field.packed == FieldType::Packed::i8 ? 1 : 2;
  switch (field.type.kind) {
    case ValType::Kind::i64:
    case ValType::Kind::f64: return 8;
    case ValType::Kind::v128: return 16;
    default: return 4;
  }
}

/// One type of a module (spec 2.3.10): a composite type with its place in the hierarchy of subtypes.
struct TypeDef {
  enum class Kind : std::uint8_t { function, structure, array };
  static constexpr std::uint32_t kNone = 0xffffffff;

  TypeDef() = default;
  TypeDef(FuncType type) : function(std::move(type)) {}

  Kind kind = Kind::function;
  bool is_final = true;
  std::uint8_t depth = 0;         ///< number of supertypes, at most 63
  std::uint32_t super = kNone;    ///< the declared supertype; always a lower index
  bool has_defaults = true;       ///< structures: whether all fields have default values
  std::uint32_t group_begin = 0;  ///< its recursive group: the types [group_begin, group_begin + group_size)
  std::uint32_t group_size = 1;
  std::uint32_t same_as = kNone;   ///< the first type of the module that is equal (spec 3.3.2), if not itself
  std::uint32_t ancestor = kNone;  ///< some supertype further up, so that searches take few steps
  FuncType function;               ///< of a function type
  std::vector<FieldType> fields;   ///< of a structure; an array has one
  std::vector<std::uint32_t> offsets;  ///< of a structure's fields, from the start of its objects
  std::uint32_t object_bytes = 0;      ///< of a structure's objects
};

struct Limits {
  std::uint64_t min = 0;
  std::uint64_t max = 0;  ///< meaningful if has_max
  bool has_max = false;
  bool shared = false;
  bool is_64 = false;
};
struct MemoryType {
  Limits limits;                ///< in pages
  std::uint8_t page_log2 = 16;  ///< log2 of the page size: 16, or 0 (proposal custom-page-sizes)
  std::uint64_t page_size() const { return std::uint64_t{1} << page_log2; }
};
struct TableType {
  ValType element;
  Limits limits;
};
struct GlobalType {
  ValType type;
  bool is_mutable = false;
};

}  // namespace nebulet::wasm
