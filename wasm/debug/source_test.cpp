// SPDX-License-Identifier: MIT
#include "wasm/debug/source.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nebulet::wasm::debug {
namespace {

using Bytes = std::string;

Bytes le(std::uint64_t value, int bytes) {
  Bytes text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}
Bytes uleb(std::uint64_t value) {
  Bytes text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>((value & 0x7f) | 0x80);
  return text + static_cast<char>(value);
}
Bytes section(int id, const Bytes& content) { return static_cast<char>(id) + uleb(content.size()) + content; }
Bytes custom(std::string_view name, const Bytes& content) {
  return section(0, uleb(name.size()) + Bytes(name) + content);
}
using namespace std::literals;

/// Rows: address 4: line 10; 8: line 12; 20: file 2, line 7; the sequence ends at 30.
Bytes program() {
  Bytes p = "\0\x05\x02"s + le(4, 4);
  p += "\x03\x09\x01"s;                  // line += 9; row
  p += "\x02\x04\x03\x02\x01"s;          // address += 4; line += 2; row
  p += "\x04\x02\x02\x0c\x03\x7b\x01"s;  // file 2; address += 12; line -= 5; row
  p += "\x02\x0a\0\x01\x01"s;            // address += 10; end
  return p;
}
Bytes common_header(int version) {
  Bytes h = "\x01"s;
  if (version >= 4) h += "\x01"s;
  h += "\x01\xfb\x0e\x0d"s + "\0\x01\x01\x01\x01\0\0\0\x01\0\0\x01"s;
  return h;
}
Bytes unit(int version, const Bytes& tables) {
  const Bytes header = common_header(version) + tables;
  Bytes u = le(static_cast<unsigned>(version), 2);
  if (version >= 5) u += "\x04\0"s;
  u += le(header.size(), 4) + header + program();
  return le(u.size(), 4) + u;
}
Bytes unit4() { return unit(4, "src\0\0"s + "one.c\0\x01\0\0"s + "/abs/two.c\0\0\0\0"s + "\0"s); }
Bytes unit5() {
  // Directories: line_strp; files: line_strp, udata directory, an MD5.
  Bytes tables = "\x01\x01\x1f"s + uleb(2) + le(0, 4) + le(5, 4);
  tables += "\x03\x01\x1f\x02\x0b\x05\x1e"s + uleb(3);
  for (const unsigned at : {9u, 9u, 15u}) tables += le(at, 4) + "\x01"s + Bytes(16, 'm');
  return unit(5, tables);
}
const Bytes kLineStrings = "/top\0sub\0one.c\0two.c\0"s;

Bytes module_with(const Bytes& line) {
  return "\0asm\1\0\0\0"s + section(10, Bytes(64, '\0')) + custom(".debug_line", line) +
         custom(".debug_line_str", kLineStrings);
}
constexpr std::uint32_t kCode = 10;  // where the content of section 10 begins

std::vector<std::string> lookup(const Bytes& module, std::vector<std::uint32_t> offsets) {
  std::vector<SourceLine> lines(offsets.size());
  find_source_lines(std::as_bytes(std::span(module)), offsets, lines);
  std::vector<std::string> texts;
  for (const SourceLine& line : lines) texts.push_back(line.file + ":" + std::to_string(line.line));
  return texts;
}

TEST(SourceLines, OfDwarf4) {
  EXPECT_EQ(lookup(module_with(unit4()), {kCode + 4, kCode + 7, kCode + 8, kCode + 29}),
            (std::vector<std::string>{"src/one.c:10", "src/one.c:10", "src/one.c:12", "/abs/two.c:7"}));
}
TEST(SourceLines, OfDwarf5) {
  EXPECT_EQ(lookup(module_with(unit5()), {kCode + 25, kCode + 5}),
            (std::vector<std::string>{"sub/two.c:7", "sub/one.c:10"}));
}
TEST(SourceLines, OfSeveralUnits) {
  EXPECT_EQ(lookup(module_with(unit5() + unit4()), {kCode + 8}), (std::vector<std::string>{"sub/one.c:12"}));
}
TEST(SourceLines, OutsideOfSequencesThereAreNone) {
  EXPECT_EQ(lookup(module_with(unit4()), {0, kCode + 3, kCode + 30, 0xffffffff}),
            (std::vector<std::string>(4, ":0")));
}
TEST(SourceLines, OfAModuleWithoutDwarfAreNone) {
  EXPECT_EQ(lookup("\0asm\1\0\0\0"s, {12}), (std::vector<std::string>{":0"}));
}
TEST(SourceLines, ATableThatClaimsMoreEntriesThanItHasIsHarmless) {
  Bytes tables = "\0"s + uleb(~std::uint64_t{0}) + "\x01\x01\x08"s + uleb(~std::uint64_t{0});
  lookup(module_with(unit(5, tables)), {kCode + 4});
  tables = "\0"s + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;
  lookup(module_with(unit(5, tables)), {kCode + 4});
}
TEST(SourceLines, DamagedTablesAreHarmless) {
  std::mt19937 random(1);
  const Bytes good = module_with(unit5() + unit4());
  for (int i = 0; i < 20'000; ++i) {
    Bytes bad = good;
    for (unsigned k = random() % 4 + 1; k > 0; --k)
      bad[8 + random() % (bad.size() - 8)] = static_cast<char>(random());
    bad.resize(bad.size() - (random() % 8 == 0 ? random() % bad.size() : 0));
    lookup(bad, {kCode + 4, kCode + 20, kCode + 60});
  }
}
TEST(SourceLines, OfATableOfOneAddressTakeLinearTime) {
  // Each row covers the same instructions, with another file.
  Bytes rows;
  for (int i = 0; i < 200'000; ++i) rows += "\0\x05\x02"s + le(4, 4) + "\x01\x02\x14\x01"s;
  Bytes u = le(4, 2);
  const Bytes header = common_header(4) + "\0"s + "a\0\0\0\0"s + "\0"s;
  u += le(header.size(), 4) + header + rows;
  std::vector<std::uint32_t> offsets;
  for (std::uint32_t i = 0; i < 64; ++i) offsets.push_back(kCode + 4 + i % 16);
  const auto texts = lookup(module_with(le(u.size(), 4) + u), offsets);
  EXPECT_EQ(texts[0], "a:1");
}

}  // namespace
}  // namespace nebulet::wasm::debug
