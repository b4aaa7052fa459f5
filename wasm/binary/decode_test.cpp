// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <initializer_list>

#include "wasm/binary/reader.h"
#include "wasm/compile.h"

namespace nebulet::wasm {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int v : values) bytes.push_back(static_cast<std::byte>(v));
  return bytes;
}
/// A module of these sections' bytes.
std::vector<std::byte> module_of(std::initializer_list<int> sections) {
  auto bytes = bytes_of({0, 'a', 's', 'm', 1, 0, 0, 0});
  for (const int v : sections) bytes.push_back(static_cast<std::byte>(v));
  return bytes;
}
std::string refusal(std::initializer_list<int> sections) {
  const auto bytes = module_of(sections);
  const auto module = decode_module(bytes);
  return module ? "" : module.error().message;
}
Reader reader_of(const std::vector<std::byte>& bytes) {
  return Reader(bytes, 0, static_cast<std::uint32_t>(bytes.size()));
}

TEST(Reader, UnsignedNumbersUseAllTheirBits) {
  const auto bytes = bytes_of({0xff, 0xff, 0xff, 0xff, 0x0f, 0x05, 0x80, 0x00});
  Reader reader = reader_of(bytes);
  EXPECT_EQ(reader.u32(), 0xffffffffu);
  EXPECT_EQ(reader.u32(), 5u);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_TRUE(reader.ok() && reader.at_end());
}

TEST(Reader, SignedNumbersKeepTheirSign) {
  const auto bytes = bytes_of({0x7f, 0x40, 0x3f, 0x80, 0x80, 0x80, 0x80, 0x78, 0xc0, 0x00});
  Reader reader = reader_of(bytes);
  EXPECT_EQ(reader.s32(), -1);
  EXPECT_EQ(reader.s32(), -64);
  EXPECT_EQ(reader.s32(), 63);
  EXPECT_EQ(reader.s32(), INT32_MIN);
  EXPECT_EQ(reader.s64(), 64);
  EXPECT_TRUE(reader.ok());
}

TEST(Reader, UnusedBitsMustBeZeroOrTheSign) {
  for (const auto& bytes :
       {bytes_of({0xff, 0xff, 0xff, 0xff, 0x1f}), bytes_of({0x80, 0x80, 0x80, 0x80, 0x70})}) {
    Reader reader = reader_of(bytes);
    reader.u32();
    EXPECT_EQ(reader.take_error().message, "integer too large");
  }
  const auto bytes = bytes_of({0xff, 0xff, 0xff, 0xff, 0x0f});
  Reader reader = reader_of(bytes);
  reader.s32();
  EXPECT_EQ(reader.take_error().message, "integer too large");
}

TEST(Reader, ANumberHasALastByte) {
  const auto bytes = bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x00});
  Reader reader = reader_of(bytes);
  reader.u32();
  EXPECT_EQ(reader.take_error().message, "integer representation too long");
}

TEST(Reader, TheFirstErrorStaysAndNothingIsReadAfterIt) {
  const auto bytes = bytes_of({0x80});
  Reader reader = reader_of(bytes);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_EQ(reader.byte(), 0);
  reader.malformed("later");
  EXPECT_EQ(reader.take_error().message, "unexpected end of section or function");
}

TEST(Reader, Utf8IsCheckedAsUnicodeDefinesIt) {
  const auto ok = [](std::initializer_list<std::uint8_t> s) {
    return is_utf8(std::span<const std::uint8_t>(s.begin(), s.size()));
  };
  EXPECT_TRUE(ok(
      {'a', 0xc2, 0x80, 0xe0, 0xa0, 0x80, 0xed, 0x9f, 0xbf, 0xf0, 0x90, 0x80, 0x80, 0xf4, 0x8f, 0xbf, 0xbf}));
  EXPECT_FALSE(ok({0xc1, 0x80}));              // overlong
  EXPECT_FALSE(ok({0xe0, 0x9f, 0x80}));        // overlong
  EXPECT_FALSE(ok({0xed, 0xa0, 0x80}));        // a surrogate
  EXPECT_FALSE(ok({0xf4, 0x90, 0x80, 0x80}));  // beyond U+10FFFF
  EXPECT_FALSE(ok({0xe2, 0x82}));              // cut off
  EXPECT_FALSE(ok({0x80}));
}

TEST(Decode, AnEmptyModuleIsAModule) { EXPECT_EQ(refusal({}), ""); }

TEST(Decode, SectionsComeOnceAndInOrder) {
  EXPECT_EQ(refusal({1, 1, 0, 3, 1, 0}), "");
  EXPECT_EQ(refusal({3, 1, 0, 1, 1, 0}), "unexpected content after last section");
  EXPECT_EQ(refusal({1, 1, 0, 1, 1, 0}), "unexpected content after last section");
  EXPECT_EQ(refusal({12, 1, 0, 10, 1, 0, 11, 1, 0}), "");
  EXPECT_EQ(refusal({10, 1, 0, 12, 1, 0}), "unexpected content after last section");
}

TEST(Decode, ImportsComeFirstInTheirIndexSpaces) {
  const auto bytes = module_of({1,  4, 1, 0x60, 0,   0,               // one type
                                2,  7, 1, 1,    'm', 1,   'f', 0, 0,  // an imported function
                                3,  2, 1, 0,                          // a function
                                7,  5, 1, 1,    'e', 0,   1,          // exported
                                10, 4, 1, 2,    0,   0x0b});
  const auto module = decode_module(bytes);
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(module->imported_functions, 1u);
  EXPECT_EQ(module->defined_functions(), 1u);
  EXPECT_EQ(module->imports[0].module, "m");
  EXPECT_EQ(module->exports[0].index, 1u);
  EXPECT_EQ(module->functions[1].body_end - module->functions[1].body_begin, 2u);
  EXPECT_TRUE(module->functions[1].declared);
}

TEST(Decode, AVectorsLengthReservesNothing) {
  EXPECT_EQ(refusal({1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f}), "unexpected end of section or function");
}

TEST(Decode, ASegmentWhoseIndexIsCutShortNamesNothing) {
  EXPECT_EQ(refusal({9, 4, 1, 2, 0xff, 0xff}), "unexpected end of section or function");
  EXPECT_EQ(refusal({11, 4, 1, 2, 0xff, 0xff}), "unexpected end of section or function");
  EXPECT_EQ(refusal({9, 8, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f}), "integer too large");
}

TEST(Decode, NamesAreReadWhereTheyAreWellFormed) {
  const auto bytes = module_of({1,   4,   1,   0x60, 0, 0, 3, 2,   1,   0, 10, 4, 1, 2, 0,   0x0b, 0, 19, 4,
                                'n', 'a', 'm', 'e',  0, 3, 2, 'm', 'o', 1, 7,  2, 0, 1, 'f', 9,    1, 'g'});
  const auto module = decode_module(bytes);
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(module->name, "mo");
  ASSERT_EQ(module->function_names.size(), 1u);  // function 9 does not exist
  EXPECT_EQ(module->function_names[0], "f");
}

TEST(Decode, AMalformedNameSectionDoesNoHarm) {
  EXPECT_EQ(refusal({0, 8, 4, 'n', 'a', 'm', 'e', 1, 0x7f, 0x01}), "");
}

TEST(Decode, ConstantExpressionsMayCompute) {
  // i32.const 1; i32.const 2; i32.add
  EXPECT_EQ(refusal({6, 9, 1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}), "");
  EXPECT_EQ(refusal({6, 7, 1, 0x7f, 0, 0x41, 1, 0x6a, 0x0b}), "type mismatch: expected i32");
  EXPECT_EQ(refusal({6, 6, 1, 0x7f, 0, 0x42, 1, 0x0b}),
            "type mismatch: the constant expression does not give one i32");
  EXPECT_EQ(refusal({6, 6, 1, 0x7f, 0, 0x23, 0, 0x0b}), "unknown global 0");
  EXPECT_EQ(refusal({6, 8, 1, 0x7f, 0, 0x41, 1, 0x67, 0x0b, 0x0b}), "constant expression required");
}

TEST(Decode, MemoriesHaveLimitsByTheirAddressesAndPages) {
  EXPECT_EQ(refusal({5, 3, 1, 4, 0}), "");
  EXPECT_EQ(refusal({5, 4, 1, 3, 0, 1}), "");
  EXPECT_EQ(refusal({5, 3, 1, 2, 0}), "shared memory must have maximum");
  EXPECT_EQ(refusal({5, 3, 1, 16, 0}), "malformed limits flags");
  EXPECT_EQ(refusal({5, 4, 1, 8, 0, 0}), "");
  EXPECT_EQ(refusal({5, 4, 1, 8, 0, 16}), "");
  EXPECT_EQ(refusal({5, 4, 1, 8, 0, 12}), "invalid custom page size");
  EXPECT_EQ(refusal({5, 4, 1, 8, 0, 64}), "invalid custom page size");
  EXPECT_EQ(refusal({5, 5, 1, 0, 0x81, 0x80, 4}), "memory size must be at most 65536 pages (4GiB)");
  EXPECT_EQ(refusal({5, 5, 1, 4, 0x81, 0x80, 4}), "");
  EXPECT_EQ(refusal({4, 4, 1, 0x70, 2, 0}), "malformed limits flags");
}

}  // namespace
}  // namespace nebulet::wasm
