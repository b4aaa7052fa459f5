// SPDX-License-Identifier: MIT
// Instances and what they share. A Store is one process's world: references, tables, memories and globals of
// one store mean nothing in another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wasm/error.h"
#include "wasm/ir/ir.h"
#include "wasm/runtime/code.h"
#include "wasm/runtime/function_table.h"
#include "wasm/runtime/host.h"
#include "wasm/runtime/layout.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/table.h"

namespace nebulet::wasm {

using ir::Trap;
class Exceptions;
class Instance;
class Store;
class StoreGc;

/// Any wasm value: integers and references zero-extended in `low`, floats as their bits, v128 in both.
struct Value {
  std::uint64_t low = 0, high = 0;
};

/// A function that can be imported, put into tables and called from C++. The FuncTarget is what the stubs
/// read.
struct Function : FuncTarget {
  const FuncType* type = nullptr;  ///< of the module that defines it, whose type indices it has
  const CanonicalType* canonical = nullptr;
  bool is_host = false;
  Instance* instance = nullptr;  ///< nullptr for host functions
  std::uint32_t index = 0;       ///< in the instance's function index space
};

/// A global's cell lies in the context of the instance that defines it, or here for a global of the host.
struct Global {
  GlobalType type;  ///< with canonical type ids
  Value* cell = nullptr;
  Value own;
};

/// What an exception is of (spec 4.2.10). Two tags of equal type are different.
struct Tag {
  const FuncType* type = nullptr;  ///< its parameters are the payload
  std::uint32_t type_id = 0;
  std::uint32_t id = 0;           ///< unique in the store; what generated code compares
  std::uint32_t stack_bytes = 0;  ///< of the payload, where it is passed like arguments
  bool any_traced = false;
  std::vector<bool> traced;  ///< by value of the payload: a reference that the garbage collector follows
};

/// Something that can be imported or exported; exactly the member of its kind is set.
struct Extern {
  ExternKind kind = ExternKind::function;
  Function* function = nullptr;
  Table* table = nullptr;
  Memory* memory = nullptr;
  Global* global = nullptr;
  Tag* tag = nullptr;

  static Extern of(Function& f) { return {.kind = ExternKind::function, .function = &f}; }
  static Extern of(Table& t) { return {.kind = ExternKind::table, .table = &t}; }
  static Extern of(Memory& m) { return {.kind = ExternKind::memory, .memory = &m}; }
  static Extern of(Global& g) { return {.kind = ExternKind::global, .global = &g}; }
  static Extern of(Tag& t) { return {.kind = ExternKind::tag, .tag = &t}; }
};

/// A host function's C++ function, called as code(owner, caller, a0 …): integer and reference arguments in
/// order, then floats in xmm0-7. At most 8 floating-point and any number of other parameters, at most one
/// result, no v128. It runs on the thread's kernel stack.
using HostCode = void (*)();
template <class R, class... Args>
HostCode host_code(R (*function)(void* owner, InstanceContext* caller, Args...)) {
  return reinterpret_cast<HostCode>(function);
}

/// One module instance. Lives as long as its store.
class Instance {
 public:
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  Store& store() const { return store_; }
  const ModuleCode& code() const { return *code_; }
  const Module& module() const { return code_->module(); }
  InstanceContext* context() const { return context_; }
  static Instance& of(InstanceContext* context) { return *static_cast<Instance*>(context->instance); }

  std::optional<Extern> find_export(std::string_view name);
  /// An item of module().exports.
  Extern exported(const Export& item);
  Function& function(std::uint32_t index);
  Memory* memory(std::uint32_t index = 0) { return index < memories_.size() ? memories_[index] : nullptr; }
  Table& table(std::uint32_t index) { return *tables_[index]; }
  Global& global(std::uint32_t index);
  Value& global_cell(std::uint32_t index);
  const Tag& tag(std::uint32_t index) const { return *tags_[index]; }
  std::uint32_t tags() const { return static_cast<std::uint32_t>(tags_.size()); }
  std::uint32_t ref_base() const { return context_->ref_base; }
  std::uint32_t tables() const { return static_cast<std::uint32_t>(tables_.size()); }

  // Segments; a dropped one has length 0.
  std::span<const std::byte> data(std::uint32_t segment) const;
  void drop_data(std::uint32_t segment) { data_dropped_[segment] = 1; }
  std::span<const std::uint32_t> elements(std::uint32_t segment) const { return elements_[segment]; }
  void drop_elements(std::uint32_t segment);
  /// Of a structure or array type; 0 for others.
  std::uint32_t gc_record(std::uint32_t type) const {
    return type < gc_allocations_.size() ? gc_allocations_[type].record : 0;
  }

 private:
  friend class Store;
  friend class StoreGc;
  friend class Instantiation;
  Instance(Store& store, ModuleCodeRef code);

  Store& store_;
  const ModuleCodeRef code_;
  std::unique_ptr<std::byte[]> context_memory_;
  InstanceContext* context_ = nullptr;
  std::vector<Memory*> memories_;
  std::vector<Table*> tables_;
  std::vector<Function*> imported_functions_;
  std::vector<std::unique_ptr<Function>> functions_;  ///< defined ones, made when first asked for
  std::vector<std::unique_ptr<Global>> globals_;      ///< handles, made when first asked for
  std::vector<Global*> imported_globals_;
  std::vector<Tag*> tags_;
  std::vector<std::vector<std::uint32_t>> elements_;
  std::vector<std::uint8_t> data_dropped_;
  std::vector<GcAllocation> gc_allocations_;  ///< by type, in modules that have objects
  std::uint64_t charged_ = 0;
};

/// The result of instantiation: the start function is still to be called, or a segment trapped (the instance
/// then exists, and what was written stays written, spec 4.5.4).
struct Instantiated {
  Instance* instance = nullptr;
  std::optional<Trap> trap;
  std::string segment;  ///< the one that trapped: "data segment 2"
};

/// Owner of everything a process's instances share. One thread at a time instantiates and grows.
class Store {
 public:
  explicit Store(Host& host);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  Host& host() { return host_; }

  /// `imports` in the order of the module's imports. Checks their types, allocates, runs segments; runs no
  /// wasm code.
  Result<Instantiated> instantiate(ModuleCodeRef code, std::span<const Extern> imports);

  // Things of the host; they live as long as the store.
  Result<Extern> host_function(FuncType type, HostCode code, void* owner);
  Result<Extern> host_global(GlobalType type, Value value);
  Result<Extern> host_memory(MemoryType type);
  Result<Extern> host_table(TableType type);
  Result<Extern> host_tag(FuncType type);

  /// The table of all functions that references can name, for calls by reference.
  FunctionTable& function_table() { return function_table_; }
  /// The heap of objects; nullptr until something needs it.
  StoreGc* gc() { return gc_.get(); }
  /// Makes it if there is none; nullptr: no address space or memory.
  StoreGc* make_gc();
  /// A reference in a table or segment is about to be overwritten.
  void forget_reference(std::uint32_t ref);

  /// The function that a function reference names; nullptr for null.
  Function* function(std::uint32_t ref);
  Exceptions& exceptions() { return *exceptions_; }

 private:
  friend class Instantiation;
  friend class StoreGc;
  Tag& make_tag(const FuncType& type, std::uint32_t type_id, const Module* module);
  Host& host_;
  std::vector<std::unique_ptr<Instance>> instances_;  ///< ascending by ref_base
  std::vector<std::unique_ptr<Memory>> memories_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<std::unique_ptr<Global>> globals_;
  std::vector<std::unique_ptr<Tag>> tags_;
  std::unique_ptr<Exceptions> exceptions_;
  std::vector<std::unique_ptr<Function>> host_functions_;
  struct HostType {
    FuncType type;
    HeldTypes held;
  };
  std::vector<std::unique_ptr<HostType>> host_types_;
  FunctionTable function_table_;
  std::unique_ptr<StoreGc> gc_;
  std::uint32_t next_ref_ = 1;
};

}  // namespace nebulet::wasm
