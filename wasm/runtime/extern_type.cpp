// SPDX-License-Identifier: MIT
#include "wasm/runtime/extern_type.h"

#include <charconv>

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

std::string describe(const ValType& type) {
  switch (type.kind) {
    case ValType::Kind::i32: return "i32";
    case ValType::Kind::i64: return "i64";
    case ValType::Kind::f32: return "f32";
    case ValType::Kind::f64: return "f64";
    case ValType::Kind::v128: return "v128";
    case ValType::Kind::ref: {
      if (type == kFuncRef) return "funcref";
      if (type == kExternRef) return "externref";
      std::string heap = type.heap.is_index()       ? number(type.heap.code)
                         : type.heap == kFuncHeap   ? "func"
                         : type.heap == kExternHeap ? "extern"
                                                    : "heap type " + number(type.heap.code & 0xff);
      return (type.nullable ? "(ref null " : "(ref ") + heap + ")";
    }
    case ValType::Kind::bottom: break;
  }
  return "bottom";
}

std::string describe(const FuncType& type) {
  std::string text = "(func";
  auto list = [&](const char* word, const std::vector<ValType>& types) {
    if (types.empty()) return;
    text += word;
    for (const ValType& t : types) text += " " + describe(t);
    text += ")";
  };
  list(" (param", type.params);
  list(" (result", type.results);
  return text + ")";
}

std::string describe(const Limits& limits) {
  std::string text = number(limits.min);
  if (limits.has_max) text += " " + number(limits.max);
  if (limits.shared) text += " shared";
  return text;
}
std::string describe(const TableType& type) {
  return "(table " + describe(type.limits) + " " + describe(type.element) + ")";
}
std::string describe(const MemoryType& type) { return "(memory " + describe(type.limits) + ")"; }
std::string describe(const GlobalType& type) {
  return type.is_mutable ? "(global (mut " + describe(type.type) + "))"
                         : "(global " + describe(type.type) + ")";
}

}  // namespace

bool matches(const ModuleCode& code, const Import& import, const Extern& given) {
  if (given.kind != import.kind) return false;
  const Module& module = code.module();
  switch (import.kind) {
    case ExternKind::function:
      return given.function->type_id == code.type_id(module.functions[import.index].type);
    case ExternKind::table: {
      const TableType type = given.table->type(), &wanted = module.tables[import.index].type;
      return type.element == wanted.element && limits_match(type.limits, wanted.limits);
    }
    case ExternKind::memory:
      return limits_match(given.memory->type().limits, module.memories[import.index].limits);
    case ExternKind::global: {
      const GlobalType &type = given.global->type, &wanted = module.globals[import.index].type;
      return type.type == wanted.type && type.is_mutable == wanted.is_mutable;
    }
    case ExternKind::tag: return false;
  }
  return false;
}

std::string describe(const Extern& given) {
  switch (given.kind) {
    case ExternKind::function: return describe(*given.function->type);
    case ExternKind::table: return describe(given.table->type());
    case ExternKind::memory: return describe(given.memory->type());
    case ExternKind::global: return describe(given.global->type);
    case ExternKind::tag: break;
  }
  return "(tag)";
}

std::string describe_import(const Module& module, const Import& import) {
  switch (import.kind) {
    case ExternKind::function: return describe(module.type_of(import.index));
    case ExternKind::table: return describe(module.tables[import.index].type);
    case ExternKind::memory: return describe(module.memories[import.index]);
    case ExternKind::global: return describe(module.globals[import.index].type);
    case ExternKind::tag: break;
  }
  return "(tag)";
}

}  // namespace nebulet::wasm
