// SPDX-License-Identifier: MIT
// WebAssembly's types as the binary format has them (spec 5.3), and what a module declares with them.
#pragma once

#include <cstdint>
#include <vector>

namespace nebulet::wasm {

/// Heap types (spec 2.3.3): an index into the module's types, or one of the abstract ones.
struct HeapType {
  /// A type index, or kAbstract | the type's byte in the binary format.
  std::uint32_t code = 0;
  static constexpr std::uint32_t kAbstract = 0x80000000;
  constexpr bool is_index() const { return !(code & kAbstract); }
  constexpr bool operator==(const HeapType&) const = default;
};
constexpr HeapType kFuncHeap{HeapType::kAbstract | 0x70}, kExternHeap{HeapType::kAbstract | 0x6f};

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

struct FuncType {
  std::vector<ValType> params, results;
  bool operator==(const FuncType&) const = default;
};

struct Limits {
  std::uint64_t min = 0;
  std::uint64_t max = 0;  ///< meaningful if has_max
  bool has_max = false;
  bool shared = false;
  bool is_64 = false;
};
struct MemoryType {
  Limits limits;
};  ///< in pages of 64 KiB
struct TableType {
  ValType element;
  Limits limits;
};
struct GlobalType {
  ValType type;
  bool is_mutable = false;
};

}  // namespace nebulet::wasm
