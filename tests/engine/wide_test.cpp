// SPDX-License-Identifier: MIT
// 128-bit arithmetic against the compiler's, with all results used, one result used, and operands in memory.
#include <format>

#include "tests/engine/wasm_bytes.h"

namespace nebulet::test {
namespace {

using wasm::Outcome;
using wasm::Value;
using U128 = unsigned __int128;

constexpr int kI64 = 0x7e;

/// `results`: bit 0 the low half, bit 1 the high one. Drops the other.
Bytes body(int opcode, unsigned operands, unsigned results) {
  Bytes code{1, 1, kI64};
  for (unsigned i = 0; i < operands; ++i) code.add({0x20, static_cast<int>(i)});
  code.add({0xfc, opcode});
  const int local = static_cast<int>(operands);
  if (results == 1) code.add({0x1a});
  if (results == 2) code.add({0x21, local, 0x1a, 0x20, local});
  return Bytes().sized(code.add({0x0b}));
}

TEST(WideArithmetic, IsThatOfTheModel) {
  catch_faults();
  std::vector<Bytes> types, functions, bodies;
  for (int opcode = 0x13; opcode <= 0x16; ++opcode)
    for (unsigned results = 1; results <= 3; ++results) {
      const unsigned operands = opcode <= 0x14 ? 4 : 2;
      Bytes type{0x60, static_cast<int>(operands)};
      for (unsigned i = 0; i < operands; ++i) type.add({kI64});
      type.add(results == 3 ? Bytes{2, kI64, kI64} : Bytes{1, kI64});
      types.push_back(type);
      functions.push_back(Bytes().u(types.size() - 1));
      bodies.push_back(body(opcode, operands, results));
    }
  Engine engine;
  wasm::Instance* one = engine.instantiate(engine.compile(module_header()
                                                              .section(1, Bytes().vector(types))
                                                              .section(3, Bytes().vector(functions))
                                                              .section(10, Bytes().vector(bodies))
                                                              .get()));
  ASSERT_NE(one, nullptr);
  const std::uint64_t values[] = {0,
                                  1,
                                  2,
                                  0x7fffffff,
                                  0xffffffff,
                                  0x100000000,
                                  0x7fffffffffffffff,
                                  0x8000000000000000,
                                  ~0ull,
                                  0x123456789abcdef0};
  for (const std::uint64_t a : values)
    for (const std::uint64_t b : values)
      for (const std::uint64_t high : {0ull, 5ull, ~0ull})
        for (unsigned op = 0; op < 4; ++op)
          for (unsigned results = 1; results <= 3; ++results) {
            const U128 x = static_cast<U128>(high) << 64 | a, y = static_cast<U128>(~high) << 64 | b;
            const auto product = static_cast<U128>(static_cast<__int128>(static_cast<std::int64_t>(a)) *
                                                   static_cast<std::int64_t>(b));
            const U128 expected = op == 0   ? x + y
                                  : op == 1 ? x - y
                                  : op == 2 ? product
                                            : static_cast<U128>(a) * b;
            Value got[2];
            const std::uint32_t function = op * 3 + results - 1;
            const std::span to(got, results == 3 ? 2u : 1u);
            const Outcome outcome = op < 2 ? engine.call(*one, function, {{a}, {high}, {b}, {~high}}, to)
                                           : engine.call(*one, function, {{a}, {b}}, to);
            const std::string what = std::format("op {} of {:#x} and {:#x}, results {}", op, a, b, results);
            ASSERT_EQ(outcome.kind, Outcome::Kind::returned) << what;
            const auto low = static_cast<std::uint64_t>(expected),
                       upper = static_cast<std::uint64_t>(expected >> 64);
            ASSERT_EQ(got[0].low, results == 2 ? upper : low) << what;
            if (results == 3) ASSERT_EQ(got[1].low, upper) << what;
          }
}

}  // namespace
}  // namespace nebulet::test
