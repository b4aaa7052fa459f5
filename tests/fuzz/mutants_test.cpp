// SPDX-License-Identifier: MIT
// The verifier on damaged code of generated modules (generate.h), so of every construct that the engine has:
// a mutant is refused, or it is safe in the judgement of wasm/verify/walk.h. And on random bytes.
// NB_VERIFY_MUTANTS sets the number of mutants (default 20,000; 1,000,000 for a thorough run), NB_VERIFY_SEED
// the first module.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/fuzz/generate.h"
#include "wasm/compile.h"
#include "wasm/verify/verify.h"
#include "wasm/verify/walk.h"

namespace nebulet::fuzz {
namespace {

using wasm::CodeFunction;
using wasm::CodeObject;
using Random = std::mt19937_64;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* set = std::getenv(name);
  return set ? std::strtoull(set, nullptr, 10) : otherwise;
}

std::uint32_t below(Random& random, std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); }

/// Changes bytes of text in place: bits, whole bytes, neighbours, prefixes, displacements and constants, runs
/// of bytes.
void damage_text(CodeObject& code, const CodeFunction& f, Random& random) {
  const std::uint32_t at = f.begin + below(random, f.end - f.begin);
  std::byte& byte = code.text[at];
  switch (below(random, 10)) {
    case 0:
    case 1:
    case 2: byte ^= static_cast<std::byte>(1u << below(random, 8)); break;
    case 3: byte = static_cast<std::byte>(random()); break;
    case 4:
      byte = static_cast<std::byte>(static_cast<unsigned>(byte) + 8);
      break;  // another register or slot
    case 5: byte = static_cast<std::byte>(static_cast<unsigned>(byte) - 1); break;
    case 6: {
      static constexpr std::uint8_t kBytes[] = {0x65, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x48, 0x49, 0x4c, 0x4d,
                                                0x41, 0x44, 0x64, 0x0f, 0x8b, 0x89, 0x8d, 0x90, 0xc3, 0xc2,
                                                0xe8, 0xe9, 0xff, 0xeb, 0xc4, 0xc5, 0x73, 0x05};
      byte = std::byte{kBytes[below(random, std::size(kBytes))]};
      break;
    }
    case 7:
      if (at + 1 < f.end) std::swap(byte, code.text[at + 1]);
      break;
    case 8:  // a displacement or constant
      for (std::uint32_t i = at; i < f.end && i < at + 4; ++i)
        code.text[i] = static_cast<std::byte>(random() & (random() | 0x80));
      break;
    default:
      for (std::uint32_t from = f.begin + below(random, f.end - f.begin), to = at, n = below(random, 12);
           n && from < f.end && to < f.end; --n)
        code.text[to++] = code.text[from++];
  }
}

/// Changes what the compiler claims of its code, or the constants. What these tables mean concerns all
/// functions.
void damage_tables(CodeObject& code, Random& random) {
  switch (below(random, 5)) {
    case 0:
      if (!code.labels.empty()) {
        wasm::Label& label = code.labels[below(random, code.labels.size())];
        const auto bit = static_cast<std::uint16_t>(1u << below(random, 16));
        switch (below(random, 4)) {
          case 0: label.zero_extended ^= bit; break;
          case 1: label.bases ^= bit; break;
          case 2: label.wide_bases ^= bit; break;
          default: label.pc += below(random, 5) - 2; break;
        }
      }
      break;
    case 1:
      if (!code.rodata.empty())
        code.rodata[below(random, code.rodata.size())] ^= static_cast<std::byte>(1u << below(random, 8));
      break;
    case 2:
      if (!code.jump_tables.empty()) {
        wasm::JumpTable& table = code.jump_tables[below(random, code.jump_tables.size())];
        (random() & 1 ? table.rodata_offset : table.count) += below(random, 5) - 2;
      }
      break;
    case 3: {
      CodeFunction& f = code.functions[below(random, code.functions.size())];
      switch (below(random, 4)) {
        case 0: f.frame += 8 * (below(random, 5) - 2); break;
        case 1: f.stack_args += 8 * (below(random, 3) - 1); break;
        case 2: f.stack_results += 8 * (below(random, 3) - 1); break;
        default: f.end += below(random, 9) - 4; break;
      }
      break;
    }
    default:
      if (!code.calls.empty()) code.calls[below(random, code.calls.size())].return_pc += below(random, 5) - 2;
  }
}

struct Counts {
  std::uint64_t modules = 0, bytes = 0, jump_tables = 0, handlers = 0, accepted = 0, refused = 0,
                refused_unsafe = 0, failures = 0;
};

void mutate(const CodeObject& original, const wasm::Module& module, std::uint64_t count, Random& random,
            Counts& counts) {
  CodeObject mutant = original;
  for (std::uint64_t n = 0; n < count; ++n) {
    const auto index = below(random, original.functions.size());
    const bool of_all = below(random, 8) == 0;
    for (std::uint64_t changes = 1 + (random() % 8 == 0); changes; --changes)
      of_all ? damage_tables(mutant, random) : damage_text(mutant, original.functions[index], random);
    if (wasm::verify_code(mutant, module)) {
      ++counts.accepted;
      for (std::uint32_t i = of_all ? 0 : index; i < (of_all ? original.functions.size() : index + 1); ++i) {
        const std::string why = wasm::verify::why_unsafe(mutant, module, i);
        if (!why.empty() && counts.failures++ < 20)
          ADD_FAILURE() << "function " << i << ": " << why << ", mutant " << n;
      }
    } else {
      ++counts.refused;
      if (n % 32 == 0) counts.refused_unsafe += !wasm::verify::why_unsafe(mutant, module, index).empty();
    }
    if (of_all) {
      mutant = original;
    } else {
      std::memcpy(mutant.text.data(), original.text.data(), original.text.size());
    }
  }
}

TEST(Mutants, CodeOfGeneratedModules) {
  const std::uint64_t wanted = setting("NB_VERIFY_MUTANTS", 20'000), first = setting("NB_VERIFY_SEED", 1);
  Counts counts;
  for (std::uint64_t seed = first; counts.accepted + counts.refused < wanted && seed < first + 1'000'000;
       ++seed) {
    Random random(seed);
    std::vector<std::uint8_t> noise(300 + random() % 1500);
    for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
    Choices in(noise.data(), noise.size());
    const Generated made = generate_module(in, feature::all);
    std::vector<std::byte> bytes(made.bytes.size());
    std::memcpy(bytes.data(), made.bytes.data(), bytes.size());
    const auto module = wasm::decode_module(bytes);
    if (!module) continue;
    const auto code = wasm::compile_module(*module);
    if (!code) {
      ASSERT_NE(code.error().kind, wasm::Error::Kind::rejected) << code.error().message << ", seed " << seed;
      continue;
    }
    for (std::uint32_t i = 0; i < (*code)->functions.size(); ++i)
      ASSERT_EQ(wasm::verify::why_unsafe(**code, *module, i), "") << "function " << i << " of seed " << seed;
    ++counts.modules;
    counts.bytes += (*code)->text.size();
    counts.jump_tables += (*code)->jump_tables.size();
    for (const wasm::CallSite& call : (*code)->calls) counts.handlers += call.handler != 0;
    mutate(**code, *module, std::min<std::uint64_t>(1000, wanted), random, counts);
    if (counts.failures) {
      ADD_FAILURE() << "in the module of seed " << seed;
      break;
    }
  }
  EXPECT_EQ(counts.failures, 0u);
  EXPECT_GT(counts.refused_unsafe, 0u);  // the judge does see what is unsafe
  EXPECT_GT(counts.jump_tables, 0u);     // and there was what the tables describe
  EXPECT_GT(counts.handlers, 0u);
  std::printf("%llu modules with %llu bytes of code: %llu mutants accepted and safe, %llu refused\n",
              static_cast<unsigned long long>(counts.modules), static_cast<unsigned long long>(counts.bytes),
              static_cast<unsigned long long>(counts.accepted),
              static_cast<unsigned long long>(counts.refused));
}

TEST(Mutants, RandomBytes) {
  const std::uint64_t wanted = setting("NB_VERIFY_MUTANTS", 20'000);
  Random random(setting("NB_VERIFY_SEED", 1));
  wasm::Module module;
  module.types.resize(1);
  module.functions = {{}};
  std::uint64_t accepted = 0;
  for (std::uint64_t n = 0; n < wanted; ++n) {
    CodeObject code;
    code.text.assign(wasm::kCodePage, std::byte{0xcc});
    const std::uint32_t size = 1 + below(random, 64);
    for (std::uint32_t i = 0; i < size; ++i) code.text[i] = static_cast<std::byte>(random());
    if (random() & 1) code.text[size - 1] = std::byte{0xc3};
    code.functions = {{.begin = 0, .end = size}};
    if (!wasm::verify_code(code, module)) continue;
    ++accepted;
    ASSERT_EQ(wasm::verify::why_unsafe(code, module, 0), "") << "string " << n;
  }
  std::printf("%llu random strings, %llu accepted and safe\n", static_cast<unsigned long long>(wanted),
              static_cast<unsigned long long>(accepted));
}

}  // namespace
}  // namespace nebulet::fuzz
