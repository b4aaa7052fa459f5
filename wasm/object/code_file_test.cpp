// SPDX-License-Identifier: MIT
#include "wasm/object/code_file.h"

#include <gtest/gtest.h>

#include <format>
#include <string>

#include "wasm/compile.h"
#include "wasm/object/sha256.h"

namespace nebulet::wasm {
namespace {

std::string hex(const Sha256& digest) {
  std::string text;
  for (std::byte b : digest) text += std::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}
Sha256 sha_of(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

// FIPS 180-4's examples, and the lengths at which padding changes its form (their digests by coreutils'
// sha256sum).
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(hex(sha_of("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha_of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha_of(std::string(55, 'a'))),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(hex(sha_of(std::string(64, 'a'))),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

// On a processor without the instructions both are the same code.
TEST(Sha256, TheInstructionsAgreeWithThePortableCode) {
  std::vector<std::byte> bytes;
  std::uint32_t state = 1;
  for (int i = 0; i < 300'000; ++i) bytes.push_back(std::byte((state = state * 1664525 + 1013904223) >> 24));
  const auto all = std::span<const std::byte>(bytes);
  for (std::size_t size = 0; size < 400; ++size)
    EXPECT_EQ(hex(sha256(all.subspan(size, size))), hex(sha256_portable(all.subspan(size, size)))) << size;
  EXPECT_EQ(hex(sha256(all)), hex(sha256_portable(all)));
}

/// (module (func (param i32) (result i32) local.get 0 i32.const N i32.add))
std::vector<std::byte> add_module(unsigned char n) {
  const unsigned char bytes[] = {0, 'a', 's', 'm', 1,  0, 0, 0, 1, 6,    1, 0x60, 1, 0x7f, 1,   0x7f,
                                 3, 2,   1,   0,   10, 9, 1, 7, 0, 0x20, 0, 0x41, n, 0x6a, 0x0b};
  const auto span = std::as_bytes(std::span(bytes));
  return {span.begin(), span.end()};
}

struct Compiled {
  explicit Compiled(unsigned char n = 1) : bytes(add_module(n)) {
    module = decode_module(bytes).value();
    code = compile_module(module).value();
    file = write_code_file(*code, module);
  }
  std::vector<std::byte> bytes;
  Module module;
  std::unique_ptr<CodeObject> code;
  std::vector<std::byte> file;
};

TEST(CodeFile, ReadsBackWhatWasWritten) {
  const Compiled c;
  const auto read = read_code_file(c.file, c.module);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ((*read)->text, c.code->text);
  EXPECT_EQ((*read)->rodata, c.code->rodata);
  EXPECT_EQ((*read)->functions.size(), 1u);
  EXPECT_EQ((*read)->functions[0].end, c.code->functions[0].end);
}

TEST(CodeFile, RefusesAnotherModule) {
  const Compiled one(1), two(2);
  const auto read = read_code_file(one.file, two.module);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind, Error::Kind::unlinkable);
}

TEST(CodeFile, RefusesEveryChangedByte) {
  const Compiled c;
  for (std::size_t at = 0; at < c.file.size(); ++at) {
    auto file = c.file;
    file[at] ^= std::byte{0x10};
    EXPECT_FALSE(read_code_file(file, c.module).has_value()) << "byte " << at;
  }
}

TEST(CodeFile, RefusesEveryTruncation) {
  const Compiled c;
  for (std::size_t size = 0; size < c.file.size(); ++size) {
    EXPECT_FALSE(read_code_file(std::span(c.file).first(size), c.module).has_value()) << size << " bytes";
  }
}

TEST(CodeFile, RefusesCodeThatTheVerifierDoesNotKnow) {
  // A file that is intact in itself, but whose code was changed by someone who can compute the digests.
  Compiled c;
  c.code->text[0] = std::byte{0x0f};
  c.code->text[1] = std::byte{0x05};  // syscall
  const auto read = read_code_file(write_code_file(*c.code, c.module), c.module);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind, Error::Kind::rejected);
}

}  // namespace
}  // namespace nebulet::wasm
