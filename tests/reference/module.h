// SPDX-License-Identifier: MIT
// A module as the reference interpreter decodes it, by a decoder of its own. Modules are valid: whoever calls
// it asked the product's validator (or another engine) before. What does not decode all the same is an error,
// never undefined behaviour.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/reference/types.h"

namespace nebulet::reference {

/// One instruction. What a, b and the immediates mean is written at the opcode in code.cpp.
struct Instr {
  std::uint32_t op = 0;  ///< the byte, or prefix << 12 | number
  std::uint32_t a = 0, b = 0;
  std::uint64_t imm = 0, imm2 = 0;
  ValType type{};
};

struct Catch {
  std::uint8_t kind = 0;  ///< 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref
  std::uint32_t tag = 0;
  std::uint32_t target = 0;  ///< try_table: label; legacy: position of the handler's first instruction
};

/// A body or a constant expression. Blocks refer to their end by position in `code`.
struct Body {
  std::vector<ValType> locals;  ///< without parameters
  std::vector<Instr> code;
  std::vector<std::vector<std::uint32_t>> branch_tables;
  std::vector<std::vector<Catch>> catches;  ///< of try_table and legacy try
};

enum class Kind : std::uint8_t { function, table, memory, global, tag };

struct Limits {
  std::uint64_t min = 0, max = 0;
  bool has_max = false, shared = false, is_64 = false;
  std::uint8_t page_log2 = 16;
};
struct TableType {
  ValType element;
  Limits limits;
};
struct GlobalType {
  ValType type;
  bool is_mutable = false;
};
struct Import {
  std::string module, name;
  Kind kind;
  std::uint32_t type = 0;  ///< functions and tags: type index
  TableType table;
  Limits memory;
  GlobalType global;
};
struct Export {
  std::string name;
  Kind kind;
  std::uint32_t index;
};
struct Table {
  TableType type;
  std::optional<Body> init;
};
struct Global {
  GlobalType type;
  Body init;
};
struct Element {
  enum class Mode : std::uint8_t { active, passive, declarative } mode = Mode::active;
  std::uint32_t table = 0;
  Body offset;
  ValType type;
  std::vector<Body> items;
};
struct Data {
  bool active = false;
  std::uint32_t memory = 0;
  Body offset;
  std::vector<std::uint8_t> bytes;
};

struct Module {
  std::vector<DefType> types;
  std::vector<std::uint32_t> groups;  ///< lengths of the recursive groups
  std::vector<Import> imports;
  std::vector<Export> exports;
  std::vector<std::uint32_t> function_types;  ///< of defined functions
  std::vector<Body> bodies;
  std::vector<Table> tables;
  std::vector<Limits> memories;
  std::vector<Global> globals;
  std::vector<std::uint32_t> tags;
  std::vector<Element> elements;
  std::vector<Data> data;
  std::optional<std::uint32_t> start;
};

/// A cursor over bytes; after the end or a bad number it is failed and reads zeros.
class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool ok() const { return !failed_; }
  bool at_end() const { return failed_ || at_ == bytes_.size(); }
  std::size_t position() const { return at_; }
  void fail() { failed_ = true; }
  std::uint8_t byte();
  std::uint8_t peek() const { return at_ < bytes_.size() ? bytes_[at_] : 0; }
  std::uint64_t unsigned_number();
  std::int64_t signed_number();
  std::uint32_t u32() { return static_cast<std::uint32_t>(unsigned_number()); }
  std::uint64_t fixed(unsigned bytes);
  std::string name();
  Bytes part(std::size_t size);
  std::span<const std::uint8_t> rest() const { return bytes_.subspan(at_); }
  ValType value_type();
  std::int64_t heap_type() { return signed_number(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

std::optional<Module> decode(std::span<const std::uint8_t> bytes);
/// Up to and with the end of the outermost block. `types` for the arities of blocks.
Body decode_expression(Bytes& bytes, std::span<const DefType> types);

}  // namespace nebulet::reference
