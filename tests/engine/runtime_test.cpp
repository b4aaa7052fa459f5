// SPDX-License-Identifier: MIT
// The runtime without the compiler: modules are declared by hand, their code comes from runtime_test_code.S.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "tests/engine/linux_host.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"
#include "wasm/runtime/types.h"

#define CODES(X)       \
  X(add)               \
  X(unreachable)       \
  X(calls_unreachable) \
  X(load)              \
  X(store)             \
  X(recurse)           \
  X(import) X(import_ten) X(weigh) X(ten_results) X(import_ten_results) X(grow) X(fill) X(divide) X(end)
#define DECLARE(name) extern "C" const std::byte code_##name[];
CODES(DECLARE)
extern "C" const std::byte code_begin[], trap_unreachable[], return_unreachable[], trap_load[], trap_store[],
    return_recurse[], return_import[], trap_weigh[], return_fill[], trap_divide[];

namespace nebulet::wasm {
namespace {

std::uint32_t offset_of(const std::byte* label) { return static_cast<std::uint32_t>(label - code_begin); }

struct Code {
  const std::byte* label;
  std::uint32_t frame;
};

/// What the functions of every test module are, in the order of their code.
const std::vector<ValType> kTen(10, kI32);
struct Sample {
  Code code;
  FuncType type;
};
const std::vector<Sample>& samples() {
  static const auto* all = new std::vector<Sample>{
      {{code_add, 0}, {{kI32, kI32}, {kI32}}},
      {{code_unreachable, 0}, {}},
      {{code_calls_unreachable, 24}, {}},
      {{code_load, 0}, {{kI32}, {kI32}}},
      {{code_store, 0}, {{kI32, kI32}, {}}},
      {{code_recurse, 1000}, {}},
      {{code_import, 8}, {{}, {kI32}}},
      {{code_import_ten, 24}, {{}, {kI32}}},
      {{code_weigh, 0}, {kTen, {kI32}}},
      {{code_ten_results, 0}, {{}, kTen}},
      {{code_import_ten_results, 24}, {{}, {kI32}}},
      {{code_grow, 0}, {{kI32}, {kI32}}},
      {{code_fill, 0}, {{kI32, kI32, kI32}, {}}},
      {{code_divide, 0}, {{kI32, kI32}, {kI32}}},
  };
  return *all;
}
enum Index : std::uint32_t {
  add,
  unreachable,
  calls_unreachable,
  load,
  store,
  recurse,
  import,
  import_ten,
  weigh,
  ten_results,
  import_ten_results,
  grow,
  fill,
  divide
};

/// A module with all samples, one memory of `pages` (at most 3), and one imported function of type
/// `imported`.
struct ModuleWithCode {
  Module module;
  CodeObject code;
};
ModuleWithCode make_module(const FuncType& imported, std::uint64_t pages) {
  ModuleWithCode made;
  Module& module = made.module;
  module.types.push_back(imported);
  module.functions.push_back({.type = 0});
  module.imported_functions = 1;
  module.imports.push_back({.module = "env", .name = "import", .kind = ExternKind::function, .index = 0});
  module.memories.push_back({.limits = {.min = pages, .max = 3, .has_max = true}});
  made.code.text.assign(code_begin, code_end);
  made.code.text.resize((made.code.text.size() + 4095) & ~4095ull, std::byte{0xcc});
  for (std::size_t i = 0; i < samples().size(); ++i) {
    const Sample& sample = samples()[i];
    module.types.push_back(sample.type);
    module.functions.push_back({.type = static_cast<std::uint32_t>(module.types.size() - 1)});
    const std::byte* next = i + 1 < samples().size() ? samples()[i + 1].code.label : code_end;
    made.code.functions.push_back({.begin = offset_of(sample.code.label),
                                   .end = offset_of(next),
                                   .frame = sample.code.frame,
                                   .stack_args = sample.type.params.size() == 10 ? 16u : 0u,
                                   .stack_results = sample.type.results.size() == 10 ? 16u : 0u});
  }
  made.code.traps = {{offset_of(trap_unreachable), 100, Trap::unreachable},
                     {offset_of(trap_load), 101, Trap::memory_out_of_bounds},
                     {offset_of(trap_store), 102, Trap::memory_out_of_bounds},
                     {offset_of(trap_weigh), 103, Trap::memory_out_of_bounds},
                     {offset_of(trap_divide), 104, Trap::integer_overflow}};
  made.code.calls = {{offset_of(return_unreachable), 200},
                     {offset_of(return_recurse), 201},
                     {offset_of(return_import), 202},
                     {offset_of(return_fill), 203}};
  return made;
}

class Runtime : public testing::Test {
 protected:
  void SetUp() override {
    test::catch_faults();
    ASSERT_NE(stack, nullptr);
  }

  Instance& instance(const FuncType& imported, Extern given, std::uint64_t pages = 1) {
    ModuleWithCode made = make_module(imported, pages);
    auto code = ModuleCode::create(host, {}, std::move(made.module), std::move(made.code));
    auto result = objects.instantiate(*code, std::array{given});
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return *result->instance;
  }
  Instance& plain(std::uint64_t pages = 1) {
    return instance({}, *objects.host_function({}, host_code(+[](void*, InstanceContext*) {}), nullptr),
                    pages);
  }
  Outcome call(Instance& on, Index sample, std::vector<std::uint64_t> args, std::size_t result_count = 0) {
    std::vector<Value> values;
    for (const std::uint64_t arg : args) values.push_back({.low = arg});
    results.assign(result_count, {});
    return invoke(*stack, on.function(sample + 1), values, results);
  }

  test::LinuxHost host;
  Store objects{host};
  std::unique_ptr<WasmStack> stack = WasmStack::create(host, nullptr);
  std::vector<Value> results;
};

TEST_F(Runtime, CallsAFunctionAndReturnsItsResult) {
  EXPECT_EQ(call(plain(), add, {40, 2}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 42u);
}

TEST_F(Runtime, ReportsATrapWithItsPositionAndItsCallers) {
  const Outcome outcome = call(plain(), calls_unreachable, {});
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  EXPECT_EQ(outcome.trap, Trap::unreachable);
  EXPECT_EQ(outcome.position, 100u);
  ASSERT_EQ(outcome.backtrace.size(), 2u);
  EXPECT_EQ(outcome.backtrace[0].function, unreachable + 1);
  EXPECT_EQ(outcome.backtrace[1].function, calls_unreachable + 1);
  EXPECT_EQ(outcome.backtrace[1].position, 200u);
}

TEST_F(Runtime, CommitsMemoryOnFirstTouchAndTrapsBehindItsEnd) {
  Instance& one = plain();
  const std::uint64_t before = host.charged();
  EXPECT_EQ(call(one, store, {65532, 7}).kind, Outcome::Kind::returned);
  EXPECT_EQ(host.charged(), before + 4096);  // a small memory grows in small steps
  EXPECT_EQ(call(one, load, {65532}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 7u);
  for (const std::uint64_t address : {65536ull, 65533ull, 0x7fffffffull, 0xffffffffull}) {
    const Outcome outcome = call(one, load, {address}, 1);
    ASSERT_EQ(outcome.kind, Outcome::Kind::trapped) << address;
    EXPECT_EQ(outcome.trap, Trap::memory_out_of_bounds);
    EXPECT_EQ(outcome.position, 101u);
  }
}

// CVE-2024-47813: modules come and go on several threads, and an id means another type than before.
TEST(Types, IdsAreNeverUsedAgain) {
  constexpr int kThreads = 4, kRounds = 2'000, kSignatures = 12;
  // By signature, all ids that it ever had.
  std::vector<std::vector<std::set<std::uint32_t>>> seen(kThreads,
                                                         std::vector<std::set<std::uint32_t>>(kSignatures));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &seen] {
      for (int round = 0; round < kRounds; ++round) {
        const int signature = (round * 7 + t) % kSignatures;
        TypeDef type;
        type.function.params.assign(static_cast<std::size_t>(signature), kI64);
        type.function.results = {kF32, kF64};
        HeldTypes one, two;
        ASSERT_TRUE(one.add({&type, 1}) && two.add({&type, 1}));
        EXPECT_EQ(one[0].id, two[0].id);
        EXPECT_EQ(find_type(one[0].id), &one[0]);
        seen[t][signature].insert(one[0].id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::uint32_t, int> meaning;
  for (const auto& of_thread : seen)
    for (int signature = 0; signature < kSignatures; ++signature)
      for (const std::uint32_t id : of_thread[signature])
        EXPECT_EQ(meaning.try_emplace(id, signature).first->second, signature) << "id " << id;
  EXPECT_GT(meaning.size(), std::size_t{kSignatures}) << "no type was ever forgotten: the test shows nothing";
}

// CVE-2022-39392, -39393, CVE-2026-34988: pages of an earlier memory of the slot, or their permissions, are
// left.
TEST_F(Runtime, ASlotIsUsedAgainWithoutItsPast) {
  for (int round = 0; round < 6; ++round) {
    Store store_of_round(host);
    const std::uint64_t pages = round % 2 ? 1 : 3;
    ModuleWithCode made = make_module({}, pages);
    auto code = ModuleCode::create(host, {}, std::move(made.module), std::move(made.code));
    const Extern given =
        *store_of_round.host_function({}, host_code(+[](void*, InstanceContext*) {}), nullptr);
    Instance& one = *store_of_round.instantiate(*code, std::array{given})->instance;
    for (std::uint64_t address = 0; address < 3 * 65536; address += 4096) {
      const Outcome read = call(one, load, {address}, 1);
      if (address < pages * 65536) {
        ASSERT_EQ(read.kind, Outcome::Kind::returned) << address;
        EXPECT_EQ(results[0].low, 0u) << address;
        EXPECT_EQ(call(one, Index::store, {address, 0xa5a5a5a5}).kind, Outcome::Kind::returned);
      } else {
        ASSERT_EQ(read.kind, Outcome::Kind::trapped) << address;
      }
    }
    if (pages == 1) {
      call(one, grow, {2}, 1);
      for (std::uint64_t address = 65536; address < 3 * 65536; address += 4096) {
        ASSERT_EQ(call(one, load, {address}, 1).kind, Outcome::Kind::returned);
        EXPECT_EQ(results[0].low, 0u) << address;
      }
    }
  }
}

// GHSA-2hw9: what others may see of an operation that ends in the middle is whole elements.
TEST_F(Runtime, ABulkOperationThatTrapsLeavesWholeElements) {
  Instance& one = plain();
  const Outcome outcome = call(one, fill, {65000, 0xab, 1000});
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  call(one, load, {65000}, 1);
  EXPECT_EQ(results[0].low, 0u) << "bounds are looked at before anything is written";
}

TEST_F(Runtime, TrapsWhenTheQuotaIsExhausted) {
  Instance& one = plain();
  host.set_quota(host.charged());
  // The first 4 KiB are there, and charged, from the start.
  ASSERT_EQ(call(one, load, {4092}, 1).kind, Outcome::Kind::returned);
  const Outcome outcome = call(one, load, {4096}, 1);
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  EXPECT_EQ(outcome.trap, Trap::out_of_memory);
  std::byte bytes[4];
  EXPECT_EQ(one.memory()->read(4096, bytes), GuestResult::out_of_memory);
  host.set_quota(1 << 30);
  EXPECT_EQ(one.memory()->read(4096, bytes), GuestResult::ok);
  EXPECT_EQ(one.memory()->read(65533, bytes), GuestResult::out_of_bounds);
}

TEST_F(Runtime, GrowsUpToTheMaximum) {
  Instance& one = plain();
  call(one, grow, {2}, 1);
  EXPECT_EQ(results[0].low, 1u);
  call(one, grow, {1}, 1);
  EXPECT_EQ(results[0].low, 0xffffffffu);
  EXPECT_EQ(call(one, load, {3 * 65536 - 4}, 1).kind, Outcome::Kind::returned);
}

TEST_F(Runtime, BuiltinsTrapWithTheirCallersInTheBacktrace) {
  Instance& one = plain();
  EXPECT_EQ(call(one, fill, {100, 0xab, 1000}).kind, Outcome::Kind::returned);
  call(one, load, {1096}, 1);
  EXPECT_EQ(results[0].low, 0xababababu);
  const Outcome outcome = call(one, fill, {100, 0xab, 0xfffffff0});
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  EXPECT_EQ(outcome.trap, Trap::memory_out_of_bounds);
  ASSERT_EQ(outcome.backtrace.size(), 1u);
  EXPECT_EQ(outcome.position, 203u);
}

TEST_F(Runtime, TurnsStackOverflowIntoATrapAgainAndAgain) {
  Instance& one = plain();
  for (int round = 0; round < 3; ++round) {
    const Outcome outcome = call(one, recurse, {});
    ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
    EXPECT_EQ(outcome.trap, Trap::stack_exhausted);
    EXPECT_EQ(outcome.backtrace.size(), kMaxBacktrace);
  }
  EXPECT_EQ(call(one, add, {1, 2}, 1).kind, Outcome::Kind::returned);
}

TEST_F(Runtime, TurnsDivideErrorsIntoTraps) {
  const Outcome outcome = call(plain(), divide, {0x80000000, 0xffffffff}, 1);
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  EXPECT_EQ(outcome.trap, Trap::integer_overflow);
}

TEST_F(Runtime, PassesTenArgumentsToAHostFunction) {
  auto sum = +[](void* owner, InstanceContext*, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                 std::uint32_t d, std::uint32_t e, std::uint32_t f, std::uint32_t g, std::uint32_t h,
                 std::uint32_t i, std::uint32_t j) {
    *static_cast<std::uint32_t*>(owner) =
        a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
    return ~0ull;  // the stub must cut an i32 result to 32 bits
  };
  std::uint32_t seen = 0;
  const FuncType type{kTen, {kI32}};
  Instance& one = instance(type, *objects.host_function(type, host_code(sum), &seen));
  ASSERT_EQ(call(one, import_ten, {}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(seen, 385u);
  EXPECT_EQ(results[0].low, 0xffffffffu);
}

TEST_F(Runtime, CallsAnotherInstanceWithItsMemoryAndStackArguments) {
  Instance& callee = plain();
  const FuncType type{kTen, {kI32}};
  Instance& caller = instance(type, Extern::of(callee.function(weigh + 1)));
  const std::uint32_t word = 5000;
  ASSERT_EQ(callee.memory()->write(0, std::as_bytes(std::span(&word, 1))), GuestResult::ok);
  ASSERT_EQ(call(caller, import_ten, {}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 5000u + 9 * 100 + 10);
  EXPECT_EQ(call(caller, load, {0}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 0u);
}

TEST_F(Runtime, ReturnsStackResultsAcrossInstancesAndToCpp) {
  Instance& callee = plain();
  const FuncType type{{}, kTen};
  Instance& caller = instance(type, Extern::of(callee.function(ten_results + 1)));
  ASSERT_EQ(call(caller, import_ten_results, {}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 1920u);
  ASSERT_EQ(call(callee, ten_results, {}, 10).kind, Outcome::Kind::returned);
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(results[i].low, 11 + i);
  ASSERT_EQ(call(callee, weigh, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 910u);
}

TEST_F(Runtime, WalksFramesOfSeveralInstances) {
  Instance& callee = plain(0);  // no memory pages: weigh traps
  const FuncType type{kTen, {kI32}};
  Instance& caller = instance(type, Extern::of(callee.function(weigh + 1)));
  const Outcome outcome = call(caller, import_ten, {}, 1);
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  EXPECT_EQ(outcome.position, 103u);
  ASSERT_EQ(outcome.backtrace.size(), 2u);
  EXPECT_EQ(outcome.backtrace[1].function, import_ten + 1);
  EXPECT_EQ(outcome.backtrace[1].code, &caller.code());
  EXPECT_EQ(call(caller, load, {0}, 1).kind, Outcome::Kind::returned);  // the GS base is the caller's again
}

struct Nested {
  WasmStack* stack;
  Instance* instance = nullptr;
  Outcome outcome;
  int depth = 0;
};

TEST_F(Runtime, HostFunctionsCallBackIntoWasmAndUnwindThroughIt) {
  auto again = +[](void* owner, InstanceContext* caller) -> std::uint32_t {
    auto& nested = *static_cast<Nested*>(owner);
    if (++nested.depth == 5) unwind(*nested.stack, 77);
    Value result;
    const Outcome outcome =
        invoke(*nested.stack, Instance::of(caller).function(import + 1), {}, {&result, 1});
    if (outcome.kind == Outcome::Kind::unwound && nested.depth-- > 2)
      unwind(*nested.stack, outcome.exit_value);
    return static_cast<std::uint32_t>(outcome.exit_value) + 1;
  };
  Nested nested{.stack = stack.get(), .instance = nullptr, .outcome = {}};
  const FuncType type{{}, {kI32}};
  Instance& one = instance(type, *objects.host_function(type, host_code(again), &nested));
  ASSERT_EQ(call(one, import, {}, 1).kind, Outcome::Kind::returned);
  EXPECT_EQ(results[0].low, 78u);
  EXPECT_EQ(stack->control().activation, nullptr);
}

TEST_F(Runtime, HostFunctionsRaiseTraps) {
  auto raises = +[](void* owner, InstanceContext*) -> std::uint32_t {
    raise(*static_cast<WasmStack*>(owner), Trap::host_error);
  };
  const FuncType type{{}, {kI32}};
  Instance& one = instance(type, *objects.host_function(type, host_code(raises), stack.get()));
  const Outcome outcome = call(one, import, {}, 1);
  ASSERT_EQ(outcome.kind, Outcome::Kind::trapped);
  EXPECT_EQ(outcome.trap, Trap::host_error);
  EXPECT_EQ(outcome.position, 202u);
}

TEST_F(Runtime, RefusesAnImportOfAnotherTypeAndNamesIt) {
  ModuleWithCode made = make_module({{kI64}, {}}, 1);
  auto code = ModuleCode::create(host, {}, std::move(made.module), std::move(made.code));
  auto result = objects.instantiate(*code, std::array{*objects.host_memory({.limits = {.min = 1}})});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Error::Kind::unlinkable);
  EXPECT_EQ(
      result.error().message,
      "incompatible import type for env.import: the module wants (func (param i64)), it is given (memory 1)");
}

TEST_F(Runtime, GivesBackAllQuota) {
  test::LinuxHost own;
  {
    Store other(own);
    auto thread = WasmStack::create(own, nullptr);
    ModuleWithCode made = make_module({}, 1);
    auto code = ModuleCode::create(own, {}, std::move(made.module), std::move(made.code));
    auto nothing = host_code(+[](void*, InstanceContext*) {});
    auto result = other.instantiate(*code, std::array{*other.host_function({}, nothing, nullptr)});
    Value args[2] = {{.low = 8}, {.low = 1}};
    invoke(*thread, result->instance->function(store + 1), args, {});
    EXPECT_GT(own.charged(), 0u);
  }
  EXPECT_EQ(own.charged(), 0u);
}

}  // namespace
}  // namespace nebulet::wasm
