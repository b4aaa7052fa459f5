// SPDX-License-Identifier: MIT
// A decoded module: what its sections declare. Function bodies stay in the bytes; the front end reads them
// there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wasm/binary/types.h"

namespace nebulet::wasm {

enum class ExternKind : std::uint8_t { function = 0, table = 1, memory = 2, global = 3, tag = 4 };

struct Import {
  std::string_view module, name;  ///< point into the module's bytes
  ExternKind kind;
  std::uint32_t index;         ///< in the index space of its kind
  std::uint32_t position = 0;  ///< byte offset in the module
};
struct Export {
  std::string_view name;
  ExternKind kind;
  std::uint32_t index;
};

/// A constant expression (spec 3.3.10), kept as its validated bytes with the `end`.
struct ConstExpr {
  std::uint32_t begin = 0, end = 0;  ///< byte range in the module
};

struct FunctionDecl {
  std::uint32_t type = 0;  ///< index in Module::types
  std::uint32_t body_begin = 0,
                body_end = 0;  ///< byte range of the body (locals and code) in the module; 0, 0 for imports
  bool declared = false;       ///< may be named by ref.func
};
struct TableDecl {
  TableType type;
  std::optional<ConstExpr> init;
};
struct GlobalDecl {
  GlobalType type;
  std::optional<ConstExpr> init;  ///< none for imports
};
/// A tag (spec 2.5.6); its type is a function type without results.
struct TagDecl {
  std::uint32_t type = 0;  ///< index in Module::types
};
struct ElementSegment {
  enum class Mode : std::uint8_t { active, passive, declarative } mode = Mode::passive;
  std::uint32_t table = 0;
  ConstExpr offset;  ///< active only
  ValType type;
  std::vector<std::uint32_t> functions;  ///< either function indices …
  std::vector<ConstExpr> expressions;    ///< … or expressions
  std::uint32_t size() const {
    return static_cast<std::uint32_t>(functions.empty() ? expressions.size() : functions.size());
  }
};
struct DataSegment {
  bool active = false;
  std::uint32_t memory = 0;
  ConstExpr offset;                  ///< active only
  std::uint32_t begin = 0, end = 0;  ///< byte range in the module
};

/// Index spaces hold imports first, then definitions (spec 2.5.1).
struct Module {
  std::span<const std::byte> bytes;  ///< the whole module; outlives this
  std::vector<TypeDef> types;
  std::vector<Import> imports;
  std::vector<Export> exports;
  std::vector<FunctionDecl> functions;
  std::vector<TableDecl> tables;
  std::vector<MemoryType> memories;
  std::vector<TagDecl> tags;
  std::vector<GlobalDecl> globals;
  std::vector<ElementSegment> elements;
  std::vector<DataSegment> data;
  std::uint32_t imported_functions = 0, imported_tables = 0, imported_memories = 0, imported_globals = 0,
                imported_tags = 0;
  std::optional<std::uint32_t> start;
  std::optional<std::uint32_t> data_count;
  std::string_view name;                         ///< from the name section; may be empty
  std::vector<std::string_view> function_names;  ///< by function index; empty where unknown; may be shorter

  const FuncType& type_of(std::uint32_t function) const { return func_type(functions[function].type); }
  /// The type with this index, which must be that of a function.
  const FuncType& func_type(std::uint32_t type) const { return types[type].function; }
  /// The same for equal types of the module and for no others.
  std::uint32_t canonical(std::uint32_t type) const {
    return types[type].same_as == TypeDef::kNone ? type : types[type].same_as;
  }
  /// The hierarchy that a heap type belongs to (spec 3.3.5): its top type any, func, extern or exn.
  HeapType top_of(HeapType heap) const;
  /// Whether references of this type are function references: indices in the store's function space.
  bool is_func_heap(HeapType heap) const { return top_of(heap) == kFuncHeap; }
  std::uint32_t defined_functions() const {
    return static_cast<std::uint32_t>(functions.size()) - imported_functions;
  }
};

inline HeapType Module::top_of(HeapType heap) const {
  if (heap.is_index()) return types[heap.code].kind == TypeDef::Kind::function ? kFuncHeap : kAnyHeap;
  if (heap == kFuncHeap || heap == kNoFuncHeap) return kFuncHeap;
  if (heap == kExternHeap || heap == kNoExternHeap) return kExternHeap;
  if (heap == kExnHeap || heap == kNoExnHeap) return kExnHeap;
  return kAnyHeap;
}

}  // namespace nebulet::wasm
