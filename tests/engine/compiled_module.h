// SPDX-License-Identifier: MIT
// Modules written byte by byte, compiled, and called. Function types are made as they are needed; memory 0
// has one page.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <vector>

#include "tests/engine/linux_host.h"
#include "tests/engine/simd_model.h"
#include "wasm/binary/opcodes.h"
#include "wasm/compile.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace nebulet::test {

/// The bytes of a function's body or of a section.
struct Code {
  std::vector<std::uint8_t> bytes;

  Code& byte(unsigned b) {
    bytes.push_back(static_cast<std::uint8_t>(b));
    return *this;
  }
  Code& number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) byte(0x80 | (n & 0x7f));
    return byte(static_cast<unsigned>(n));
  }
  Code& signed_number(std::int64_t n) {
    for (;; n >>= 7) {
      const bool last = n >= -64 && n < 64;
      byte(static_cast<unsigned>(n & 0x7f) | (last ? 0 : 0x80));
      if (last) return *this;
    }
  }
  Code& append(const Code& other) {
    bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
    return *this;
  }
  Code& op(wasm::Opcode op) {
    const auto code = static_cast<std::uint32_t>(op);
    if (code < 0x100) return byte(code);
    return byte(code >> 12).number(code & 0xfff);
  }
  Code& get(unsigned local) { return op(wasm::Opcode::local_get).number(local); }
  Code& set(unsigned local) { return op(wasm::Opcode::local_set).number(local); }
  Code& i32(std::int32_t value) { return op(wasm::Opcode::i32_const).signed_number(value); }
  Code& vector(const V128& value) {
    op(wasm::Opcode::v128_const);
    bytes.insert(bytes.end(), value.bytes.begin(), value.bytes.end());
    return *this;
  }
  /// A load or store without static alignment.
  Code& access(wasm::Opcode what, std::uint64_t offset = 0) { return op(what).number(0).number(offset); }
  /// A length and so many bytes.
  Code& prefixed(const Code& content) { return number(content.bytes.size()).append(content); }
};

class CompiledModule {
 public:
  struct Function {
    std::vector<wasm::ValType> params, results, locals;
    Code body;
  };
  struct Global {
    wasm::ValType type;
    Code init;
  };

  /// Adds a function and returns its index. All of them are in table 0, in order.
  std::uint32_t add(Function function) {
    functions_.push_back(std::move(function));
    return static_cast<std::uint32_t>(functions_.size() - 1);
  }
  /// A mutable global.
  void add_global(Global global) { globals_.push_back(std::move(global)); }

  /// False (with a failed expectation) if the engine refuses the module.
  bool start(wasm::Effort effort = wasm::Effort::automatic) {
    std::vector<std::byte> module_bytes = encode();
    auto module = wasm::decode_module(module_bytes);
    if (!module) return fail(module.error());
    auto code = wasm::compile_module(*module, nullptr, {}, effort);
    if (!code) return fail(code.error());
    auto made =
        wasm::ModuleCode::create(host_, std::move(module_bytes), std::move(*module), std::move(**code));
    if (!made) return fail(made.error());
    store_ = std::make_unique<wasm::Store>(host_);
    auto instantiated = store_->instantiate(*made, {});
    if (!instantiated) return fail(instantiated.error());
    instance_ = instantiated->instance;
    catch_faults();
    stack_ = wasm::WasmStack::create(host_, nullptr);
    return stack_ != nullptr;
  }

  wasm::Outcome call(std::uint32_t function, std::span<const V128> args, std::span<V128> results) {
    std::vector<wasm::Value> values(args.size()), out(results.size());
    for (std::size_t i = 0; i < args.size(); ++i) values[i] = {args[i].low(), args[i].high()};
    wasm::Outcome outcome = wasm::invoke(*stack_, instance_->function(function), values, out);
    for (std::size_t i = 0; i < results.size(); ++i) results[i] = V128::of(out[i].low, out[i].high);
    return outcome;
  }
  /// The only result; a trap is a failure.
  V128 call(std::uint32_t function, std::initializer_list<V128> args) {
    V128 result;
    const wasm::Outcome outcome = call(function, std::span(args.begin(), args.size()), std::span(&result, 1));
    EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::returned);
    return result;
  }
  bool traps(std::uint32_t function, std::initializer_list<V128> args) {
    std::vector<V128> results(functions_[function].results.size());
    const wasm::Outcome outcome = call(function, std::span(args.begin(), args.size()), results);
    return outcome.kind == wasm::Outcome::Kind::trapped && outcome.trap == wasm::Trap::memory_out_of_bounds;
  }
  std::byte* memory() { return reinterpret_cast<std::byte*>(instance_->memory()->base()); }
  std::size_t type_count() const { return types_.size(); }
  /// Index of the type of a function that was added.
  std::uint32_t type_of(std::uint32_t function) {
    return type_index({functions_[function].params, functions_[function].results});
  }

 private:
  using Type = std::pair<std::vector<wasm::ValType>, std::vector<wasm::ValType>>;

  static bool fail(const wasm::Error& error) {
    ADD_FAILURE() << error.message << " at " << error.offset;
    return false;
  }
  std::uint32_t type_index(const Type& type) {
    for (std::uint32_t i = 0; i < types_.size(); ++i)
      if (types_[i] == type) return i;
    types_.push_back(type);
    return static_cast<std::uint32_t>(types_.size() - 1);
  }
  static Code types_of(const std::vector<wasm::ValType>& types) {
    Code code;
    code.number(types.size());
    for (const wasm::ValType& type : types) code.byte(static_cast<unsigned>(type.kind));
    return code;
  }
  std::vector<std::byte> encode() {
    Code declarations, bodies, elements, globals, types;
    declarations.number(functions_.size());
    bodies.number(functions_.size());
    elements.number(1).number(0).i32(0).byte(0x0b).number(functions_.size());
    for (std::uint32_t i = 0; i < functions_.size(); ++i) {
      const Function& function = functions_[i];
      declarations.number(type_index({function.params, function.results}));
      Code body;
      body.number(function.locals.size());
      for (const wasm::ValType& type : function.locals) body.number(1).byte(static_cast<unsigned>(type.kind));
      bodies.prefixed(body.append(function.body).byte(0x0b));
      elements.number(i);
    }
    types.number(types_.size());
    for (const Type& type : types_)
      types.byte(0x60).append(types_of(type.first)).append(types_of(type.second));
    globals.number(globals_.size());
    for (const Global& global : globals_)
      globals.byte(static_cast<unsigned>(global.type.kind)).byte(1).append(global.init).byte(0x0b);
    Code module;
    for (const unsigned b : {0, 0x61, 0x73, 0x6d, 1, 0, 0, 0}) module.byte(b);
    module.byte(1).prefixed(types);
    module.byte(3).prefixed(declarations);
    module.byte(4).prefixed(Code().number(1).byte(0x70).byte(0).number(functions_.size()));
    module.byte(5).prefixed(Code().number(1).byte(1).number(1).number(1));
    module.byte(6).prefixed(globals);
    module.byte(9).prefixed(elements);
    module.byte(10).prefixed(bodies);
    std::vector<std::byte> result(module.bytes.size());
    std::memcpy(result.data(), module.bytes.data(), result.size());
    return result;
  }

  std::vector<Function> functions_;
  std::vector<Global> globals_;
  std::vector<Type> types_;
  LinuxHost host_;
  std::unique_ptr<wasm::Store> store_;
  std::unique_ptr<wasm::WasmStack> stack_;
  wasm::Instance* instance_ = nullptr;
};

}  // namespace nebulet::test
