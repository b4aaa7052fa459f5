// SPDX-License-Identifier: MIT
#include "tools/nebulet/inspect.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/suggest.h"
#include "wasm/compile.h"
#include "wasm/debug/source.h"
#include "wasm/frontend/build.h"
#include "wasm/ir/cfg.h"
#include "wasm/ir/print.h"
#include "wasm/opt/optimize.h"
#include "wasm/regalloc/print.h"
#include "wasm/regalloc/regalloc.h"
#include "wasm/x64/registers.h"
#include "wasm/x64/select.h"

namespace nebulet::tool {
namespace {

/// A decoded module and the bytes that it points into.
struct Loaded {
  std::vector<std::byte> bytes;
  wasm::Module module;
};

Result<Loaded> load(const std::string& path) {
  Loaded loaded{.bytes = TRY(read_module(path)), .module = {}};
  auto module = wasm::decode_module(loaded.bytes);
  if (!module) return fail("{}: at byte {:#x}: {}", path, module.error().offset, module.error().message);
  loaded.module = std::move(*module);
  return loaded;
}

std::string name_of(const wasm::ValType& type) {
  switch (type.kind) {
    case wasm::ValType::Kind::i32: return "i32";
    case wasm::ValType::Kind::i64: return "i64";
    case wasm::ValType::Kind::f32: return "f32";
    case wasm::ValType::Kind::f64: return "f64";
    case wasm::ValType::Kind::v128: return "v128";
    case wasm::ValType::Kind::ref:
      return type == wasm::kFuncRef ? "funcref" : type == wasm::kExternRef ? "externref" : "ref";
    case wasm::ValType::Kind::bottom: break;
  }
  return "?";
}

std::string name_of(const wasm::FuncType& type) {
  const auto list = [](const std::vector<wasm::ValType>& types) {
    std::string text;
    for (const wasm::ValType& t : types) text += (text.empty() ? "" : " ") + name_of(t);
    return "(" + text + ")";
  };
  return list(type.params) + " -> " + list(type.results);
}

const char* name_of(wasm::ExternKind kind) {
  constexpr const char* kNames[] = {"function", "table", "memory", "global", "tag"};
  return kNames[static_cast<int>(kind)];
}

std::string name_of_function(const wasm::Module& module, std::uint32_t index) {
  return index < module.function_names.size() ? std::string(module.function_names[index]) : std::string();
}

std::string limits_of(const wasm::Limits& limits) {
  return limits.has_max ? std::format("{} to {}", limits.min, limits.max)
                        : std::format("{} or more", limits.min);
}

template <class... A>
void line(std::format_string<A...> format, A&&... args) {
  const std::string text = std::format(format, std::forward<A>(args)...);
  std::printf("%s\n", text.c_str());
}

Result<std::uint32_t> find_function(const wasm::Module& module, const std::string& name) {
  std::uint32_t index = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (status != std::errc() || end != name.data() + name.size()) {
    const auto named = std::ranges::find(module.function_names, name);
    const auto exported = std::ranges::find_if(module.exports, [&](const wasm::Export& e) {
      return e.kind == wasm::ExternKind::function && e.name == name;
    });
    if (named != module.function_names.end()) {
      index = static_cast<std::uint32_t>(named - module.function_names.begin());
    } else if (exported != module.exports.end()) {
      index = exported->index;
    } else {
      return fail("no function is named {}", name);
    }
  }
  if (index >= module.functions.size())
    return fail("function {}: the module has {}", index, module.functions.size());
  if (index < module.imported_functions) return fail("function {} is imported and has no code here", index);
  return index;
}

/// llvm-mc's text of each instruction, with its bytes behind it; nothing if the program is not there.
std::vector<std::string> disassemble(std::span<const std::byte> bytes) {
  const auto path = std::filesystem::temp_directory_path() / std::format("nebulet-inspect-{}", ::getpid());
  std::string text;
  for (std::byte b : bytes) text += std::format("{:#04x} ", std::to_integer<unsigned>(b));
  std::vector<std::string> lines;
  if (!write_file(path.string(), std::as_bytes(std::span(text)))) return lines;
  const std::string command = std::format(
      "llvm-mc-19 --disassemble --triple=x86_64 -mattr=+avx2,+bmi,+bmi2,+lzcnt,+popcnt "
      "--output-asm-variant=1 --show-encoding {} 2>/dev/null",
      path.string());
  if (FILE* pipe = ::popen(command.c_str(), "r")) {
    char buffer[512];
    while (std::fgets(buffer, sizeof buffer, pipe)) {
      const std::string_view one(buffer);
      if (one.find("encoding: [") != std::string_view::npos)
        lines.emplace_back(one.substr(0, one.find('\n')));
    }
    ::pclose(pipe);
  }
  std::filesystem::remove(path);
  return lines;
}

void print_code(const wasm::CodeObject& code, const wasm::CodeFunction& function) {
  const auto text = std::span(code.text).subspan(function.begin, function.end - function.begin);
  line("code: {:#x} to {:#x}, frame of {} bytes", function.begin, function.end, function.frame);
  const auto lines = disassemble(text);
  if (lines.empty()) return line("llvm-mc-19 is not here to disassemble it ({} bytes)", text.size());
  std::uint32_t pc = function.begin;
  const auto at = [&](const auto& table, auto field) {
    const auto found = std::ranges::lower_bound(table, pc, {}, field);
    return found != table.end() && (*found).*field == pc ? &*found : nullptr;
  };
  for (const std::string& one : lines) {
    if (at(code.labels, &wasm::Label::pc)) line("{:x}:", pc);
    const auto encoding = one.find("encoding: [");
    std::string instruction = one.substr(0, one.find('#'));
    std::ranges::replace(instruction, '\t', ' ');
    std::string note;
    if (const auto* site = at(code.traps, &wasm::TrapSite::pc)) {
      note = std::format("; byte {:#x}: {}", site->position, wasm::ir::trap_text(site->trap));
    }
    line("  {:6x} {:<56}{}", pc, instruction, note);
    pc += static_cast<std::uint32_t>(std::ranges::count(one.substr(encoding), ',') + 1);
    if (const auto* call = at(code.calls, &wasm::CallSite::return_pc))
      line("         ; call at byte {:#x}", call->position);
  }
}

/// Stages of the compiler, in their order.
enum class Stage { ssa, optimized, selected, allocated, code };

Result<> inspect_module(const std::string& path) {
  const Loaded loaded = TRY(load(path));
  const wasm::Module& m = loaded.module;
  line("{} bytes, {} types, {} functions ({} imported), {} data segments", m.bytes.size(), m.types.size(),
       m.functions.size(), m.imported_functions, m.data.size());
  for (std::size_t i = 0; i < m.types.size(); ++i) line("type {}: {}", i, name_of(m.types[i].function));
  for (const wasm::Import& import : m.imports) {
    const std::string type =
        import.kind == wasm::ExternKind::function ? " " + name_of(m.type_of(import.index)) : "";
    line("import {} {}: {}.{}{}", name_of(import.kind), import.index, import.module, import.name, type);
  }
  for (const wasm::Export& item : m.exports)
    line("export {} {}: {}", name_of(item.kind), item.index, item.name);
  for (std::size_t i = 0; i < m.memories.size(); ++i)
    line("memory {}: {} pages", i, limits_of(m.memories[i].limits));
  for (std::size_t i = 0; i < m.tables.size(); ++i) {
    line("table {}: {} of {}", i, limits_of(m.tables[i].type.limits), name_of(m.tables[i].type.element));
  }
  for (std::size_t i = 0; i < m.globals.size(); ++i) {
    line("global {}: {}{}", i, m.globals[i].type.is_mutable ? "mutable " : "",
         name_of(m.globals[i].type.type));
  }
  std::vector<std::uint32_t> begins;
  for (std::uint32_t i = m.imported_functions; i < m.functions.size(); ++i)
    begins.push_back(m.functions[i].body_begin);
  std::vector<wasm::debug::SourceLine> lines(begins.size());
  wasm::debug::find_source_lines(m.bytes, begins, lines);
  for (std::uint32_t i = m.imported_functions; i < m.functions.size(); ++i) {
    const wasm::FunctionDecl& f = m.functions[i];
    const auto& source = lines[i - m.imported_functions];
    line("function {}: {} {} at byte {:#x}, {} bytes{}", i, name_of_function(m, i), name_of(m.type_of(i)),
         f.body_begin, f.body_end - f.body_begin,
         source.line == 0 ? "" : std::format(", {}:{}", source.file, source.line));
  }
  return {};
}

Result<> inspect_function(const std::string& path, const std::string& name, Stage stage) {
  const Loaded loaded = TRY(load(path));
  const wasm::Module& m = loaded.module;
  const std::uint32_t index = TRY(find_function(m, name));
  const auto refuse = [&](const wasm::Error& error) {
    return fail("{}: at byte {:#x}: {}", path, error.offset, error.message);
  };
  line("function {}: {} {}", index, name_of_function(m, index), name_of(m.type_of(index)));
  if (stage == Stage::code) {
    const auto code = wasm::compile_module(m);
    if (!code) return refuse(code.error());
    print_code(**code, (*code)->functions[index - m.imported_functions]);
    return {};
  }
  Arena arena;
  wasm::ir::Function function(arena);
  if (const auto built = wasm::build_function(m, index - m.imported_functions, function); !built)
    return refuse(built.error());
  if (stage == Stage::ssa) {
    wasm::ir::compute_cfg(function);
    std::printf("%s", wasm::ir::print(function).c_str());
    return {};
  }
  wasm::opt::optimize(function);
  if (stage == Stage::optimized) {
    std::printf("%s", wasm::ir::print(function).c_str());
    return {};
  }
  auto machine = wasm::x64::select(function, m, wasm::ContextLayout::of(m), arena);
  if (stage == Stage::selected) {
    std::printf("%s", wasm::regalloc::print(machine, nullptr).c_str());
    return {};
  }
  const auto allocation = wasm::regalloc::allocate(
      machine, {.allocatable = wasm::x64::kAllocatable, .vec_scratch = wasm::x64::kVecScratch}, arena);
  std::printf("%s", wasm::regalloc::print(machine, &allocation).c_str());
  return {};
}

}  // namespace

Result<> inspect(const InspectOptions& options) {
  if (options.function.empty()) return inspect_module(options.file);
  constexpr std::pair<std::string_view, Stage> kStages[] = {{"ssa", Stage::ssa},
                                                            {"optimized", Stage::optimized},
                                                            {"selected", Stage::selected},
                                                            {"allocated", Stage::allocated},
                                                            {"code", Stage::code}};
  const auto chosen = std::ranges::find(kStages, options.after, &std::pair<std::string_view, Stage>::first);
  if (chosen == std::end(kStages)) {
    std::vector<std::string_view> names;
    for (const auto& stage : kStages) names.push_back(stage.first);
    return fail("inspect --after {}: no such stage{}", options.after, did_you_mean(options.after, names));
  }
  return inspect_function(options.file, options.function, chosen->second);
}

}  // namespace nebulet::tool
