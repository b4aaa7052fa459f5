// SPDX-License-Identifier: MIT
#include "tools/nebulet/core_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <format>
#include <optional>

#include "base/result.h"
#include "wasm/binary/reader.h"

namespace nebulet::tool {
namespace {

using wasm::Reader;

/// The content of a custom section; the module was decoded, so sections are whole.
std::optional<Reader> custom_section(const wasm::Module& module, std::string_view wanted) {
  constexpr std::uint32_t kHeader = 8;
  const auto size = static_cast<std::uint32_t>(module.bytes.size());
  Reader sections(module.bytes, std::min(kHeader, size), size);
  while (sections.ok() && !sections.at_end()) {
    const std::uint8_t id = sections.byte();
    const std::uint32_t length = sections.u32();
    const std::uint32_t begin = sections.skip(length);
    if (id != 0 || !sections.ok()) continue;
    Reader content(module.bytes, begin, begin + length);
    if (content.name() == wanted && content.ok()) return content;
  }
  return std::nullopt;
}

std::unexpected<Failure> damaged(const std::string& path, std::string_view section) {
  return fail("{}: the section {} of the core dump is damaged", path, section);
}

Result<std::vector<std::string>> names_of_modules(const std::string& path, const wasm::Module& module) {
  std::vector<std::string> names;
  auto reader = custom_section(module, "coremodules");
  if (!reader) return names;
  for (std::uint32_t count = reader->u32(); count > 0 && reader->ok(); --count) {
    reader->byte();
    names.emplace_back(reader->name());
  }
  if (!reader->ok()) return damaged(path, "coremodules");
  return names;
}

/// A value of a frame, or "?" where it is missing.
std::string value_of(Reader& reader) {
  switch (reader.byte()) {
    case 0x01: return "?";
    case 0x7f: return std::format("{}", reader.s32());
    case 0x7e: return std::format("{}", reader.s64());
    case 0x7d: return std::format("f32:{:x}", reader.f32());
    case 0x7c: return std::format("f64:{:x}", reader.f64());
    default: reader.malformed("a value of an unknown type"); return "";
  }
}

/// "3 missing" in place of three question marks.
std::string values_of(Reader& reader) {
  std::string text;
  std::uint32_t missing = 0;
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::string value = value_of(reader);
    if (value == "?")
      ++missing;
    else
      text += std::format(" {}={}", i, value);
  }
  if (missing != 0) text += std::format(" ({} missing)", missing);
  return text.empty() ? " none" : text;
}

Result<> print_stack(const std::string& path, const wasm::Module& module) {
  auto reader = custom_section(module, "corestack");
  if (!reader) return {};
  const std::vector<std::string> modules = TRY(names_of_modules(path, module));
  reader->byte();
  const std::string_view thread = reader->name();
  const std::uint32_t count = reader->u32();
  if (!reader->ok()) return damaged(path, "corestack");
  std::printf("\nstack of %.*s\n", static_cast<int>(thread.size()), thread.data());
  for (std::uint32_t i = 0; i < count && reader->ok(); ++i) {
    reader->byte();
    const std::uint32_t instance = reader->u32(), function = reader->u32(), offset = reader->u32();
    const std::string locals = values_of(*reader), operands = values_of(*reader);
    if (!reader->ok()) break;
    const std::string name =
        instance < modules.size() ? modules[instance] : std::format("instance {}", instance);
    std::printf("%4u  %s function %u + %#x, locals:%s\n", i, name.c_str(), function, offset, locals.c_str());
  }
  if (!reader->ok()) return damaged(path, "corestack");
  return {};
}

/// Lines like hexdump's: the first of a piece that are not all zero.
void print_bytes(std::uint64_t at, std::span<const std::byte> bytes) {
  constexpr std::size_t kShown = 4, kLine = 16;
  std::size_t shown = 0;
  for (std::size_t i = 0; i < bytes.size() && shown < kShown; i += kLine) {
    const auto piece = bytes.subspan(i, std::min(kLine, bytes.size() - i));
    if (std::ranges::all_of(piece, [](std::byte byte) { return byte == std::byte{}; })) continue;
    ++shown;
    std::string hex, text;
    for (const std::byte byte : piece) {
      const auto value = std::to_integer<unsigned char>(byte);
      hex += std::format(" {:02x}", value);
      text += std::isprint(value) != 0 ? static_cast<char>(value) : '.';
    }
    std::printf("    %8llx %-48s  %s\n", static_cast<unsigned long long>(at + i), hex.c_str(), text.c_str());
  }
}

void print_memories(const wasm::Module& module) {
  for (std::size_t i = 0; i < module.memories.size(); ++i) {
    std::uint64_t held = 0;
    for (const wasm::DataSegment& data : module.data)
      if (data.memory == i) held += data.end - data.begin;
    std::printf("\nmemory %zu: %llu pages, %llu bytes of it in the dump, the rest is zero\n", i,
                static_cast<unsigned long long>(module.memories[i].limits.min),
                static_cast<unsigned long long>(held));
    for (const wasm::DataSegment& data : module.data) {
      if (data.memory != i || !data.active) continue;
      Reader offset(module.bytes, data.offset.begin, data.offset.end);
      const bool wide = offset.byte() == 0x42;  // i64.const
      const std::uint64_t at =
          wide ? static_cast<std::uint64_t>(offset.s64()) : static_cast<std::uint32_t>(offset.s32());
      std::printf("  %#llx, %u bytes\n", static_cast<unsigned long long>(at), data.end - data.begin);
      print_bytes(at, module.bytes.subspan(data.begin, data.end - data.begin));
    }
  }
}

void print_globals(const wasm::Module& module) {
  if (!module.globals.empty()) std::printf("\nglobals\n");
  for (std::size_t i = 0; i < module.globals.size(); ++i) {
    const wasm::GlobalDecl& global = module.globals[i];
    if (!global.init) continue;
    Reader value(module.bytes, global.init->begin, global.init->end);
    std::string text;
    switch (value.byte()) {
      case 0x41: text = std::format("i32 {}", value.s32()); break;
      case 0x42: text = std::format("i64 {}", value.s64()); break;
      case 0x43: text = std::format("f32 bits {:#x}", value.f32()); break;
      case 0x44: text = std::format("f64 bits {:#x}", value.f64()); break;
      case 0xd0: text = "a reference"; break;
      default: text = "v128"; break;
    }
    std::printf("%4zu  %s\n", i, text.c_str());
  }
}

}  // namespace

void CoreFile::take(std::span<const std::byte> bytes) {
  if (error_ != 0) return;
  if (!file_) file_.reset(std::fopen(path_.c_str(), "we"));
  if (!file_ || std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) error_ = errno;
}

Result<> CoreFile::finish() {
  if (file_ && std::fclose(file_.release()) != 0 && error_ == 0) error_ = errno;
  if (error_ != 0) return fail("run --core {}: {}", path_, std::strerror(error_));
  return {};
}

bool is_core_dump(const wasm::Module& module) { return custom_section(module, "core").has_value(); }

Result<> print_core_dump(const std::string& path, const wasm::Module& module) {
  Reader core = *custom_section(module, "core");
  core.byte();
  const std::string_view name = core.name();
  if (!core.ok()) return damaged(path, "core");
  std::printf("core dump of %.*s\n", static_cast<int>(name.size()), name.data());
  if (auto report = custom_section(module, "nebulet.report")) {
    for (std::uint32_t count = report->u32(); count > 0 && report->ok(); --count) {
      const std::string_view line = report->name();
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    }
    if (!report->ok()) return damaged(path, "nebulet.report");
  }
  TRY(print_stack(path, module));
  print_globals(module);
  print_memories(module);
  return {};
}

}  // namespace nebulet::tool
