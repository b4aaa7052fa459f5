// SPDX-License-Identifier: MIT
// Whatever the verifier's decoder accepts, Zydis must read in the same way.
// NB_VERIFY_CASES sets the number of random strings (default 2 million; 50 million and more for a thorough
// run).
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <format>
#include <random>

#include "wasm/verify/oracle.h"

namespace nebulet::wasm::verify {
namespace {

using Bytes = std::array<std::uint8_t, 32>;

std::string dump(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (std::uint8_t b : bytes) text += std::format("{:02x} ", b);
  return text;
}

class Comparison {
 public:
  void check(const Bytes& bytes) {
    strings_++;
    Insn insn;
    if (!decode(bytes.data(), bytes.size(), insn)) return;
    accepted_++;
    const std::string why = disagreement(bytes, insn);
    if (!why.empty() && failures_++ < 40)
      ADD_FAILURE() << why << ": " << dump(std::span(bytes).first(insn.length));
  }
  /// The accepted strings must be many, or the comparison says nothing.
  void finish(std::uint64_t at_least) const {
    EXPECT_EQ(failures_, 0u);
    EXPECT_GE(accepted_, at_least) << "of " << strings_;
    std::printf("%llu strings, %llu accepted\n", static_cast<unsigned long long>(strings_),
                static_cast<unsigned long long>(accepted_));
  }

 private:
  std::uint64_t strings_ = 0, accepted_ = 0, failures_ = 0;
};

std::uint64_t cases() {
  const char* set = std::getenv("NB_VERIFY_CASES");
  return set ? std::strtoull(set, nullptr, 10) : 2'000'000;
}

TEST(DecodeAgainstZydis, AllShortStringsWithPrefixesAgree) {
  std::mt19937_64 random(1);
  Comparison comparison;
  static constexpr std::array<std::uint8_t, 4> kPrefixes[] = {
      {},           {0x66},       {0xf3},       {0x48},
      {0x65},       {0x65, 0x67}, {0x41},       {0x45},
      {0x66, 0x41}, {0xf3, 0x48}, {0xf3, 0x4d}, {0x65, 0x67, 0x4f},
      {0x0f},       {0x48, 0x0f}, {0x66, 0x0f}, {0xf3, 0x0f},
      {0x65, 0x0f}, {0x67, 0x48}, {0x44, 0x0f}, {0x65, 0x66, 0x45}};
  for (const auto& prefix : kPrefixes) {
    Bytes bytes{};
    unsigned at = 0;
    while (at < prefix.size() && prefix[at]) bytes[at] = prefix[at], at++;
    for (unsigned i = at; i < bytes.size(); i++) bytes[i] = static_cast<std::uint8_t>(random());
    for (unsigned a = 0; a < 256; a++)
      for (unsigned b = 0; b < 256; b++) {
        bytes[at] = static_cast<std::uint8_t>(a);
        bytes[at + 1] = static_cast<std::uint8_t>(b);
        // All third bytes where they are ModRM or SIB, a sample elsewhere, to keep the run short.
        for (unsigned c = 0; c < 256; c += (b & 7) == 4 || a == 0x0f ? 1 : 37) {
          bytes[at + 2] = static_cast<std::uint8_t>(c);
          comparison.check(bytes);
        }
      }
  }
  comparison.finish(1'000'000);
}

TEST(DecodeAgainstZydis, AllVexOpcodesAgree) {
  std::mt19937_64 random(2);
  Comparison comparison;
  for (unsigned map = 0; map < 32; map++)
    for (unsigned second = 0; second < 256; second++)
      for (unsigned opcode = 0; opcode < 256; opcode++)
        for (unsigned i = 0; i < (map <= 4 ? 8u : 1u); i++) {
          Bytes bytes;
          for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
          bytes[0] = 0xc4;
          bytes[1] = static_cast<std::uint8_t>((bytes[1] & 0xe0) | map);
          bytes[2] = static_cast<std::uint8_t>(second);
          bytes[3] = static_cast<std::uint8_t>(opcode);
          comparison.check(bytes);
        }
  comparison.finish(40'000);
}

TEST(DecodeAgainstZydis, RandomStringsAgree) {
  std::mt19937_64 random(3);
  Comparison comparison;
  static constexpr std::uint8_t kStarts[] = {0x66, 0x65, 0x67, 0xf3, 0x48, 0x41, 0x44,
                                             0x45, 0x4c, 0x49, 0x0f, 0xc5, 0xc4};
  const std::uint64_t count = cases();
  for (std::uint64_t n = 0; n < count; n++) {
    Bytes bytes;
    for (unsigned i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t word = random();
      std::memcpy(&bytes[i], &word, 8);
    }
    // Mostly strings that begin plausibly.
    const std::uint64_t choice = random();
    for (unsigned i = 0; i < (choice & 3); i++)
      bytes[i] = kStarts[(choice >> (8 * i + 8)) % std::size(kStarts)];
    comparison.check(bytes);
  }
  comparison.finish(count / 20);
}

}  // namespace
}  // namespace nebulet::wasm::verify
