// SPDX-License-Identifier: MIT
// Decodes and validates everything of a module but the function bodies (spec 5.5 and 3.4), section by
// section.
#pragma once

#include <set>
#include <vector>

#include "wasm/binary/module.h"
#include "wasm/binary/opcodes.h"
#include "wasm/binary/reader.h"

namespace nebulet::wasm {

/// Fills one Module. Every member function leaves its error in `reader_`, which then reads nothing more.
class ModuleDecoder {
 public:
  explicit ModuleDecoder(std::span<const std::byte> bytes)
      : reader_(bytes, 0, static_cast<std::uint32_t>(bytes.size())), section_(bytes, 0, 0) {
    module_.bytes = bytes;
  }
  Result<Module> decode();

 private:
  void header();
  void sections();
  void section(std::uint8_t id);
  void custom_section();
  void finish();

  /// Orders recursive groups, given by their first types, by structure.
  struct GroupLess {
    const Module& module;
    bool operator()(std::uint32_t a, std::uint32_t b) const;
  };
  using GroupSet = std::set<std::uint32_t, GroupLess>;

  void type_section();
  void recursive_group(GroupSet& groups);
  void sub_type(TypeDef& type, std::uint32_t index);
  void composite_type(TypeDef& type);
  void import_section();
  void function_section();
  void table_section();
  void tag_section();
  void memory_section();
  void global_section();
  void export_section();
  void start_section();
  void element_section();
  void data_count_section();
  void code_section();
  void data_section();

  std::uint32_t function_type();
  TagDecl tag_type();
  TableType table_type();
  MemoryType memory_type();
  std::uint32_t count(std::uint32_t limit, std::string_view what);
  void element_segment(ElementSegment& segment);
  /// Reads a constant expression of type `expected` and checks it (spec 3.3.10).
  ConstExpr const_expr(ValType expected);
  void const_instruction();
  void const_aggregate(Opcode op);
  bool const_pop(ValType expected);
  std::uint32_t index(std::size_t size, std::string_view unknown);
  void function_index(std::uint32_t& out);
  bool ok() const { return section_.ok(); }
  bool invalid(std::uint32_t at, std::string_view message) {
    return section_.fail(Error::Kind::invalid, at, message);
  }

  Reader reader_;   ///< the module: section headers
  Reader section_;  ///< the contents of the current section
  Module module_;
  std::uint32_t declared_bodies_ = 0, bodies_ = 0;
  std::uint32_t names_begin_ = 0, names_end_ = 0;  ///< the name section's contents
  std::vector<ValType> const_stack_;
  std::uint32_t known_types_ = 0;  ///< up to the end of the recursive group that is read
};

/// Reads the contents of a name section (spec 7.4.1) into the module. What is malformed is left out.
void decode_names(Module& module, std::uint32_t begin, std::uint32_t end);

}  // namespace nebulet::wasm
