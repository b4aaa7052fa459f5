// SPDX-License-Identifier: MIT
// differential_engine [--reference] MODULE.wasm…: runs all exports of instrumented modules (instrument.py) in
// order, in the engine or in the reference interpreter, and prints what they return. v8.mjs prints the same
// of V8.
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tests/engine/files.h"
#include "tests/engine/linux_host.h"
#include "tests/reference/store.h"
#include "wasm/compile.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace {

using namespace nebulet;

/// Engines differ in how fine they tell traps apart; this is what all can tell.
std::string_view class_of(std::string_view trap) {
  if (trap == "invalid conversion to integer" || trap == "integer overflow") return "integer overflow";
  if (trap == "undefined element" || trap == "uninitialized element" ||
      trap == "indirect call type mismatch" || trap == "out of bounds table access")
    return "table";
  if (trap.starts_with("null ")) return "null reference";
  if (trap == "call stack exhausted") return "exhausted";
  return trap;
}

void print_trap(std::string_view name, std::string_view trap) {
  const std::string_view text = class_of(trap);
  std::printf("%.*s trap %.*s\n", static_cast<int>(name.size()), name.data(), static_cast<int>(text.size()),
              text.data());
}

void print_returned(std::string_view name) {
  std::printf("%.*s", static_cast<int>(name.size()), name.data());
}

std::string_view text_of(const wasm::Outcome& outcome) {
  return outcome.kind == wasm::Outcome::Kind::trapped ? wasm::ir::trap_text(outcome.trap) : "exception";
}

void print_refusal(const wasm::Error& error) {
  std::printf("refused %s at %u\n", error.message.c_str(), error.offset);
}

void run_engine(std::vector<std::byte> bytes) {
  test::LinuxHost host;
  auto decoded = wasm::decode_module(bytes);
  if (!decoded) return print_refusal(decoded.error());
  auto code = wasm::compile_module(*decoded);
  if (!code) return print_refusal(code.error());
  auto module = wasm::ModuleCode::create(host, std::move(bytes), std::move(*decoded), std::move(**code));
  if (!module) return print_refusal(module.error());
  const auto stack = wasm::WasmStack::create(host, nullptr);
  wasm::Store store(host);
  auto made = store.instantiate(*module, {});
  if (!made) return print_refusal(made.error());
  if (made->trap) return print_trap("instance", wasm::ir::trap_text(*made->trap));
  if (const auto start = (*module)->module().start) {
    const wasm::Outcome outcome = wasm::invoke(*stack, made->instance->function(*start), {}, {});
    if (outcome.kind != wasm::Outcome::Kind::returned) return print_trap("instance", text_of(outcome));
  }
  for (const wasm::Export& e : (*module)->module().exports) {
    wasm::Function& function = made->instance->function(e.index);
    std::vector<wasm::Value> results(function.type->results.size());
    const wasm::Outcome outcome = wasm::invoke(*stack, function, {}, results);
    if (outcome.kind != wasm::Outcome::Kind::returned) {
      print_trap(e.name, text_of(outcome));
      continue;
    }
    print_returned(e.name);
    for (const wasm::Value& value : results) std::printf(" %llx", static_cast<unsigned long long>(value.low));
    std::printf("\n");
  }
}

std::string_view text_of(const reference::Outcome& outcome) {
  return outcome.kind == reference::Outcome::Kind::trapped  ? std::string_view(outcome.trap)
         : outcome.kind == reference::Outcome::Kind::thrown ? "exception"
                                                            : "out of fuel";
}

void run_reference(const std::vector<std::byte>& bytes) {
  auto module = reference::decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  if (!module) return static_cast<void>(std::printf("refused\n"));
  reference::Store store;
  const auto made = store.instantiate(std::move(*module), [](const auto&) { return std::nullopt; });
  if (!made.error.empty()) return static_cast<void>(std::printf("refused %s\n", made.error.c_str()));
  if (made.outcome.kind != reference::Outcome::Kind::returned)
    return print_trap("instance", text_of(made.outcome));
  for (const reference::Export& e : made.instance->module.exports) {
    std::vector<reference::Value> results;
    const reference::Outcome outcome = store.invoke(*made.instance->functions[e.index], {}, results);
    if (outcome.kind != reference::Outcome::Kind::returned) {
      print_trap(e.name, text_of(outcome));
      continue;
    }
    print_returned(e.name);
    for (const reference::Value& value : results)
      std::printf(" %llx", static_cast<unsigned long long>(value.low));
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  test::catch_faults();
  const bool is_reference = argc > 1 && std::strcmp(argv[1], "--reference") == 0;
  for (int i = is_reference ? 2 : 1; i < argc; ++i) {
    const std::string path = argv[i];
    std::printf("module %s\n", path.substr(path.rfind('/') + 1).c_str());
    std::fflush(stdout);  // a crash then names its module
    std::vector<std::byte> bytes = test::read_file(path);
    is_reference ? run_reference(bytes) : run_engine(std::move(bytes));
    std::fflush(stdout);
  }
  return 0;
}
