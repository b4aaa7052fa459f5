// SPDX-License-Identifier: MIT
#include "wasm/runtime/extern_type.h"

#include <charconv>

#include "wasm/binary/subtype.h"

namespace nebulet::wasm {
namespace {

/// Spec 3.4.2: the given range lies inside the wanted one.
bool limits_match(const Limits& given, const Limits& wanted) {
  if (given.is_64 != wanted.is_64 || given.shared != wanted.shared || given.min < wanted.min) return false;
  return !wanted.has_max || (given.has_max && given.max <= wanted.max);
}

std::string number(std::uint64_t value) {
  char digits[20];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

std::string describe(const FuncType& type) {
  std::string text = "(func";
  auto list = [&](const char* word, const std::vector<ValType>& types) {
    if (types.empty()) return;
    text += word;
    for (const ValType& t : types) text += " " + type_name(t);
    text += ")";
  };
  list(" (param", type.params);
  list(" (result", type.results);
  return text + ")";
}

std::string describe(const Limits& limits) {
  std::string text = (limits.is_64 ? "i64 " : "") + number(limits.min);
  if (limits.has_max) text += " " + number(limits.max);
  if (limits.shared) text += " shared";
  return text;
}
std::string describe(const TableType& type) {
  return "(table " + describe(type.limits) + " " + type_name(type.element) + ")";
}
std::string describe(const MemoryType& type) {
  return "(memory " + describe(type.limits) + (type.page_log2 == 0 ? " (pagesize 1))" : ")");
}
std::string describe(const GlobalType& type) {
  return type.is_mutable ? "(global (mut " + type_name(type.type) + "))"
                         : "(global " + type_name(type.type) + ")";
}

}  // namespace

bool matches(const ModuleCode& code, const Import& import, const Extern& given) {
  if (given.kind != import.kind) return false;
  const Module& module = code.module();
  switch (import.kind) {
    case ExternKind::function:
      return is_subtype(*given.function->canonical, code.types()[module.functions[import.index].type]);
    case ExternKind::table: {
      const TableType type = given.table->type(), &wanted = module.tables[import.index].type;
      return type.element == canonical_type(wanted.element, code.types()) &&
             limits_match(type.limits, wanted.limits);
    }
    case ExternKind::memory:
      return given.memory->type().page_log2 == module.memories[import.index].page_log2 &&
             limits_match(given.memory->type().limits, module.memories[import.index].limits);
    case ExternKind::global: {
      const GlobalType &type = given.global->type, &wanted = module.globals[import.index].type;
      const ValType value = canonical_type(wanted.type, code.types());
      return type.is_mutable == wanted.is_mutable &&
             (type.is_mutable ? type.type == value : is_canonical_subtype(type.type, value));
    }
    case ExternKind::tag: return given.tag->type_id == code.type_id(module.tags[import.index].type);
  }
  return false;
}

std::string describe(const Extern& given) {
  switch (given.kind) {
    case ExternKind::function: return describe(*given.function->type);
    case ExternKind::table: return describe(given.table->type());
    case ExternKind::memory: return describe(given.memory->type());
    case ExternKind::global: return describe(given.global->type);
    case ExternKind::tag: return "(tag " + describe(*given.tag->type) + ")";
  }
  return {};
}

std::string describe_import(const Module& module, const Import& import) {
  switch (import.kind) {
    case ExternKind::function: return describe(module.type_of(import.index));
    case ExternKind::table: return describe(module.tables[import.index].type);
    case ExternKind::memory: return describe(module.memories[import.index]);
    case ExternKind::global: return describe(module.globals[import.index].type);
    case ExternKind::tag: return "(tag " + describe(module.func_type(module.tags[import.index].type)) + ")";
  }
  return {};
}

}  // namespace nebulet::wasm
