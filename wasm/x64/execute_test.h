// SPDX-License-Identifier: MIT
// For tests: builds IR functions, takes them through selection, allocation, emission and the verifier, and
// runs them.
#pragma once

#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "wasm/ir/cfg.h"
#include "wasm/ir/verify.h"
#include "wasm/regalloc/regalloc.h"
#include "wasm/verify/verify.h"
#include "wasm/x64/emit.h"
#include "wasm/x64/registers.h"
#include "wasm/x64/select.h"

extern "C" void nb_test_call(const void* code, void* registers, void* context, void* memory);

namespace nebulet::wasm::x64::test {

using ir::Op;
using ir::Type;
using ir::Value;

inline ValType val_type(Type type) {
  if (type == Type::ref) return kExternRef;
  if (type == Type::funcref) return kFuncRef;
  return type == Type::i32 ? kI32 : type == Type::i64 ? kI64 : type == Type::f32 ? kF32 : kF64;
}

/// One function of a single block, or of several made with `block` and `end`.
class Builder {
 public:
  Builder(Arena& arena, std::span<const Type> params) : f(arena) {
    std::vector<Value> values;
    for (Type type : params)
      values.push_back(
          f.add({.op = Op::param, .type = type, .imm = static_cast<std::int64_t>(values.size())}, 0));
    begin(values);
  }
  void begin(const std::vector<Value>& params) {
    const std::uint32_t at = f.pool.size();
    for (Value v : params) f.pool.push_back(v.index);
    f.blocks.push_back(
        {.first = f.order.size(), .params = at, .param_count = static_cast<std::uint32_t>(params.size())});
  }
  Value emit(const ir::Inst& inst) {
    const Value v = f.add(inst, 1);
    f.order.push_back(v);
    ++f.blocks.back().count;
    return v;
  }
  Value param(std::uint32_t i) { return f.params(ir::Block(0))[i]; }
  Value constant(Type type, std::uint64_t bits) {
    const bool is_float = type == Type::f32 || type == Type::f64;
    if (type == Type::i32 || type == Type::f32) bits &= 0xffffffff;
    return emit(
        {.op = is_float ? Op::fconst : Op::iconst, .type = type, .imm = static_cast<std::int64_t>(bits)});
  }
  Value load(Type type, std::uint32_t address) {
    return emit({.op = Op::load, .type = type, .a = constant(Type::i32, address)});
  }
  void ret(Type type, Value v) { ret(std::vector{type}, {v}); }
  void ret(const std::vector<Type>& types, const std::vector<Value>& values) {
    emit({.op = Op::return_, .args = list(values), .count = static_cast<std::uint32_t>(values.size())});
    f.results.clear();
    for (Type type : types) f.results.push_back(type);
  }
  std::uint32_t list(const std::vector<Value>& values) {
    const std::uint32_t at = f.pool.size();
    for (Value v : values) f.pool.push_back(v.index);
    return at;
  }
  /// The results of a call to `function`, or through table 0 at `element`.
  std::vector<Value> call(std::uint32_t callee, const std::vector<Value>& args,
                          const std::vector<Type>& results, Value element = Value()) {
    const Op op = element.valid() ? Op::call_indirect : Op::call;
    const std::uint32_t at = list(args);
    const std::int64_t imm = element.valid() ? std::int64_t{callee} << 32 : std::int64_t{callee};
    std::vector<Value> values = {emit({.op = op,
                                       .type = results.empty() ? Type::none : results[0],
                                       .a = element,
                                       .args = at,
                                       .count = static_cast<std::uint32_t>(args.size()),
                                       .imm = imm})};
    for (std::size_t i = 1; i < results.size(); ++i)
      values.push_back(
          emit({.op = Op::result, .type = results[i], .a = values[0], .imm = static_cast<std::int64_t>(i)}));
    return values;
  }
  /// An edge from the current block.
  std::uint32_t edge(std::uint32_t to, const std::vector<Value>& args = {}) {
    f.edges.push_back({.from = ir::Block(f.blocks.size() - 1),
                       .to = ir::Block(to),
                       .args = list(args),
                       .count = static_cast<std::uint32_t>(args.size())});
    return f.edges.size() - 1;
  }
  void jump(std::uint32_t to, const std::vector<Value>& args) { emit({.op = Op::br, .imm = edge(to, args)}); }
  /// Begins a block with parameters.
  std::vector<Value> begin_with(std::initializer_list<Type> types) {
    std::vector<Value> values;
    for (Type type : types)
      values.push_back(
          f.add({.op = Op::param, .type = type, .imm = static_cast<std::int64_t>(values.size())}, 0));
    begin(values);
    return values;
  }
  ir::Function f;
};

struct Outcome {
  std::optional<ir::Trap> trap;
  std::uint64_t gpr = 0, vec = 0;
};

inline sigjmp_buf trap_return;
inline std::uintptr_t trap_pc;
inline volatile bool in_generated_code = false;
inline void on_trap(int number, siginfo_t*, void* context) {
  if (!in_generated_code) {  // a defect of the compiler itself
    signal(number, SIG_DFL);
    return;
  }
  in_generated_code = false;
  trap_pc = static_cast<std::uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  siglongjmp(trap_return, 1);
}

/// False if the code trapped. Nothing but the constants survives in this frame, so no local is used after the
/// jump.
[[gnu::noinline]] inline bool call_guarded(const void* code, void* registers, void* context, void* memory) {
  if (sigsetjmp(trap_return, 0)) return false;
  in_generated_code = true;
  nb_test_call(code, registers, context, memory);
  in_generated_code = false;
  return true;
}

/// A module under construction, then its code in memory.
class Program {
 public:
  Program() : builder_(module_) {
    module_.memories.push_back({});
    for (int signal : {SIGILL, SIGFPE, SIGSEGV}) {
      struct sigaction action = {};
      action.sa_sigaction = on_trap;
      action.sa_flags = SA_SIGINFO | SA_NODEFER;
      sigaction(signal, &action, nullptr);
    }
    memory = static_cast<std::byte*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  ~Program() {
    munmap(memory, 4096);
    if (code_) munmap(code_, code_size_);
  }

  /// Adds what `build` makes of a Builder; returns the function's number.
  template <class Build>
  std::uint32_t add(std::initializer_list<Type> params, Build build) {
    return add(std::span(params.begin(), params.size()), build);
  }
  template <class Build>
  std::uint32_t add(std::span<const Type> params, Build build) {
    Arena arena;
    Builder b(arena, params);
    build(b);
    FuncType type;
    for (Type t : params) type.params.push_back(val_type(t));
    for (Type t : b.f.results) type.results.push_back(val_type(t));
    const auto index = static_cast<std::uint32_t>(module_.functions.size());
    module_.functions.push_back({.type = static_cast<std::uint32_t>(module_.types.size())});
    module_.types.push_back(type);
    b.f.index = index;
    ir::compute_cfg(b.f);
    ir::split_critical_edges(b.f);
    EXPECT_EQ(ir::verify(b.f), "");
    mir::Function machine = select(b.f, module_, ContextLayout::of(module_), arena);
    const regalloc::Registers registers{.allocatable = kAllocatable, .vec_scratch = kVecScratch};
    const regalloc::Result allocation = regalloc::allocate(machine, registers, arena);
    EXPECT_TRUE(builder_.add(machine, allocation).has_value());
    return index;
  }
  void finish() {
    object = builder_.finish();
    const auto verified = verify_code(object, module_);
    EXPECT_TRUE(verified.has_value()) << (verified ? "" : verified.error().message);
    code_size_ = object.text.size() + ((object.rodata.size() + 4095) & ~std::size_t{4095});
    code_ = static_cast<std::byte*>(
        mmap(nullptr, code_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memcpy(code_, object.text.data(), object.text.size());
    if (!object.rodata.empty())
      std::memcpy(code_ + object.text.size(), object.rodata.data(), object.rodata.size());
    mprotect(code_, code_size_, PROT_READ | PROT_EXEC);
  }
  /// Arguments a and b are passed in the registers of both classes.
  Outcome run(std::uint32_t function, std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) {
    std::uint64_t registers[5] = {a, b, a, b, c};
    Outcome outcome;
    if (!call_guarded(code_ + object.functions[function].begin, registers, context, memory)) {
      const auto pc = static_cast<std::uint32_t>(trap_pc - reinterpret_cast<std::uintptr_t>(code_));
      for (const TrapSite& site : object.traps)
        if (site.pc == pc) outcome.trap = site.trap;
      EXPECT_TRUE(outcome.trap.has_value()) << "fault at " << pc;
      return outcome;
    }
    outcome.gpr = registers[0];
    outcome.vec = registers[2];
    return outcome;
  }
  template <class T>
  void poke(std::uint32_t at, T value) {
    std::memcpy(memory + at, &value, sizeof value);
  }
  template <class T>
  T peek(std::uint32_t at) const {
    T value;
    std::memcpy(&value, memory + at, sizeof value);
    return value;
  }
  /// The bytes of a function, for llvm-mc-19 -disassemble.
  std::string dump(std::uint32_t function) const {
    std::string text;
    constexpr char kDigits[] = "0123456789abcdef";
    for (std::uint32_t i = object.functions[function].begin; i < object.functions[function].end; ++i) {
      const auto b = static_cast<unsigned>(object.text[i]);
      text += {'0', 'x', kDigits[b >> 4], kDigits[b & 15], ' '};
    }
    return text;
  }

  Module& module() { return module_; }
  ContextLayout layout() const { return ContextLayout::of(module_); }
  const std::byte* code() const { return code_; }

  CodeObject object;
  std::byte* memory;
  alignas(32) std::byte context[2048] = {};

 private:
  Module module_;
  CodeBuilder builder_;
  std::byte* code_ = nullptr;
  std::size_t code_size_ = 0;
};

}  // namespace nebulet::wasm::x64::test
