// SPDX-License-Identifier: MIT
#include "wasm/debug/source.h"

#include <algorithm>
#include <array>
#include <vector>

#include "wasm/debug/cursor.h"
#include "wasm/debug/inlined.h"
#include "wasm/debug/sections.h"

namespace nebulet::wasm::debug {
namespace {

constexpr std::size_t kMaxFile = 256;

/// One unit of .debug_line: its header, and the rows of its program.
class Unit {
 public:
  Unit(Cursor content, const Sections& sections, bool is64)
      : sections_(sections), content_(content), is64_(is64) {
    version_ = content_.u16();
    if (version_ < 2 || version_ > 5) return;
    if (version_ >= 5) content_.skip(2);  // sizes of addresses and of segment selectors
    const std::uint64_t header = offset(content_);
    tables_ = content_;
    content_.skip(header);  // now at the program
    minimum_ = tables_.u8();
    if (version_ >= 4) tables_.skip(1);  // operations in an instruction: wasm is no VLIW
    tables_.skip(1);                     // is_stmt
    line_base_ = static_cast<std::int8_t>(tables_.u8());
    line_range_ = tables_.u8();
    opcode_base_ = tables_.u8();
    for (unsigned i = 1; i < opcode_base_; ++i) lengths_[i] = tables_.u8();
    valid_ = content_.ok() && tables_.ok() && line_range_ != 0 && opcode_base_ >= 10;
  }

  /// Calls row(address, file, line, is_end) for each row.
  void rows(auto row) {
    if (!valid_) return;
    Cursor program = content_;
    std::uint64_t address = 0;
    std::uint32_t file = 1, line = 1;
    auto advance = [&](std::uint64_t n) { address += n * minimum_; };
    while (!program.at_end()) {
      const std::uint8_t op = program.u8();
      if (op >= opcode_base_) {
        const unsigned adjusted = op - opcode_base_;
        advance(adjusted / line_range_);
        line += static_cast<std::uint32_t>(line_base_ + static_cast<int>(adjusted % line_range_));
        row(address, file, line, false);
        continue;
      }
      switch (op) {
        case 0: {  // extended
          Cursor extended = program.part(program.uleb());
          const std::uint8_t code = extended.u8();
          if (code == 1) {
            row(address, file, line, true);
            address = 0, file = 1, line = 1;
          } else if (code == 2) {
            address = extended.left() == 8 ? extended.read<std::uint64_t>() : extended.u32();
          }
          break;
        }
        case 1: row(address, file, line, false); break;
        case 2: advance(program.uleb()); break;
        case 3: line += static_cast<std::uint32_t>(program.sleb()); break;
        case 4: file = static_cast<std::uint32_t>(program.uleb()); break;
        case 8: advance((255u - opcode_base_) / line_range_); break;
        case 9: address += program.u16(); break;
        default:
          for (unsigned i = 0; i < lengths_[op]; ++i) program.uleb();
          break;
      }
    }
  }

  std::string file_name(std::uint32_t number) const {
    Cursor at = tables_;
    std::string_view name, directory;
    if (version_ >= 5) {
      Cursor directories = at;
      skip_entries(at);
      std::uint64_t in = 0;
      name = entry(at, number, in);
      std::uint64_t ignored = 0;
      if (in != 0) directory = entry(directories, in, ignored);
    } else {
      Cursor directories = at;
      while (at.ok() && !at.string().empty()) {
      }
      std::uint64_t in = 0;
      for (std::uint32_t i = 1; at.ok(); ++i) {
        const std::string_view here = at.string();
        if (here.empty()) return {};
        in = at.uleb();
        at.uleb();
        at.uleb();
        if (i == number) {
          name = here;
          break;
        }
      }
      for (std::uint64_t i = 0; i < in && directories.ok(); ++i) directory = directories.string();
    }
    std::string whole;
    if (!directory.empty() && !name.starts_with('/')) whole.append(directory.substr(0, kMaxFile)).append("/");
    whole.append(name.substr(0, kMaxFile));
    if (whole.size() > kMaxFile) whole.erase(0, whole.size() - kMaxFile);
    for (char& c : whole)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return whole;
  }

 private:
  std::uint64_t offset(Cursor& at) const { return is64_ ? at.read<std::uint64_t>() : at.u32(); }
  static std::string_view string_at(std::span<const std::byte> section, std::uint64_t at) {
    Cursor cursor(section);
    cursor.seek(at);
    return cursor.string();
  }

  struct Format {
    std::array<std::uint64_t, 256> content, form;
    unsigned count = 0;
    std::uint64_t entries = 0;
  };
  static Format format(Cursor& at) {
    Format f;
    f.count = at.u8();
    for (unsigned i = 0; i < f.count; ++i) {
      f.content[i] = at.uleb();
      f.form[i] = at.uleb();
    }
    f.entries = at.uleb();
    // Every field takes at least a byte, so the number of entries is bounded by what is left.
    if (f.count == 0 || f.entries > at.left()) f.entries = 0;
    return f;
  }
  /// A field of any form: a text, or a number. False if the form is not one that line tables have.
  bool field(Cursor& at, std::uint64_t form, std::string_view& text, std::uint64_t& number) const {
    switch (form) {
      case 0x08: text = at.string(); return true;
      case 0x0e: text = string_at(sections_.str, offset(at)); return true;
      case 0x1f: text = string_at(sections_.line_str, offset(at)); return true;
      case 0x0b: number = at.u8(); return true;
      case 0x05: number = at.u16(); return true;
      case 0x06: number = at.u32(); return true;
      case 0x07: number = at.read<std::uint64_t>(); return true;
      case 0x0f: number = at.uleb(); return true;
      case 0x1e: at.skip(16); return true;  // an MD5
      case 0x09: at.skip(at.uleb()); return true;
      default: return false;
    }
  }
  void skip_entries(Cursor& at) const {
    std::uint64_t ignored = 0;
    entry(at, ~std::uint64_t{0}, ignored);
  }
  /// The path of entry `wanted`, and its directory; leaves `at` behind the table if there is no such entry.
  std::string_view entry(Cursor& at, std::uint64_t wanted, std::uint64_t& directory) const {
    const Format f = format(at);
    std::string_view path;
    for (std::uint64_t i = 0; i < f.entries && at.ok(); ++i) {
      for (unsigned k = 0; k < f.count; ++k) {
        // The texts of entries that nobody wants are not looked for: that would take time for each of them.
        const bool skip = i != wanted && (f.form[k] == 0x0e || f.form[k] == 0x1f);
        std::string_view text;
        std::uint64_t number = 0;
        if (skip)
          offset(at);
        else if (!field(at, f.form[k], text, number))
          return {};
        if (i == wanted && f.content[k] == 1) path = text;
        if (i == wanted && f.content[k] == 2) directory = number;
      }
      if (i == wanted) return path;
    }
    return {};
  }

  const Sections& sections_;
  Cursor content_, tables_;
  bool is64_, valid_ = false;
  std::uint16_t version_ = 0;
  std::uint8_t minimum_ = 1, line_range_ = 1, opcode_base_ = 10;
  std::int8_t line_base_ = 0;
  std::array<std::uint8_t, 256> lengths_{};
};

}  // namespace

void find_source_lines(std::span<const std::byte> module, std::span<const std::uint32_t> offsets,
                       std::span<SourceLine> lines) {
  const Sections sections = find_sections(module);
  struct Query {
    std::uint64_t address;
    std::size_t index;
  };
  std::vector<Query> queries;
  for (std::size_t i = 0; i < offsets.size(); ++i)
    if (offsets[i] >= sections.code) queries.push_back({offsets[i] - sections.code, i});
  std::ranges::sort(queries, {}, &Query::address);
  Cursor at(sections.line);
  while (!at.at_end() && !queries.empty()) {
    std::uint64_t length = at.u32();
    const bool is64 = length == 0xffffffff;
    if (is64) length = at.read<std::uint64_t>();
    Unit unit(at.part(length), sections, is64);
    struct Found {
      std::size_t index;
      std::uint32_t file, line;
    };
    std::vector<Found> found;
    std::uint64_t previous = 0;
    std::uint32_t file = 0, line = 0;
    bool in_sequence = false;
    unit.rows([&](std::uint64_t address, std::uint32_t next_file, std::uint32_t next_line, bool is_end) {
      // Code that the linker dropped has lines too, at address 0 or -1.
      if (in_sequence && address > previous && previous != 0) {
        auto query = std::ranges::lower_bound(queries, previous, {}, &Query::address);
        for (; query != queries.end() && query->address < address; ++query)
          // A hostile table names one address many times; the first one counts.
          if (lines[query->index].line == 0) {
            lines[query->index].line = line;
            found.push_back({query->index, file, line});
          }
      }
      previous = address;
      file = next_file;
      line = next_line;
      in_sequence = !is_end;
    });
    for (const Found& f : found) lines[f.index].file = unit.file_name(f.file);
  }
  for (SourceLine& line : lines)
    if (line.file.empty()) line.line = 0;
  std::vector<std::uint64_t> addresses;
  for (const Query& query : queries) addresses.push_back(query.address);
  const std::vector<std::string> chains = find_inlined(sections, addresses);
  for (std::size_t i = 0; i < queries.size(); ++i) lines[queries[i].index].inlined = chains[i];
}

}  // namespace nebulet::wasm::debug
