// SPDX-License-Identifier: MIT
#include "wasm/verify/assemble.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <format>
#include <set>

#include "wasm/runtime/layout.h"

namespace nebulet::wasm::verify {
namespace {

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::abort();
}

std::vector<char> run_assembler(const std::string& source) {
  char in[] = P_tmpdir "/verify-XXXXXX";
  const int fd = mkstemp(in);
  const std::string text = ".intel_syntax noprefix\n" + source + "\n";
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    die("no temporary file");
  close(fd);
  const std::string command = std::format("llvm-mc-19 -triple=x86_64 -filetype=obj -o - {}", in);
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) die("cannot run llvm-mc-19");
  std::vector<char> object;
  char chunk[4096];
  for (std::size_t n; (n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;)
    object.insert(object.end(), chunk, chunk + n);
  const bool good = pclose(pipe) == 0;
  unlink(in);
  if (!good) die("llvm-mc-19 refuses the source");
  return object;
}

template <class T>
T read(const std::vector<char>& object, std::size_t at) {
  T value;
  if (at + sizeof value > object.size()) die("truncated object file");
  std::memcpy(&value, object.data() + at, sizeof value);
  return value;
}

/// The number behind ".x" in a symbol's name, or `missing`.
std::uint32_t part(const std::string& name, char key, int base, std::uint32_t missing = 0) {
  const std::size_t at = name.find(std::string(".") + key);
  return at == std::string::npos
             ? missing
             : static_cast<std::uint32_t>(std::strtoul(name.c_str() + at + 2, nullptr, base));
}

struct Symbol {
  std::string name;
  std::uint32_t value;
};

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

/// Appends `suffix` to all names that `source` defines, so that sources can stand in one file.
std::string with_suffix(const std::string& source, const std::string& suffix) {
  std::set<std::string> defined;
  std::string result;
  for (const bool collect : {true, false}) {
    bool set_directive = false;
    for (std::size_t at = 0; at < source.size();) {
      std::size_t end = at;
      while (end < source.size() && in_name(source[end])) end++;
      const std::string name = source.substr(at, end - at);
      if (name.empty()) {
        result += source[at++];
        continue;
      }
      at = end;
      if (collect && name != "gs" && name != "fs" &&
          (set_directive || (at < source.size() && source[at] == ':')))
        defined.insert(name);
      set_directive = name == ".set" || (set_directive && name.empty());
      result += name;
      if (defined.contains(name)) result += suffix;
    }
    if (collect) result.clear();
  }
  return result;
}

CodeObject build(std::vector<std::byte> bytes, std::vector<Symbol> symbols, const std::string& source) {
  std::stable_sort(symbols.begin(), symbols.end(),
                   [](const Symbol& a, const Symbol& b) { return a.value < b.value; });
  CodeObject code;
  std::size_t text_size = bytes.size();
  for (const Symbol& s : symbols)
    if (s.name.starts_with("RODATA")) text_size = s.value;
  code.text.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(text_size));
  code.rodata.assign(bytes.begin() + static_cast<std::ptrdiff_t>(text_size), bytes.end());
  code.text.resize((text_size + kCodePage - 1) / kCodePage * kCodePage, std::byte{0xcc});
  auto end_of = [&](char digit) {
    for (const Symbol& e : symbols)
      if (e.name[0] == 'E' && e.name[1] == digit) return e.value;
    die("function without an end:\n" + source);
  };
  for (const Symbol& s : symbols) {
    if (s.name.size() < 2 || !std::isdigit(static_cast<unsigned char>(s.name[1]))) continue;
    switch (s.name[0]) {
      case 'F':
        code.functions.push_back({s.value, end_of(s.name[1]), part(s.name, 'f', 10), part(s.name, 'a', 10),
                                  part(s.name, 'r', 10)});
        break;
      case 'L':
        code.labels.push_back({s.value, static_cast<std::uint16_t>(part(s.name, 'z', 16)),
                               static_cast<std::uint16_t>(part(s.name, 'B', 16)),
                               static_cast<std::uint16_t>(part(s.name, 'W', 16))});
        break;
      case 'T': code.traps.push_back({s.value, 0, static_cast<ir::Trap>(part(s.name, 'k', 10, 1))}); break;
      case 'C':
        code.calls.push_back({s.value, 0});
        if (const std::uint32_t number = part(s.name, 'h', 10))
          for (const Symbol& l : symbols)
            if (l.name.starts_with(std::format("L{}", number))) code.calls.back().handler = l.value;
        if (s.name.find(".i") != std::string::npos) code.calls.back().handler = s.value;
        break;
      case 'J':
        code.jump_tables.push_back({s.value - static_cast<std::uint32_t>(text_size), part(s.name, 'n', 10)});
        break;
      default: break;
    }
  }
  return code;
}

}  // namespace

CodeObject assemble(const std::string& source) {
  return std::move(assemble_all(std::span(&source, 1)).front());
}

std::vector<CodeObject> assemble_all(std::span<const std::string> sources) {
  std::string all;
  for (std::size_t i = 0; i < sources.size(); i++)
    all += std::format(".section .text.{},\"ax\"\n{}\n", i, with_suffix(sources[i], std::format("_{}", i)));
  const std::vector<char> object = run_assembler(all);
  const auto header = read<Elf64_Ehdr>(object, 0);
  std::vector<Elf64_Shdr> sections;
  for (unsigned i = 0; i < header.e_shnum; i++)
    sections.push_back(read<Elf64_Shdr>(object, header.e_shoff + i * sizeof(Elf64_Shdr)));
  const char* names = object.data() + sections[header.e_shstrndx].sh_offset;
  std::vector<std::vector<Symbol>> symbols(sections.size());
  for (const Elf64_Shdr& section : sections) {
    if (std::string_view(names + section.sh_name).starts_with(".rela.text"))
      die("unresolved symbol in the source");
    if (section.sh_type != SHT_SYMTAB) continue;
    const char* strings = object.data() + sections[section.sh_link].sh_offset;
    for (std::size_t at = 0; at < section.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = read<Elf64_Sym>(object, section.sh_offset + at);
      if (symbol.st_shndx < sections.size() && ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE)
        symbols[symbol.st_shndx].push_back(
            {strings + symbol.st_name, static_cast<std::uint32_t>(symbol.st_value)});
    }
  }
  std::vector<CodeObject> result(sources.size());
  for (std::size_t i = 0; i < sections.size(); i++) {
    const std::string_view name = names + sections[i].sh_name;
    if (!name.starts_with(".text.")) continue;
    const auto* begin = reinterpret_cast<const std::byte*>(object.data() + sections[i].sh_offset);
    const std::size_t which = std::strtoul(name.data() + 6, nullptr, 10);
    result[which] = build({begin, begin + sections[i].sh_size}, std::move(symbols[i]), sources[which]);
  }
  return result;
}

Module test_module(const std::vector<std::uint32_t>& defined) {
  Module m;
  m.types = {FuncType{}, FuncType{{kI32}, {kI32}}, FuncType{{kI64, kI32}, {kF64}},
             FuncType{std::vector<ValType>(10, kI32), std::vector<ValType>(9, kI32)}, FuncType{{}, {kI64}}};
  m.functions = {{1}, {3}};
  m.imported_functions = 2;
  for (std::uint32_t type : defined) m.functions.push_back({type});
  m.tables.resize(2);
  m.memories.resize(3);
  m.memories[2].limits.is_64 = true;
  m.globals = {{{kI32, true}, {}}, {{kI64, false}, {}}, {{kF64, true}, {}},  {{kI32, true}, {}},
               {{kF64, true}, {}}, {{kI32, false}, {}}, {{kV128, true}, {}}, {{kFuncRef, true}, {}}};
  m.imported_globals = 3;
  m.tags = {{1}, {3}};
  return m;
}

std::string test_symbols(const Module& m) {
  const ContextLayout l = ContextLayout::of(m);
  std::string s;
  auto set = [&](const char* name, std::uint64_t value) { s += std::format(".set {}, {}\n", name, value); };
  set("REF_BASE", offsetof(InstanceContext, ref_base));
  set("INSTANCE", offsetof(InstanceContext, instance));
  set("PAGES", l.memory_pages(0));
  set("BASE", l.memory_base(0));
  set("BASE1", l.memory_base(1));
  set("BASE2", l.memory_base(2));
  set("PAGES2", l.memory_pages(2));
  for (std::uint32_t i = 0; i < 2; i++) set(std::format("TABLE{}", i).c_str(), l.table(i));
  for (std::uint32_t i = 0; i < 2; i++) set(std::format("IMPORT{}", i).c_str(), l.import(i));
  for (std::uint32_t i = 0; i < m.globals.size(); i++) set(std::format("GLOBAL{}", i).c_str(), l.global(i));
  for (std::uint32_t i = 0; i < m.types.size(); i++)
    set(std::format("SIGNATURE{}", i).c_str(), l.signature(i));
  for (std::uint32_t i = 0; i < m.types.size(); i++) set(std::format("ABI{}", i).c_str(), l.abi(i));
  set("FUNCTIONS", offsetof(InstanceContext, functions));
  for (std::uint32_t i = 0; i < m.tags.size(); i++) set(std::format("TAG{}", i).c_str(), l.tag(i));
  set("THROW", 8 * static_cast<std::uint64_t>(Builtin::throw_));
  set("CATCH", 8 * static_cast<std::uint64_t>(Builtin::catch_));
  set("THROW_REF", 8 * static_cast<std::uint64_t>(Builtin::throw_ref));
  set("SIZE", l.size);
  set("MEMORY_GROW", 8 * static_cast<std::uint64_t>(Builtin::memory_grow));
  set("MEMORY_FILL", 8 * static_cast<std::uint64_t>(Builtin::memory_fill));
  set("TABLE_SET", 8 * static_cast<std::uint64_t>(Builtin::table_set));
  set("DATA_DROP", 8 * static_cast<std::uint64_t>(Builtin::data_drop));
  return s;
}

}  // namespace nebulet::wasm::verify
