// SPDX-License-Identifier: MIT
#include "kernel/init/operands.h"

#include <gtest/gtest.h>

namespace nebulet::kernel {
namespace {

const wasm::FuncType kAll{.params = {wasm::kI32, wasm::kI64, wasm::kF32, wasm::kF64, wasm::kV128},
                          .results = {wasm::kI32, wasm::kF64, wasm::kV128, wasm::kFuncRef, wasm::kFuncRef}};

TEST(Operands, AreBitsBehindTheirType) {
  const std::vector<std::string> words = {"i32:ffffffff", "i64:8000000000000000", "f32:3fc00000",
                                          "f64:3ff8000000000000", "v128:10000000000000002"};
  const auto values = read_operands(kAll, words);
  ASSERT_TRUE(values) << values.error();
  EXPECT_EQ((*values)[0].low, 0xffffffffu);
  EXPECT_EQ((*values)[1].low, 1ull << 63);
  EXPECT_EQ((*values)[3].low, 0x3ff8000000000000u);
  EXPECT_EQ((*values)[4].low, 2u);
  EXPECT_EQ((*values)[4].high, 1u);
}

TEST(Operands, NameTheOneThatIsWrong) {
  const wasm::FuncType one{.params = {wasm::kI32}, .results = {}};
  for (const char* word : {"", "7", "i32", "i32:", "i32:g", "i32:123456789", "i64:7", "i32:-1", "f32:7"}) {
    const auto values = read_operands(one, std::vector<std::string>{word});
    ASSERT_FALSE(values) << word;
    EXPECT_EQ(values.error(),
              std::string("operand 1 is `") + word + "`: want i32: and at most 8 hexadecimal digits");
  }
  EXPECT_EQ(read_operands(one, {}).error(), "it takes 1 operands, not 0");
  const wasm::FuncType reference{.params = {wasm::kFuncRef}, .results = {}};
  EXPECT_FALSE(read_operands(reference, std::vector<std::string>{"ref:null"}));
}

TEST(Operands, ResultsAreWrittenTheSameWay) {
  const wasm::Value values[] = {
      {.low = 0xffffffff'00000001}, {.low = 1}, {.low = 1, .high = 2}, {.low = 0}, {.low = 5}};
  EXPECT_EQ(
      write_results(kAll, values),
      "i32:00000001\nf64:0000000000000001\nv128:00000000000000020000000000000001\nref:null\nref:other\n");
}

}  // namespace
}  // namespace nebulet::kernel
