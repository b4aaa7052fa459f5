// SPDX-License-Identifier: MIT
#include "tests/fuzz/call_module.h"

#include <cstddef>
#include <cstring>
#include <iterator>
#include <string_view>

#include "abi/generated/shapes.h"
#include "tests/fuzz/encoder.h"

namespace nebulet::fuzz {
namespace {

using namespace call_memory;
using abi::kCallShapes;

constexpr std::uint32_t kCalls = std::size(kCallShapes);
constexpr std::uint8_t kI32 = 0x7f, kI64 = 0x7e;
constexpr std::uint32_t kRunType = kCalls, kServeType = kCalls + 1, kStartType = kCalls + 2,
                        kEntryType = kCalls + 3;
// Functions: the imports, one for each call, and these.
constexpr std::uint32_t kRun = 2 * kCalls, kServe = kRun + 1, kThreadStart = kRun + 2, kMainEntry = kRun + 3,
                        kChildEntry = kRun + 4, kFunctions = kCalls + 5;

bool is_wide(char word) { return word == 'q' || word == 'd'; }

std::uint32_t import_of(std::string_view name) {
  for (std::uint32_t i = 0; i < kCalls; ++i)
    if (name == kCallShapes[i].name) return i;
  return 0;
}

void type(Encoder& out, const char* words, const char* results) {
  out.byte(0x60);
  for (const char* list : {words, results}) {
    out.number(std::strlen(list));
    for (; *list != '\0'; ++list) out.byte(is_wide(*list) ? kI64 : kI32);
  }
}

void load(Encoder& out, bool wide, std::uint32_t offset) {
  out.raw({static_cast<std::uint8_t>(wide ? 0x29 : 0x28), 0});
  out.number(offset);
}
void constant(Encoder& out, std::uint32_t value) {
  out.byte(0x41);
  out.signed_number(static_cast<std::int32_t>(value));
}

/// (param record): loads the words, calls, stores the result.
void call_body(Encoder& out, std::uint32_t index) {
  const abi::CallShape& shape = kCallShapes[index];
  out.number(0);  // locals
  const bool stores = shape.result == 'h' || shape.result == 'v';
  if (stores) {
    out.raw({0x20, 0});
    load(out, false, offsetof(Record, result));
  }
  std::uint32_t offset = offsetof(Record, words);
  for (const char* word = shape.words; *word != '\0'; ++word, offset += 8) {
    out.raw({0x20, 0});
    load(out, is_wide(*word), offset);
    if (*word == 'h') load(out, false, 0);
  }
  out.byte(0x10);
  out.number(index);
  if (stores) out.raw({0xa7, 0x36, 0, 0});  // i32.wrap_i64, i32.store
  if (shape.result == 's') out.byte(0x1a);  // drop
  out.byte(0x0b);
}

/// (param region) (local left): calls the function of each record.
void run_body(Encoder& out) {
  out.raw({1, 1, kI32});
  out.raw({0x20, 0});
  load(out, false, 0);
  out.raw({0x22, 1, 0x45, 0x04, 0x40, 0x0f, 0x0b});  // local.tee, i32.eqz, if return end
  out.raw({0x20, 0, 0x41, 8, 0x6a, 0x21, 0});        // the first record
  out.raw({0x03, 0x40, 0x20, 0, 0x20, 0});           // loop
  load(out, false, offsetof(Record, call));
  out.raw({0x11});
  out.number(kRunType);
  out.byte(0);
  out.raw({0x20, 0});
  constant(out, sizeof(Record));
  out.raw({0x6a, 0x21, 0, 0x20, 1, 0x41, 1, 0x6b, 0x22, 1, 0x0d, 0, 0x0b, 0x0b});
}

void run_region(Encoder& out, std::uint32_t region) {
  constant(out, region);
  out.byte(0x10);
  out.number(kRun);
}

void section(Encoder& out, std::uint32_t id, const Encoder& content) {
  out.byte(id);
  out.counted(content);
}

}  // namespace

std::vector<std::uint8_t> make_call_module() {
  Encoder types, imports, functions, table, exports, elements, code, out;
  types.number(kCalls + 4);
  for (const abi::CallShape& shape : kCallShapes)
    type(types, shape.words, shape.result == '-' ? "" : shape.result == 's' ? "w" : "q");
  type(types, "w", "");
  type(types, "qqqqq", "q");
  type(types, "ww", "");
  type(types, "", "");

  imports.number(kCalls + 1);
  for (std::uint32_t i = 0; i < kCalls; ++i) {
    imports.name("nebulet");
    imports.name(kCallShapes[i].name);
    imports.byte(0);
    imports.number(i);
  }
  imports.name("env");
  imports.name("memory");
  imports.raw({2, 3, kPages, kPages});  // shared

  functions.number(kFunctions);
  for (std::uint32_t i = 0; i < kCalls; ++i) functions.number(kRunType);
  for (const std::uint32_t each : {kRunType, kServeType, kStartType, kEntryType, kEntryType})
    functions.number(each);

  table.raw({1, 0x70, 0});
  table.number(kCalls + 1);

  exports.number(3);
  const auto add_export = [&](std::string_view name, std::uint32_t function) {
    exports.name(name);
    exports.byte(0);
    exports.number(function);
  };
  add_export("wasi_thread_start", kThreadStart);
  add_export("main", kMainEntry);
  add_export("child", kChildEntry);

  elements.raw({1, 0, 0x41, 0, 0x0b});
  elements.number(kCalls + 1);
  elements.number(kServe);
  for (std::uint32_t i = 0; i < kCalls; ++i) elements.number(kCalls + i);

  code.number(kFunctions);
  const auto add_body = [&](auto fill) {
    Encoder body;
    fill(body);
    code.counted(body);
  };
  for (std::uint32_t i = 0; i < kCalls; ++i) add_body([i](Encoder& body) { call_body(body, i); });
  add_body(run_body);
  add_body([](Encoder& body) {
    body.number(0);
    run_region(body, kServed);
    body.raw({0x20, 1, 0x0b});
  });
  add_body([](Encoder& body) {
    body.number(0);
    run_region(body, kThread);
    body.byte(0x0b);
  });
  add_body([](Encoder& body) {
    body.raw({1, 1, kI32});
    constant(body, kMain);
    load(body, false, 4);
    body.raw({0x21, 0, 0x03, 0x40});  // local.set, loop
    run_region(body, kMain);
    body.raw({0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b});
  });
  add_body([](Encoder& body) {
    body.number(0);
    constant(body, kChildRuns);
    constant(body, kChildSize);
    body.byte(0x10);
    body.number(import_of("process_startup"));
    body.byte(0x1a);
    run_region(body, kChildRuns);
    body.byte(0x0b);
  });

  out.raw({0, 'a', 's', 'm', 1, 0, 0, 0});
  section(out, 1, types);
  section(out, 2, imports);
  section(out, 3, functions);
  section(out, 4, table);
  section(out, 7, exports);
  section(out, 9, elements);
  section(out, 10, code);
  return out.bytes;
}

}  // namespace nebulet::fuzz
