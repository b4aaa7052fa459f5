// SPDX-License-Identifier: MIT
// libFuzzer target: a module made of the input (generate.h), compiled and run by the engine and interpreted
// by the reference interpreter. Results, traps, memories, globals and tables must agree. NB_FUZZ_DUMP=FILE
// writes the module of each input, NB_FUZZ_CODE=FILE its machine code; NB_FUZZ_FEATURES is a set of
// fuzz::feature.
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "tests/engine/linux_host.h"
#include "tests/fuzz/generate.h"
#include "tests/reference/store.h"
#include "wasm/compile.h"
#include "wasm/runtime/gc_store.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace {

using namespace nebulet;
using fuzz::Choices;

constexpr unsigned kCalls = 6;

std::uint64_t mix(std::uint32_t a, std::uint64_t b, std::uint32_t c, std::uint64_t d) {
  return (a * 0x9e3779b97f4a7c15ull) ^ (b << 7 | b >> 57) ^ (std::uint64_t{c} << 20) ^ (d * 31);
}
std::uint64_t host_mix(void*, wasm::InstanceContext*, std::uint32_t a, std::uint64_t b, float c, double d) {
  return mix(a, b, std::bit_cast<std::uint32_t>(c), std::bit_cast<std::uint64_t>(d));
}

struct Counts {
  std::uint64_t executions = 0, refused = 0, calls = 0, traps = 0, exceptions = 0;
  std::string last_refusal;
  std::map<std::string, std::uint64_t> by_trap;
  ~Counts() {
    for (const auto& [trap, count] : by_trap)
      std::fprintf(stderr, "%s: %llu\n", trap.c_str(), static_cast<unsigned long long>(count));
    std::fprintf(stderr, "%llu modules, %llu refused%s%s; %llu calls, of which %llu trapped and %llu threw\n",
                 static_cast<unsigned long long>(executions), static_cast<unsigned long long>(refused),
                 refused ? ", last: " : "", last_refusal.c_str(), static_cast<unsigned long long>(calls),
                 static_cast<unsigned long long>(traps), static_cast<unsigned long long>(exceptions));
  }
} g_counts;

std::uint64_t g_inputs = 0;

[[noreturn]] void finding(const std::string& what) {
  std::fprintf(stderr, "input %llu: ", static_cast<unsigned long long>(g_inputs));
  std::fprintf(stderr, "the engine and the reference differ: %s\n", what.c_str());
  std::abort();
}

void expect(bool ok, const std::string& what) {
  if (!ok) finding(what);
}

/// How a call ended, in words that both share.
std::string text_of(const wasm::Outcome& outcome) {
  switch (outcome.kind) {
    case wasm::Outcome::Kind::returned: return "returned";
    case wasm::Outcome::Kind::trapped: {
      const std::string_view text = wasm::ir::trap_text(outcome.trap);
      return text.starts_with("null ") ? "null reference" : std::string(text);
    }
    default: return "exception";
  }
}
std::string text_of(const reference::Outcome& outcome) {
  switch (outcome.kind) {
    case reference::Outcome::Kind::returned: return "returned";
    case reference::Outcome::Kind::trapped:
      return std::string_view(outcome.trap).starts_with("null ") ? "null reference" : outcome.trap;
    case reference::Outcome::Kind::thrown: return "exception";
    case reference::Outcome::Kind::out_of_fuel: return "out of fuel";
  }
  return {};
}
/// Limits are where the two may differ.
bool is_limit(std::string_view text) {
  return text == "call stack exhausted" || text == "out of memory" || text == "out of fuel";
}

class Comparison {
 public:
  Comparison(wasm::Instance& engine, reference::Instance& judge, reference::Store& judge_store)
      : engine_(engine), judge_(judge), judge_store_(judge_store) {}

  bool same(const wasm::Value& ours, const reference::Value& theirs, const fuzz::Type& type) const {
    if (type == fuzz::kI32 || type == fuzz::kF32)
      return static_cast<std::uint32_t>(ours.low) == static_cast<std::uint32_t>(theirs.low);
    if (type == fuzz::kI64 || type == fuzz::kF64) return ours.low == theirs.low;
    if (type == fuzz::kV128) return ours.low == theirs.low && ours.high == theirs.high;
    return same_reference(static_cast<std::uint32_t>(ours.low), theirs.low);
  }
  bool same_reference(std::uint32_t ours, std::uint64_t theirs) const {
    if (theirs == 0 || ours == 0) return theirs == 0 && ours == 0;
    if (theirs & 1) return ours == static_cast<std::uint32_t>(theirs);
    if (!reference::is_object(theirs)) return (ours & 7) == 2 && ours >> 3 == theirs >> 2;
    const auto& object = reference::object(theirs);
    if (object.kind != reference::Object::Kind::function) return (ours & 7) == 0;
    const auto& function = static_cast<const reference::Function&>(object);
    return ours - engine_.ref_base() == (function.instance ? function.index : 0);
  }

  void globals(const fuzz::Plan& plan) const {
    for (std::uint32_t i = 0; i < plan.globals.size(); ++i)
      expect(same(*engine_.global(i).cell, judge_.globals[i]->value, plan.globals[i].type),
             "global " + std::to_string(i));
  }
  void tables(const fuzz::Plan& plan) const {
    for (std::uint32_t i = 0; i < plan.tables.size(); ++i) {
      const auto& theirs = judge_.tables[i]->elements;
      const wasm::Table& ours = engine_.table(i);
      expect(ours.size() == theirs.size(), "size of table " + std::to_string(i));
      for (std::uint32_t k = 0; k < ours.size(); ++k)
        expect(same_reference(ours.get(k), theirs[k]),
               "element " + std::to_string(k) + " of table " + std::to_string(i));
    }
  }
  void memories(const fuzz::Plan& plan) const {
    static std::byte buffer[65536];
    for (std::uint32_t i = 0; i < plan.memories.size(); ++i) {
      const auto& theirs = judge_.memories[i]->bytes;
      const wasm::Memory& ours = *engine_.memory(i);
      expect(ours.size() == theirs.size(), "size of memory " + std::to_string(i));
      for (std::uint64_t at = 0; at < theirs.size(); at += sizeof buffer) {
        const std::uint64_t count = std::min<std::uint64_t>(sizeof buffer, theirs.size() - at);
        expect(ours.read(at, {buffer, count}) == wasm::GuestResult::ok,
               "memory " + std::to_string(i) + " cannot be read");
        if (std::memcmp(buffer, theirs.data() + at, count) == 0) continue;
        std::uint64_t differs = 0;
        while (static_cast<std::uint8_t>(buffer[differs]) == theirs[at + differs]) ++differs;
        finding("memory " + std::to_string(i) + " at " + std::to_string(at + differs));
      }
    }
  }

  /// False: a limit was reached, there is nothing more to compare.
  bool call(wasm::WasmStack& stack, const fuzz::Plan& plan, std::uint32_t function, Choices& in,
            unsigned round) {
    const fuzz::Signature& signature = plan.signature_of(function);
    std::vector<wasm::Value> args, results(signature.results.size());
    std::vector<reference::Value> judge_args, judge_results;
    for (const fuzz::Type& type : signature.params) {
      const reference::Value value = argument(type, in, round++);
      judge_args.push_back(value);
      args.push_back({.low = value.low, .high = value.high});
    }
    engine_.global(0).cell->low = fuzz::kFuel;
    judge_.globals[0]->value.low = fuzz::kFuel;
    const std::string theirs =
        text_of(judge_store_.invoke(*judge_.functions[function], judge_args, judge_results));
    if (is_limit(theirs)) return false;
    const std::string ours = text_of(wasm::invoke(stack, engine_.function(function), args, results));
    if (is_limit(ours)) return false;
    ++g_counts.calls;
    if (ours != "returned" && ours != "exception") ++g_counts.traps, ++g_counts.by_trap[ours];
    g_counts.exceptions += ours == "exception";
    const std::string where = "function " + std::to_string(function) + ", ";
    expect(ours == theirs, where + "the engine: " + ours + ", the reference: " + theirs);
    for (std::size_t i = 0; ours == "returned" && i < results.size(); ++i)
      expect(same(results[i], judge_results[i], signature.results[i]), where + "result " + std::to_string(i));
    globals(plan);
    return true;
  }

 private:
  static reference::Value argument(const fuzz::Type& type, Choices& in, unsigned round) {
    static constexpr std::uint64_t kWords[] = {0,   1,          ~0ull,      0x7fffffff, 0x80000000,
                                               100, 0xffffffff, 1ull << 63, 65535,      0x123456789abcdef0};
    static constexpr std::uint32_t kFloats[] = {0,          0x80000000, 0x3fc00000, 0xff7fffff,
                                                0x4f000000, 1,          0x7f800000, 0x7fc00000};
    static constexpr std::uint64_t kDoubles[] = {
        0, 1ull << 63,         0x3ff8000000000000, 0x43e0000000000000,
        1, 0x7ff0000000000000, 0x7ff8000000000000, 0xc1e0000000000000};
    const std::uint32_t choice = in.below(16) + round;
    switch (type.code) {
      case 0x7f: return {kWords[choice % 10] & 0xffffffff, 0};
      case 0x7e: return {kWords[choice % 10], 0};
      case 0x7d: return {kFloats[choice % 8], 0};
      case 0x7c: return {kDoubles[choice % 8], 0};
      case 0x7b: return {kWords[choice % 10], kDoubles[(choice + 3) % 8]};
      case 0x6c: return {(choice << 1) | 1, 0};
      default: return {};
    }
  }

  wasm::Instance& engine_;
  reference::Instance& judge_;
  reference::Store& judge_store_;
};

/// What the engine refuses for a limit or as unsupported is no finding; that it refuses for another reason is
/// one.
bool refused(const wasm::Error& error) {
  if (error.kind != wasm::Error::Kind::limit &&
      !std::string_view(error.message).contains("unsupported feature"))
    finding("refused: " + error.message + " at " + std::to_string(error.offset));
  ++g_counts.refused;
  g_counts.last_refusal = error.message;
  return true;
}

/// A heap under stress, for its first allocations only: programs that allocate much with a deep stack would
/// otherwise collect for a minute.
class GcStress {
 public:
  void begin(wasm::GcHeap& heap, wasm::GcHeap::Stress kind) {
    heap_ = &heap;
    heap.set_stress(kind);
    heap.set_observer({.begin = nullptr, .end = count, .state = this});
  }

 private:
  static constexpr unsigned kAllocations = 500;
  static void count(void* state) {
    auto& self = *static_cast<GcStress*>(state);
    if (++self.allocations_ == kAllocations) self.heap_->set_stress(wasm::GcHeap::Stress::none);
  }

  wasm::GcHeap* heap_ = nullptr;
  unsigned allocations_ = 0;
};

/// Writes the file that the environment names.
void dump(const char* variable, std::span<const std::byte> bytes) {
  const char* path = std::getenv(variable);
  std::FILE* file = path ? std::fopen(path, "wb") : nullptr;
  if (!file) return;
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
}

std::uint32_t features() {
  static const std::uint32_t set = [] {
    const char* text = std::getenv("NB_FUZZ_FEATURES");
    return text ? static_cast<std::uint32_t>(std::strtoul(text, nullptr, 0)) : fuzz::feature::all;
  }();
  return set;
}

void run(const std::uint8_t* data, std::size_t size) {
  Choices in(data, size);
  const fuzz::Generated made = fuzz::generate_module(in, features());
  dump("NB_FUZZ_DUMP", std::as_bytes(std::span(made.bytes)));
  g_inputs = ++g_counts.executions;
  static test::LinuxHost host;
  static const auto stack = wasm::WasmStack::create(host, nullptr);

  std::vector<std::byte> bytes(made.bytes.size());
  std::memcpy(bytes.data(), made.bytes.data(), bytes.size());
  auto module = wasm::decode_module(bytes);
  if (!module && refused(module.error())) return;
  const auto effort = size % 5 == 4 ? wasm::Effort::segments : wasm::Effort::automatic;
  auto code = wasm::compile_module(*module, nullptr, {}, effort);
  if (!code && refused(code.error())) return;
  dump("NB_FUZZ_CODE", (*code)->text);
  auto compiled = wasm::ModuleCode::create(host, std::move(bytes), std::move(*module), std::move(**code));
  if (!compiled && refused(compiled.error())) return;
  wasm::Store store(host);
  GcStress stress;
  if (made.plan.has_gc && size % 4 < 2) {
    wasm::StoreGc* gc = store.make_gc();
    expect(gc != nullptr, "no heap");
    stress.begin(gc->heap(), size % 4 ? wasm::GcHeap::Stress::collect : wasm::GcHeap::Stress::step);
  }
  const wasm::Extern import = *store.host_function(
      {{wasm::kI32, wasm::kI64, wasm::kF32, wasm::kF64}, {wasm::kI64}}, wasm::host_code(host_mix), nullptr);
  auto instance = store.instantiate(*compiled, {&import, 1});
  if (!instance && refused(instance.error())) return;

  reference::Store judge(
      {.steps = 10'000'000, .calls = 1000, .memory = 1 << 20, .table = 1000, .heap = 1 << 20});
  auto decoded = reference::decode(made.bytes);
  expect(decoded.has_value(), "the reference does not decode the module");
  reference::DefType type;
  type.params = {{0x7f}, {0x7e}, {0x7d}, {0x7c}};
  type.results = {{0x7e}};
  reference::Function* judge_import = judge.host_function(type, [](auto args, auto& results) {
    results = {{mix(static_cast<std::uint32_t>(args[0].low), args[1].low,
                    static_cast<std::uint32_t>(args[2].low), args[3].low),
                0}};
    return reference::Outcome{};
  });
  const auto judged = judge.instantiate(std::move(*decoded), [&](const reference::Import&) {
    return reference::Extern{.kind = reference::Kind::function, .function = judge_import};
  });
  expect(judged.instance != nullptr, "the reference does not instantiate the module: " + judged.error);
  const std::string theirs = text_of(judged.outcome);
  const std::string ours = instance->trap ? wasm::ir::trap_text(*instance->trap) : "returned";
  expect(ours == theirs, "instantiation: the engine: " + ours + ", the reference: " + theirs);
  if (ours != "returned") return;

  Comparison comparison(*instance->instance, *judged.instance, judge);
  const auto functions = static_cast<std::uint32_t>(made.plan.functions.size());
  for (unsigned i = 0; i < kCalls; ++i)
    if (!comparison.call(*stack, made.plan, 1 + i % (functions - 1), in, i * 3)) return;
  comparison.memories(made.plan);
  comparison.tables(made.plan);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  nebulet::test::catch_faults();  // libFuzzer leaves handlers alone that are there before it
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(data, size);
  return 0;
}
