// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "wasm/binary/limits.h"
#include "wasm/binary/module_decoder.h"
#include "wasm/binary/subtype.h"
#include "wasm/binary/type_reader.h"
#include "wasm/compile.h"

namespace nebulet::wasm {

Result<Module> decode_module(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxModuleBytes)
    return std::unexpected(Error{Error::Kind::limit, 0, "module too large"});
  return ModuleDecoder(bytes).decode();
}

Result<Module> ModuleDecoder::decode() {
  header();
  sections();
  if (!reader_.ok()) return std::unexpected(reader_.take_error());
  finish();
  if (!reader_.ok()) return std::unexpected(reader_.take_error());
  if (names_end_ != 0) decode_names(module_, names_begin_, names_end_);
  return std::move(module_);
}

void ModuleDecoder::header() {
  constexpr std::array<std::uint8_t, 4> kMagic{0, 'a', 's', 'm'}, kVersion{1, 0, 0, 0};
  reader_.set_end_message("unexpected end");
  for (const auto& [expected, message] :
       {std::pair{kMagic, "magic header not detected"}, {kVersion, "unknown binary version"}}) {
    const std::uint32_t at = reader_.position();
    std::array<std::uint8_t, 4> found{};
    for (auto& b : found) b = reader_.byte();
    if (reader_.ok() && found != expected) reader_.fail(Error::Kind::malformed, at, message);
  }
}

// Spec 5.5.2: each section at most once, in an order that is not that of the ids.
void ModuleDecoder::sections() {
  constexpr std::array<std::uint8_t, 14> kRank{0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};
  constexpr std::uint8_t kStart = 8;
  std::uint8_t last = 0;
  while (reader_.ok() && !reader_.at_end()) {
    const std::uint32_t at = reader_.position();
    const std::uint8_t id = reader_.byte();
    if (id >= kRank.size()) {
      reader_.fail(Error::Kind::malformed, at, "malformed section id");
      return;
    }
    const std::uint32_t size = reader_.u32();
    const std::uint32_t begin = reader_.skip(size);
    if (!reader_.ok()) return;
    if (id != 0) {
      if (kRank[id] <= last) {
        reader_.fail(Error::Kind::malformed, at,
                     id == kStart && kRank[id] == last ? "multiple start sections"
                                                       : "unexpected content after last section");
        return;
      }
      last = kRank[id];
    }
    section_ = Reader(module_.bytes, begin, begin + size);
    section(id);
    if (ok() && !section_.at_end()) section_.malformed("section size mismatch");
    if (!ok()) {
      const Error error = section_.take_error();
      reader_.fail(error.kind, error.offset, error.message);
    }
  }
}

void ModuleDecoder::section(std::uint8_t id) {
  switch (id) {
    case 0: return custom_section();
    case 1: return type_section();
    case 2: return import_section();
    case 3: return function_section();
    case 4: return table_section();
    case 5: return memory_section();
    case 6: return global_section();
    case 7: return export_section();
    case 8: return start_section();
    case 9: return element_section();
    case 10: return code_section();
    case 11: return data_section();
    case 12: return data_count_section();
    default: return tag_section();
  }
}

void ModuleDecoder::custom_section() {
  section_.set_end_message("unexpected end");
  const std::string_view name = section_.name();
  if (!ok()) return;
  if (name == "name") {
    names_begin_ = section_.position();
    names_end_ = names_begin_ + section_.remaining();
  }
  section_.skip(section_.remaining());
}

/// A vector's length. Memory is reserved by what the section can hold, not by what it claims.
std::uint32_t ModuleDecoder::count(std::uint32_t limit, std::string_view what) {
  const std::uint32_t at = section_.position();
  const std::uint32_t n = section_.u32();
  if (ok() && n > section_.remaining())
    section_.fail(Error::Kind::malformed, at, "unexpected end of section or function");
  if (ok() && n > limit) section_.fail(Error::Kind::limit, at, std::string("too many ").append(what));
  return ok() ? n : 0;
}

/// An index below `size`.
std::uint32_t ModuleDecoder::index(std::size_t size, std::string_view unknown) {
  const std::uint32_t at = section_.position();
  const std::uint32_t i = section_.u32();
  if (ok() && i >= size) invalid(at, with_number(unknown, i));
  return i;
}

void ModuleDecoder::function_index(std::uint32_t& out) {
  out = index(module_.functions.size(), "unknown function");
}

void ModuleDecoder::import_section() {
  const std::uint32_t n = count(kMaxImports, "imports");
  module_.imports.reserve(n);
  for (std::uint32_t i = 0; i < n && ok(); ++i) {
    Import import{};
    import.position = section_.position();
    import.module = section_.name();
    import.name = section_.name();
    const std::uint32_t at = section_.position();
    const std::uint8_t kind = section_.byte();
    if (!ok()) return;
    import.kind = static_cast<ExternKind>(kind);
    switch (import.kind) {
      case ExternKind::function:
        import.index = static_cast<std::uint32_t>(module_.functions.size());
        module_.functions.push_back({.type = function_type()});
        module_.imported_functions++;
        break;
      case ExternKind::table:
        import.index = static_cast<std::uint32_t>(module_.tables.size());
        module_.tables.push_back({table_type(), {}});
        module_.imported_tables++;
        break;
      case ExternKind::memory:
        import.index = static_cast<std::uint32_t>(module_.memories.size());
        module_.memories.push_back(memory_type());
        module_.imported_memories++;
        break;
      case ExternKind::global:
        import.index = static_cast<std::uint32_t>(module_.globals.size());
        module_.globals.push_back({read_global_type(section_, module_.types.size()), {}});
        module_.imported_globals++;
        break;
      case ExternKind::tag:
        import.index = static_cast<std::uint32_t>(module_.tags.size());
        module_.tags.push_back(tag_type());
        module_.imported_tags++;
        break;
      default: section_.fail(Error::Kind::malformed, at, "malformed import kind"); return;
    }
    module_.imports.push_back(import);
  }
  if (ok() && module_.memories.size() > kMaxMemories)
    section_.fail(Error::Kind::limit, section_.position(), "too many memories");
}

void ModuleDecoder::function_section() {
  const std::uint32_t n = count(kMaxFunctions, "functions");
  module_.functions.reserve(module_.functions.size() + n);
  for (std::uint32_t i = 0; i < n && ok(); ++i) module_.functions.push_back({.type = function_type()});
  declared_bodies_ = n;
}

/// The index of a function type.
std::uint32_t ModuleDecoder::function_type() {
  const std::uint32_t at = section_.position();
  const std::uint32_t type = index(module_.types.size(), "unknown type");
  if (ok() && module_.types[type].kind != TypeDef::Kind::function)
    invalid(at, with_number("type mismatch: not a function type:", type));
  return type;
}

// Spec 5.5.16, 3.4.4.
TagDecl ModuleDecoder::tag_type() {
  const std::uint32_t at = section_.position();
  if (section_.byte() != 0 && ok()) section_.fail(Error::Kind::malformed, at, "malformed tag attribute");
  const TagDecl tag{function_type()};
  if (ok() && !module_.func_type(tag.type).results.empty()) invalid(at, "non-empty tag result type");
  return tag;
}

void ModuleDecoder::tag_section() {
  const std::uint32_t n = count(kMaxTags, "tags");
  for (std::uint32_t i = 0; i < n && ok(); ++i) module_.tags.push_back(tag_type());
}

TableType ModuleDecoder::table_type() {
  const std::uint32_t at = section_.position();
  TableType type{read_ref_type(section_, module_.types.size()),
                 read_limits(section_, kLimitsMax | kLimits64)};
  if (!ok()) return type;
  if (!type.limits.is_64 &&
      (type.limits.min > kMaxTableSize || (type.limits.has_max && type.limits.max > kMaxTableSize)))
    invalid(at, "table size must be at most 2^32 - 1");
  else if (type.limits.has_max && type.limits.max < type.limits.min)
    invalid(at, "size minimum must not be greater than maximum");
  return type;
}

void ModuleDecoder::table_section() {
  const std::uint32_t n = count(kMaxTables, "tables");
  for (std::uint32_t i = 0; i < n && ok(); ++i) {
    TableDecl table;
    const std::uint32_t at = section_.position();
    // Spec 5.5.7: 0x40 0x00 announces an initializer.
    const bool has_init = section_.peek() == 0x40;
    if (has_init) {
      section_.byte();
      const std::uint32_t zero_at = section_.position();
      if (section_.byte() != 0 && ok()) section_.fail(Error::Kind::malformed, zero_at, "malformed table");
    }
    table.type = table_type();
    if (has_init && ok()) table.init = const_expr(table.type.element);
    if (!has_init && ok() && !is_defaultable(table.type.element))
      invalid(at, "type mismatch: a table of references that cannot be null needs an initializer");
    module_.tables.push_back(table);
  }
}

MemoryType ModuleDecoder::memory_type() {
  const std::uint32_t at = section_.position();
  const MemoryType type = read_memory_type(section_);
  if (!ok()) return type;
  const Limits& limits = type.limits;
  // In pages, the address space; of single bytes, one less, so that the number of pages is an address.
  const std::uint64_t most = limits.is_64 ? (type.page_log2 ? kMaxMemory64Pages : ~std::uint64_t{0})
                                          : (type.page_log2 ? kMaxMemoryPages : 0xffffffff);
  if (limits.min > most || (limits.has_max && limits.max > most))
    invalid(at, limits.is_64     ? "memory size must be at most 2^48 pages"
                : type.page_log2 ? "memory size must be at most 65536 pages (4GiB)"
                                 : "memory size must be at most 2^32 - 1 pages");
  else if (limits.has_max && limits.max < limits.min)
    invalid(at, "size minimum must not be greater than maximum");
  else if (limits.shared && !limits.has_max)
    invalid(at, "shared memory must have maximum");
  return type;
}

void ModuleDecoder::memory_section() {
  const std::uint32_t at = section_.position();
  const std::uint32_t n = count(kMaxMemories, "memories");
  for (std::uint32_t i = 0; i < n && ok(); ++i) module_.memories.push_back(memory_type());
  if (ok() && module_.memories.size() > kMaxMemories)
    section_.fail(Error::Kind::limit, at, "too many memories");
}

void ModuleDecoder::global_section() {
  const std::uint32_t n = count(kMaxGlobals, "globals");
  module_.globals.reserve(module_.globals.size() + n);
  for (std::uint32_t i = 0; i < n && ok(); ++i) {
    GlobalDecl global;
    global.type = read_global_type(section_, module_.types.size());
    global.init = const_expr(global.type.type);
    module_.globals.push_back(global);  // after its initializer, which may name only earlier ones
  }
}

void ModuleDecoder::export_section() {
  const std::uint32_t n = count(kMaxExports, "exports");
  module_.exports.reserve(n);
  for (std::uint32_t i = 0; i < n && ok(); ++i) {
    Export exported{};
    exported.name = section_.name();
    const std::uint32_t at = section_.position();
    exported.kind = static_cast<ExternKind>(section_.byte());
    if (!ok()) return;
    switch (exported.kind) {
      case ExternKind::function:
        function_index(exported.index);
        if (ok()) module_.functions[exported.index].declared = true;
        break;
      case ExternKind::table: exported.index = index(module_.tables.size(), "unknown table"); break;
      case ExternKind::memory: exported.index = index(module_.memories.size(), "unknown memory"); break;
      case ExternKind::global: exported.index = index(module_.globals.size(), "unknown global"); break;
      case ExternKind::tag: exported.index = index(module_.tags.size(), "unknown tag"); break;
      default: section_.fail(Error::Kind::malformed, at, "malformed export kind"); return;
    }
    module_.exports.push_back(exported);
  }
  std::vector<std::string_view> names;
  names.reserve(module_.exports.size());
  for (const Export& e : module_.exports) names.push_back(e.name);
  std::sort(names.begin(), names.end());
  if (ok() && std::adjacent_find(names.begin(), names.end()) != names.end())
    invalid(section_.position(), "duplicate export name");
}

void ModuleDecoder::start_section() {
  const std::uint32_t at = section_.position();
  std::uint32_t function = 0;
  function_index(function);
  if (!ok()) return;
  const FuncType& type = module_.type_of(function);
  if (!type.params.empty() || !type.results.empty()) invalid(at, "start function");
  module_.start = function;
}

// A wrong number of bodies is reported last, as everything else is wrong with more precision.
void ModuleDecoder::code_section() {
  bodies_ = section_.u32();
  for (std::uint32_t i = 0; i < bodies_ && ok(); ++i) {
    const std::uint32_t size_at = section_.position();
    const std::uint32_t size = section_.u32();
    const std::uint32_t begin = section_.skip(size);
    if (ok() && size > kMaxBodyBytes) section_.fail(Error::Kind::limit, size_at, "function body too large");
    if (!ok()) return;
    if (i >= declared_bodies_) continue;
    FunctionDecl& function = module_.functions[module_.imported_functions + i];
    function.body_begin = begin;
    function.body_end = begin + size;
  }
}

/// What only the whole module shows.
void ModuleDecoder::finish() {
  if (bodies_ != declared_bodies_)
    reader_.malformed("function and code section have inconsistent lengths");
  else if (module_.data_count && *module_.data_count != module_.data.size())
    reader_.malformed("data count and data section have inconsistent lengths");
}

}  // namespace nebulet::wasm
