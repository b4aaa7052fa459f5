// SPDX-License-Identifier: MIT
// The reference interpreter: plain, slow, obviously right, for all of WebAssembly 3.0 on one thread. A judge
// of the engine in tests; no part of the product. Results that are NaN by arithmetic are the canonical NaN.
// Everything is bounded: steps, stack, memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/module.h"

namespace nebulet::reference {

/// Any value. Integers zero-extended and floats as bits in `low`; a reference in `low`: 0 null, bit 0 set:
/// i31 above it, bit 1 set: the host's number above two bits, otherwise an Object's address.
struct Value {
  std::uint64_t low = 0, high = 0;
  bool operator==(const Value&) const = default;
};

class Instance;
class Store;

struct TagInst {
  std::uint32_t type = 0;  ///< canonical
};

struct Object {
  enum class Kind : std::uint8_t { function, structure, array, exception } kind;
  std::uint32_t type = 0;     ///< canonical; not for exceptions
  std::vector<Value> fields;  ///< also an array's elements and an exception's values
  const TagInst* tag = nullptr;
};

/// How a call ended. `trap` is the official suite's text.
struct Outcome {
  enum class Kind : std::uint8_t { returned, trapped, thrown, out_of_fuel } kind = Kind::returned;
  const char* trap = nullptr;
  Object* exception = nullptr;
};

using HostFunction = std::function<Outcome(std::span<const Value> args, std::vector<Value>& results)>;

struct Function : Object {
  Instance* instance = nullptr;  ///< none: of the host
  std::uint32_t index = 0;
  const Body* body = nullptr;
  HostFunction host;
};

struct MemoryInst {
  Limits limits;
  std::vector<std::uint8_t> bytes;
  std::uint64_t pages() const { return bytes.size() >> limits.page_log2; }
};
struct TableInst {
  TableType type;  ///< resolved to canonical ids
  std::vector<std::uint64_t> elements;
};
struct GlobalInst {
  GlobalType type;
  Value value;
};

struct Extern {
  Kind kind = Kind::function;
  Function* function = nullptr;
  TableInst* table = nullptr;
  MemoryInst* memory = nullptr;
  GlobalInst* global = nullptr;
  TagInst* tag = nullptr;
};

class Instance {
 public:
  Module module;
  std::vector<std::uint32_t> types;  ///< canonical ids
  std::vector<Function*> functions;
  std::vector<TableInst*> tables;
  std::vector<MemoryInst*> memories;
  std::vector<GlobalInst*> globals;
  std::vector<TagInst*> tags;
  std::vector<std::vector<std::uint64_t>> elements;
  std::vector<std::vector<std::uint8_t>> data;

  std::optional<Extern> find_export(std::string_view name) const;
};

struct Limit {
  std::uint64_t steps = 1'000'000'000;
  std::uint32_t calls = 12'000;       ///< nested
  std::uint32_t values = 4'000'000;   ///< on the stack, with locals
  std::uint64_t memory = 1ull << 30;  ///< bytes of each linear memory
  std::uint32_t table = 10'000'000;   ///< elements of each table
  std::uint64_t heap = 1ull << 28;    ///< values in all objects
};

class Store {
 public:
  explicit Store(Limit limit = {}) : limit_(limit), steps_(limit.steps) {}

  /// The result of instantiation. Without instance: `error` says why the module could not be linked.
  struct Instantiated {
    Instance* instance = nullptr;
    Outcome outcome;  ///< of segments and the start function
    std::string error;
  };
  using Resolver = std::function<std::optional<Extern>(const Import&)>;
  Instantiated instantiate(Module module, const Resolver& resolve);
  Outcome invoke(Function& function, std::span<const Value> args, std::vector<Value>& results);
  /// Steps left for all that runs in this store.
  void set_fuel(std::uint64_t steps) { steps_ = steps; }

  Function* host_function(DefType type, HostFunction host);
  GlobalInst* host_global(GlobalType type, Value value);
  MemoryInst* host_memory(Limits limits);
  TableInst* host_table(TableType type);

  const TypeTable& types() const { return types_; }
  const DefType& type_of(const Function& function) const { return types_[function.type]; }
  /// Spec 4.2.2: whether `reference` is of the canonical type.
  bool has_type(std::uint64_t reference, const ValType& type) const;

 private:
  friend class Machine;
  bool matches(const Extern& item, const Import& import, const Instance& instance) const;
  std::string link(Instance& instance, const Resolver& resolve);
  Object* allocate(Object::Kind kind, std::uint32_t type, std::size_t fields);

  Limit limit_;
  std::uint64_t steps_;
  std::uint64_t heap_used_ = 0;
  TypeTable types_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<std::unique_ptr<Object>> objects_;
  std::vector<std::unique_ptr<Function>> functions_;
  std::vector<std::unique_ptr<MemoryInst>> memories_;
  std::vector<std::unique_ptr<TableInst>> tables_;
  std::vector<std::unique_ptr<GlobalInst>> globals_;
  std::vector<std::unique_ptr<TagInst>> tags_;
};

constexpr bool is_object(std::uint64_t reference) { return reference != 0 && (reference & 3) == 0; }
inline Object& object(std::uint64_t reference) { return *reinterpret_cast<Object*>(reference); }
inline std::uint64_t reference(const Object* o) { return reinterpret_cast<std::uint64_t>(o); }

// Pure instructions. Traps are texts, null is none.
const char* numeric(std::uint32_t op, std::vector<Value>& stack);
bool is_numeric(std::uint32_t op);
/// Vector instructions without memory.
void vector_instruction(const Instr& instr, std::vector<Value>& stack);

}  // namespace nebulet::reference
