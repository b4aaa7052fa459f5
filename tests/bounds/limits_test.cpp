// SPDX-License-Identifier: MIT
// The implementation limits of the WebAssembly JavaScript API: what is at a limit is accepted, one more is
// refused with an error that names it.
#include <gtest/gtest.h>

#include <functional>

#include "tests/bounds/bombs.h"
#include "wasm/compile.h"

namespace nebulet::bounds {
namespace {

Bytes module_with(std::initializer_list<std::pair<unsigned, Bytes>> sections) {
  Writer w;
  w.bytes({0, 'a', 's', 'm', 1, 0, 0, 0});
  for (const auto& [id, content] : sections) w.section(id, content);
  return w.get();
}
Bytes vec(std::uint32_t n, const Bytes& item) {
  Writer w;
  w.u32(n);
  for (std::uint32_t i = 0; i < n; ++i) w.append(item);
  return w.get();
}
Bytes of(std::initializer_list<unsigned> list) { return Writer().bytes(list).get(); }
const Bytes kNoType = of({1, 0x60, 0, 0});

Bytes exports(std::uint32_t n) {
  Writer w;
  w.u32(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    w.byte(6);
    for (int k = 0; k < 6; ++k) w.byte('a' + (i >> 4 * k & 15));
    w.bytes({2, 0});
  }
  return module_with({{5, of({1, 0, 1})}, {7, w.get()}});
}
Bytes body_of(std::uint32_t bytes) {
  Writer w;
  w.byte(0);
  for (std::uint32_t i = 2; i < bytes; ++i) w.byte(1);  // nop
  w.byte(0x0b);
  return module_with({{1, kNoType}, {3, of({1, 0})}, {10, Writer().byte(1).sized(w.get()).get()}});
}
Bytes locals(std::uint32_t n) {
  const Bytes body = Writer().byte(1).u32(n).bytes({0x7f, 0x0b}).get();
  return module_with({{1, kNoType}, {3, of({1, 0})}, {10, Writer().byte(1).sized(body).get()}});
}
Bytes branch_table(std::uint32_t n) {
  Writer body;
  body.bytes({0, 0x41, 0, 0x0e}).u32(n);
  for (std::uint32_t i = 0; i <= n; ++i) body.byte(0);
  body.byte(0x0b);
  return module_with({{1, kNoType}, {3, of({1, 0})}, {10, Writer().byte(1).sized(body.get()).get()}});
}
Bytes subtypes(std::uint32_t depth) {
  Writer w;
  w.u32(depth + 1).bytes({0x50, 0, 0x5f, 0});  // an open structure, and below it so many
  for (std::uint32_t i = 0; i < depth; ++i) w.bytes({0x50, 1}).u32(i).bytes({0x5f, 0});
  return module_with({{1, w.get()}});
}
Bytes params(std::uint32_t n) {
  return module_with({{1, Writer().bytes({1, 0x60}).append(vec(n, of({0x7e}))).byte(0).get()},
                      {3, of({1, 0})},
                      {10, of({1, 2, 0, 0x0b})}});
}
Bytes results(std::uint32_t n) {
  Writer body;
  body.byte(0);
  for (std::uint32_t i = 0; i < n; ++i) body.bytes({0x42, 1});
  body.byte(0x0b);
  return module_with({{1, Writer().bytes({1, 0x60, 0}).append(vec(n, of({0x7e}))).get()},
                      {3, of({1, 0})},
                      {10, Writer().byte(1).sized(body.get()).get()}});
}
Bytes elements(std::uint32_t n) {
  Writer segment;
  segment.bytes({1, 1, 0}).u32(n);
  for (std::uint32_t i = 0; i < n; ++i) segment.byte(0);
  return module_with({{1, kNoType}, {3, of({1, 0})}, {9, segment.get()}, {10, of({1, 2, 0, 0x0b})}});
}

struct Limit {
  const char* name;
  std::uint32_t most;
  std::function<Bytes(std::uint32_t)> make;
  const char* text;  ///< in the error
};
const Limit kLimits[] = {
    {"types", 1'000'000, [](auto n) { return module_with({{1, vec(n, of({0x60, 0, 0}))}}); }, "types"},
    {"functions", 1'000'000,
     [](auto n) { return module_with({{1, kNoType}, {3, vec(n, of({0}))}, {10, vec(n, of({2, 0, 0x0b}))}}); },
     "functions"},
    {"imports", 1'000'000, [](auto n) { return module_with({{1, kNoType}, {2, vec(n, of({0, 0, 0, 0}))}}); },
     "imports"},
    {"exports", 1'000'000, exports, "exports"},
    {"globals", 1'000'000, [](auto n) { return module_with({{6, vec(n, of({0x7f, 0, 0x41, 0, 0x0b}))}}); },
     "globals"},
    {"tables", 100'000, [](auto n) { return module_with({{4, vec(n, of({0x70, 0, 0}))}}); }, "tables"},
    {"memories", 100, [](auto n) { return module_with({{5, vec(n, of({0, 0}))}}); }, "memories"},
    {"data segments", 100'000, [](auto n) { return module_with({{11, vec(n, of({1, 0}))}}); },
     "data segments"},
    {"tags", 1'000'000, [](auto n) { return module_with({{1, kNoType}, {13, vec(n, of({0, 0}))}}); }, "tags"},
    {"element segments", 10'000'000, [](auto n) { return module_with({{9, vec(n, of({1, 0, 0}))}}); },
     "element segments"},
    {"elements of a segment", 10'000'000, elements, "segment"},
    {"parameters", 1'000, params, "param"},
    {"results", 1'000, results, "result"},
    {"body bytes", 7'654'321, body_of, "body"},
    {"locals", 50'000, locals, "locals"},
    {"br_table", 65'520, branch_table, "br_table"},
    {"structure fields", 10'000,
     [](auto n) { return module_with({{1, Writer().bytes({1, 0x5f}).append(vec(n, of({0x7f, 0}))).get()}}); },
     "field"},
    {"subtyping depth", 63, subtypes, "too deep"},
};

class Limits : public testing::TestWithParam<Limit> {};

TEST_P(Limits, AreAcceptedInFullAndNotBeyond) {
  const Limit& limit = GetParam();
  {
    const Bytes bytes = limit.make(limit.most);
    const auto module = wasm::decode_module(bytes);
    ASSERT_TRUE(module) << module.error().message;
    const auto code = wasm::compile_module(*module);
    EXPECT_TRUE(code) << code.error().message;
  }
  const Bytes bytes = limit.make(limit.most + 1);
  const auto module = wasm::decode_module(bytes);
  wasm::Error error;
  if (!module) {
    error = module.error();
  } else {
    const auto code = wasm::compile_module(*module);
    ASSERT_FALSE(code);
    error = code.error();
  }
  EXPECT_EQ(error.kind, wasm::Error::Kind::limit) << error.message;
  EXPECT_NE(error.message.find(limit.text), std::string::npos) << error.message;
}

INSTANTIATE_TEST_SUITE_P(JavaScriptApi, Limits, testing::ValuesIn(kLimits), [](const auto& info) {
  std::string name;
  for (const char c : std::string(info.param.name))
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name;
});

}  // namespace
}  // namespace nebulet::bounds
