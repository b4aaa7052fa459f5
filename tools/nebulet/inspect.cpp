// SPDX-License-Identifier: MIT
#include "tools/nebulet/inspect.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/result.h"
#include "tools/nebulet/core_file.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/suggest.h"
#include "tools/nebulet/wasm_text.h"
#include "wasm/binary/reader.h"
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
      return fail("no function is named so{}", did_you_mean(name, module.function_names));
    }
  }
  if (index >= module.functions.size()) return fail("the module has {} functions", module.functions.size());
  if (index < module.imported_functions) return fail("function {} is imported and has no code", index);
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

/// " (file:line)" for each position in the module, if its DWARF knows.
std::vector<std::string> source_notes(const wasm::Module& module, std::span<const std::uint32_t> positions) {
  std::vector<wasm::debug::SourceLine> lines(positions.size());
  wasm::debug::find_source_lines(module.bytes, positions, lines);
  std::vector<std::string> notes;
  for (const auto& at : lines) notes.push_back(at.line == 0 ? "" : std::format(" ({}:{})", at.file, at.line));
  return notes;
}

void print_code(const wasm::Module& module, const wasm::CodeObject& code,
                const wasm::CodeFunction& function) {
  const auto text = std::span(code.text).subspan(function.begin, function.end - function.begin);
  line("code: {:#x} to {:#x}, frame of {} bytes", function.begin, function.end, function.frame);
  const auto lines = disassemble(text);
  if (lines.empty()) return line("llvm-mc-19 is not here to disassemble it ({} bytes)", text.size());
  const auto within = [&](std::uint32_t pc) { return pc >= function.begin && pc <= function.end; };
  std::vector<std::uint32_t> positions;
  for (const wasm::TrapSite& site : code.traps)
    if (within(site.pc)) positions.push_back(site.position);
  for (const wasm::CallSite& site : code.calls)
    if (within(site.return_pc)) positions.push_back(site.position);
  const std::vector<std::string> notes = source_notes(module, positions);
  const auto note_of = [&](std::uint32_t position) -> const std::string& {
    return notes[static_cast<std::size_t>(std::ranges::find(positions, position) - positions.begin())];
  };
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
      note = std::format("; byte {:#x}{}: {}", site->position, note_of(site->position),
                         wasm::ir::trap_text(site->trap));
    }
    line("  {:6x} {:<56}{}", pc, instruction, note);
    pc += static_cast<std::uint32_t>(std::ranges::count(one.substr(encoding), ',') + 1);
    if (const auto* call = at(code.calls, &wasm::CallSite::return_pc))
      line("         ; call at byte {:#x}{}", call->position, note_of(call->position));
  }
}

/// Spec 5.5.2: what a module that could be decoded consists of.
void print_sections(std::span<const std::byte> bytes) {
  constexpr std::string_view kNames[] = {"custom", "type",   "import",     "function", "table",
                                         "memory", "global", "export",     "start",    "element",
                                         "code",   "data",   "data count", "tag"};
  wasm::Reader reader(bytes, 8, static_cast<std::uint32_t>(bytes.size()));
  while (reader.ok() && !reader.at_end()) {
    const std::uint8_t id = reader.byte();
    const std::uint32_t size = reader.u32(), begin = reader.position();
    reader.skip(size);
    if (!reader.ok()) return;
    std::string name(id < std::size(kNames) ? kNames[id] : "unknown");
    if (id == 0) name += std::format(" `{}`", wasm::Reader(bytes, begin, begin + size).name());
    line("section {}: {} bytes at {:#x}", name, size, begin);
  }
}

Result<> inspect_module(const std::string& path) {
  const Loaded loaded = TRY(load(path));
  const wasm::Module& m = loaded.module;
  if (is_core_dump(m)) return print_core_dump(path, m);
  print_sections(m.bytes);
  line("{} bytes, {} types, {} functions ({} imported), {} data segments", m.bytes.size(), m.types.size(),
       m.functions.size(), m.imported_functions, m.data.size());
  for (std::size_t i = 0; i < m.types.size(); ++i) line("type {}: {}", i, type_text(m.types[i].function));
  for (const wasm::Import& import : m.imports) {
    const std::string type =
        import.kind == wasm::ExternKind::function ? " " + type_text(m.type_of(import.index)) : "";
    line("import {} {}: {}.{}{}", name_of(import.kind), import.index, import.module, import.name, type);
  }
  for (const wasm::Export& item : m.exports)
    line("export {} {}: {}", name_of(item.kind), item.index, item.name);
  for (std::size_t i = 0; i < m.memories.size(); ++i)
    line("memory {}: {} pages", i, limits_of(m.memories[i].limits));
  for (std::size_t i = 0; i < m.tables.size(); ++i) {
    line("table {}: {} of {}", i, limits_of(m.tables[i].type.limits), type_text(m.tables[i].type.element));
  }
  for (std::size_t i = 0; i < m.globals.size(); ++i) {
    line("global {}: {}{}", i, m.globals[i].type.is_mutable ? "mutable " : "",
         type_text(m.globals[i].type.type));
  }
  std::vector<std::uint32_t> begins;
  for (std::uint32_t i = m.imported_functions; i < m.functions.size(); ++i)
    begins.push_back(m.functions[i].body_begin);
  std::vector<wasm::debug::SourceLine> lines(begins.size());
  wasm::debug::find_source_lines(m.bytes, begins, lines);
  for (std::uint32_t i = m.imported_functions; i < m.functions.size(); ++i) {
    const wasm::FunctionDecl& f = m.functions[i];
    const auto& source = lines[i - m.imported_functions];
    line("function {}: {} {} at byte {:#x}, {} bytes{}", i, name_of_function(m, i), type_text(m.type_of(i)),
         f.body_begin, f.body_end - f.body_begin,
         source.line == 0 ? "" : std::format(", {}:{}", source.file, source.line));
  }
  return {};
}

/// The SSA form after a pass of the optimizer, and the passes' names.
struct Snapshot {
  std::string_view wanted;
  std::string text = {};
  std::vector<std::string_view> passes = {};
};

void take_snapshot(void* state, const char* pass, const wasm::ir::Function& function) {
  auto& snapshot = *static_cast<Snapshot*>(state);
  snapshot.passes.push_back(pass);
  if (snapshot.wanted == pass) snapshot.text = wasm::ir::print(function);
}

std::unexpected<Failure> unknown_stage(const std::string& after,
                                       const std::vector<std::string_view>& passes) {
  std::vector<std::string_view> names = {"wasm", "ssa"};
  names.insert(names.end(), passes.begin(), passes.end());
  names.insert(names.end(), {"optimized", "selected", "allocated", "code"});
  std::string list;
  for (std::string_view name : names) list += std::format("{}{}", list.empty() ? "" : ", ", name);
  return fail("inspect --after {}: no such stage{}; there are {}", after, did_you_mean(after, names), list);
}

Result<> inspect_function(const InspectOptions& options) {
  const Loaded loaded = TRY(load(options.file));
  const wasm::Module& m = loaded.module;
  const auto found = find_function(m, options.function);
  if (!found)
    return fail("{}: --func {}: {}; nebulet inspect {} lists them", options.file, options.function,
                found.error().message, options.file);
  const std::uint32_t index = *found, defined = index - m.imported_functions;
  const std::string& after = options.after;
  const auto refuse = [&](const wasm::Error& error) {
    return fail("{}: at byte {:#x}: {}", options.file, error.offset, error.message);
  };
  const auto title = [&] {
    line("function {}: {} {}", index, name_of_function(m, index), type_text(m.type_of(index)));
  };
  const auto print = [&](const std::string& text) {
    title();
    std::fputs(text.c_str(), stdout);
    return Result<>();
  };
  if (after == "wasm") return print(function_text(m, index));
  if (after == "code") {
    const auto code = wasm::compile_module(m);
    if (!code) return refuse(code.error());
    title();
    print_code(m, **code, (*code)->functions[defined]);
    return {};
  }
  Arena arena;
  wasm::ir::Function function(arena);
  if (const auto built = wasm::build_function(m, defined, function); !built) return refuse(built.error());
  if (after == "ssa") {
    wasm::ir::compute_cfg(function);
    return print(wasm::ir::print(function));
  }
  Snapshot snapshot{.wanted = after};
  wasm::opt::optimize(function, {.after = take_snapshot, .state = &snapshot});
  if (!snapshot.text.empty()) return print(snapshot.text);
  if (after == "optimized") return print(wasm::ir::print(function));
  if (after != "selected" && after != "allocated") return unknown_stage(after, snapshot.passes);
  auto machine = wasm::x64::select(function, m, wasm::ContextLayout::of(m), arena);
  if (after == "selected") return print(wasm::regalloc::print(machine, nullptr));
  const auto allocation = wasm::regalloc::allocate(
      machine, {.allocatable = wasm::x64::kAllocatable, .vec_scratch = wasm::x64::kVecScratch}, arena);
  return print(wasm::regalloc::print(machine, &allocation));
}

}  // namespace

Result<> inspect(const InspectOptions& options) {
  return options.function.empty() ? inspect_module(options.file) : inspect_function(options);
}

}  // namespace nebulet::tool
