// SPDX-License-Identifier: MIT
// Tests only: modules written byte by byte, and instances of them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/engine/linux_host.h"
#include "wasm/compile.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace nebulet::test {

class Bytes {
 public:
  Bytes() = default;
  Bytes(std::initializer_list<int> bytes) { add(bytes); }
  Bytes& add(std::initializer_list<int> bytes) {
    for (const int b : bytes) out_.push_back(static_cast<std::byte>(b));
    return *this;
  }
  Bytes& add(const Bytes& more) {
    out_.insert(out_.end(), more.out_.begin(), more.out_.end());
    return *this;
  }
  Bytes& u(std::uint64_t value) {
    do {
      out_.push_back(static_cast<std::byte>((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
      value >>= 7;
    } while (value != 0);
    return *this;
  }
  Bytes& s(std::int64_t value) {
    for (;;) {
      const auto low = static_cast<std::uint8_t>(value & 0x7f);
      value >>= 7;
      const bool last = (value == 0 && !(low & 0x40)) || (value == -1 && (low & 0x40));
      out_.push_back(static_cast<std::byte>(low | (last ? 0 : 0x80)));
      if (last) return *this;
    }
  }
  Bytes& name(std::string_view text) {
    u(text.size());
    for (const char c : text) out_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  /// A length and as many bytes.
  Bytes& sized(const Bytes& more) { return u(more.out_.size()).add(more); }
  /// A count and as many items.
  Bytes& vector(const std::vector<Bytes>& items) {
    u(items.size());
    for (const Bytes& item : items) add(item);
    return *this;
  }
  Bytes& section(int id, const Bytes& contents) { return add({id}).sized(contents); }
  const std::vector<std::byte>& get() const { return out_; }

 private:
  std::vector<std::byte> out_;
};

inline Bytes module_header() { return {0, 'a', 's', 'm', 1, 0, 0, 0}; }

/// Stores, stacks and modules of one test; every module's bytes live as long.
struct Engine {
  LinuxHost host;
  wasm::Store store{host};
  std::unique_ptr<wasm::WasmStack> stack = wasm::WasmStack::create(host, nullptr);

  wasm::ModuleCodeRef compile(std::vector<std::byte> bytes) {
    kept.push_back(std::make_unique<std::vector<std::byte>>(std::move(bytes)));
    auto module = wasm::decode_module(*kept.back());
    EXPECT_TRUE(module) << module.error().message << " at " << module.error().offset;
    if (!module) return {};
    auto code = wasm::compile_module(*module);
    EXPECT_TRUE(code) << code.error().message;
    if (!code) return {};
    auto made = wasm::ModuleCode::create(host, {}, std::move(*module), std::move(**code));
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : wasm::ModuleCodeRef();
  }
  wasm::Instance* instantiate(const wasm::ModuleCodeRef& code,
                              std::initializer_list<wasm::Extern> imports = {}) {
    if (!code) return nullptr;
    auto made = store.instantiate(code, std::span(imports.begin(), imports.size()));
    EXPECT_TRUE(made) << made.error().message;
    return made ? made->instance : nullptr;
  }
  wasm::Outcome call(wasm::Instance& on, std::uint32_t function, std::initializer_list<wasm::Value> args,
                     std::span<wasm::Value> results) {
    return wasm::invoke(*stack, on.function(function), std::span(args.begin(), args.size()), results);
  }

  std::vector<std::unique_ptr<std::vector<std::byte>>> kept;
};

}  // namespace nebulet::test
