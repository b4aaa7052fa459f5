// SPDX-License-Identifier: MIT
// Processes under pressure: each allocation of their lives refused once, and ends at random moments.
// Afterwards all memory and all handles are back.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <vector>

#include "kernel/loader/module.h"
#include "kernel/memory/slot_pool.h"
#include "kernel/object/event.h"
#include "kernel/process/process.h"
#include "kernel/process/thread.h"
#include "kernel/test/world.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kChild = 4 << 20;
const std::atomic<bool> never = false;

std::vector<std::byte> read_module(const char* name) {
  std::ifstream file(std::string(NB_TEST_MODULES) + "/" + name, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(bytes.empty()) << name;
  return {reinterpret_cast<const std::byte*>(bytes.data()),
          reinterpret_cast<const std::byte*>(bytes.data() + bytes.size())};
}

/// As module_create does.
Loaded<Ref<Module>> make_module(const QuotaRef& quota, std::vector<std::byte> bytes) {
  auto charge = Charge::take(quota, bytes.size());
  if (!charge) return std::unexpected(LoadError{charge.error(), {}});
  auto source = Module::decode(quota, "module", std::move(bytes), std::move(*charge));
  if (!source) return std::unexpected(source.error());
  return Module::compile(quota, std::move(*source), {}, &never);
}

/// A child from bytes to its end; how it ended, or what was refused.
std::expected<Process::End, Status> live(const QuotaRef& quota, HandleTable& table,
                                         const std::vector<std::byte>& bytes, std::string_view entry) {
  auto module = make_module(quota, bytes);
  if (!module) return std::unexpected(module.error().status);
  Ref<Process> process = TRY(Process::create(quota, "child", kChild));
  const Handle open(process, Rights(0xff));
  if (auto added = process->add("m", std::move(*module)); !added)
    return std::unexpected(added.error().status);
  Ref<Event> object = TRY(make_object<Event>(quota, 0));
  const HandleValue event = TRY(table.insert(Handle(std::move(object), Right::transfer | Right::wait)));
  const auto started = process->start(entry, table, {&event, 1}, std::vector<std::byte>(100));
  if (!started) {
    EXPECT_TRUE(table.close(event));  // it stayed
    return std::unexpected(started.error());
  }
  EXPECT_EQ(table.count(), 0u);
  process->wait();
  EXPECT_EQ(process->handles().count(), 0u);
  EXPECT_EQ(process->quota()->used(), 0u);
  return process->how_it_ended();
}

/// Who waited for a process may see its end before its last thread has let go of it.
bool comes_true(const std::function<bool()>& condition) {
  const std::uint64_t end = machine::monotonic_ns() + 60'000'000'000;
  while (!condition() && machine::monotonic_ns() < end) Scheduler::yield();
  return condition();
}

TEST(Stress, EachAllocationOfAProcessMayBeRefused) {
  in_kernel([] {
    const auto bytes = read_module("life.wasm");
    const QuotaRef quota(new Quota(256 << 20));
    HandleTable table;
    ASSERT_EQ(live(quota, table, bytes, "run")->reason, EndReason::exited);  // fills the pool of stacks
    const std::uint64_t free = machine::free_memory();
    std::uint64_t refused = 0, by_trap = 0;
    for (std::uint64_t n = 1;; ++n) {
      Quota::refuse_charge(n);
      const auto end = live(quota, table, bytes, "run");
      const bool was = Quota::refuse_charge(0);
      ASSERT_TRUE(comes_true([&] { return quota->used() == 0; })) << n << ": " << quota->used();
      ASSERT_EQ(table.count(), 0u) << n;
      ASSERT_TRUE(comes_true([&] { return machine::free_memory() == free; })) << n;
      if (!was) {
        ASSERT_TRUE(end);
        ASSERT_EQ(end->reason, EndReason::exited);
        break;
      }
      if (end) {
        ASSERT_TRUE(end->reason == EndReason::out_of_memory || end->reason == EndReason::exited) << n;
        ++by_trap;
      } else {
        ASSERT_EQ(end.error(), Status::out_of_memory) << n;
        ++refused;
      }
    }
    EXPECT_GT(refused, 10u);
    EXPECT_GT(by_trap, 1u);
  });
}

TEST(Stress, EachRequestForMemoryMayBeRefused) {
  in_kernel([] {
    const auto bytes = read_module("life.wasm");
    const QuotaRef quota(new Quota(256 << 20));
    HandleTable table;
    const auto live_once = [&] {
      slot_pool::drain();  // so that everything is asked for
      const auto end = live(quota, table, bytes, "run");
      const bool was = machine::refuse_memory(0);
      // The last thread lets go, and its kernel stack is there for the next one.
      EXPECT_TRUE(comes_true([&] { return quota->used() == 0; })) << quota->used();
      slot_pool::drain();
      return std::pair(end, was);
    };
    ASSERT_EQ(live_once().first->reason, EndReason::exited);
    const std::uint64_t free = machine::free_memory();
    std::uint64_t refusals = 0;
    for (std::uint64_t n = 1;; ++n) {
      machine::refuse_memory(n);
      const auto [end, was] = live_once();
      ASSERT_EQ(table.count(), 0u) << n;
      ASSERT_EQ(machine::free_memory(), free) << n;
      if (!was) {
        ASSERT_TRUE(end);
        ASSERT_EQ(end->reason, EndReason::exited);
        break;
      }
      ++refusals;
      if (end) {
        ASSERT_TRUE(end->reason == EndReason::out_of_memory || end->reason == EndReason::exited) << n;
      } else {
        ASSERT_EQ(end.error(), Status::out_of_memory) << n;
      }
    }
    EXPECT_GT(refusals, 5u);
  });
}

/// Kills it after a random time, on another CPU.
void kill_soon(const Ref<Process>& process, std::uint64_t after_ns, std::atomic<int>& running) {
  ++running;
  auto* killer = new TestTask(
      [process = process, after_ns]() mutable {
        const std::uint64_t at = machine::monotonic_ns() + after_ns;
        while (machine::monotonic_ns() < at) Scheduler::yield();
        process->end(EndReason::killed, 0);
        process.reset();
      },
      [&running] { --running; });
  ASSERT_TRUE(Scheduler::start(*killer));  // as small as it is, it stays
}

TEST(Stress, ProcessesEndAtRandomMoments) {
  in_kernel([] {
    const QuotaRef quota(new Quota(256 << 20));
    std::atomic<int> running = 0;
    const auto module = make_module(quota, read_module("life.wasm")).value();
    const std::uint64_t used = quota->used();
    std::mt19937_64 random(1);
    constexpr const char* kEntries[] = {"spin", "sleep", "random", "run", "trap"};
    std::uint64_t free = 0, ends[7] = {};
    const char* count = getenv("NB_STRESS_PROCESSES");
    const int processes = count != nullptr ? atoi(count) : 500;
    for (int i = 0; i < processes; ++i) {
      if (i == 20) free = machine::free_memory();
      auto process = Process::create(quota, "child", kChild).value();
      const Handle open(process, Rights(0xff));
      HandleTable table;
      kill_soon(process, random() % 400'000, running);
      auto added = process->add("m", module);
      if (!added) {
        ASSERT_EQ(added.error().status, Status::bad_state);
      } else if (auto started = process->start(kEntries[random() % 5], table, {}, {}); !started) {
        ASSERT_EQ(started.error(), Status::bad_state);
      }
      process->wait();
      ++ends[static_cast<std::size_t>(process->how_it_ended().reason)];
      ASSERT_EQ(process->quota()->used(), 0u);
      while (running != 0) Scheduler::yield();
    }
    EXPECT_EQ(ends[static_cast<std::size_t>(EndReason::none)], 0u);
    EXPECT_GT(ends[static_cast<std::size_t>(EndReason::killed)], static_cast<std::uint64_t>(processes) / 4);
    EXPECT_GT(ends[static_cast<std::size_t>(EndReason::exited)], 0u);
    EXPECT_TRUE(comes_true([&] { return quota->used() == used; })) << quota->used() << " of " << used;
    EXPECT_TRUE(comes_true([&] {
      return free <= machine::free_memory() + 3 * kernel_stack_size(StackKind::large);  // of killers
    })) << free
        << " were free, and are " << machine::free_memory();
  });
}

TEST(Quota, GivesBackWhatIsNotUsedWhenItCloses) {
  const QuotaRef parent(new Quota(1000));
  QuotaRef child = Quota::split(parent, 600).value();
  EXPECT_EQ(parent->used(), 600u);
  EXPECT_EQ(Quota::split(parent, 500).error(), Status::out_of_memory);
  ASSERT_TRUE(child->charge(100));
  EXPECT_FALSE(child->charge(501));
  child->close();
  EXPECT_EQ(parent->used(), 100u);
  EXPECT_FALSE(child->charge(1));
  child->uncharge(40);
  EXPECT_EQ(parent->used(), 60u);
  child->uncharge(60);
  child.reset();
  EXPECT_EQ(parent->used(), 0u);
}

TEST(Quota, ChainsOfQuotasHaveALargestDepthAndEndWithTheLast) {
  const QuotaRef first(new Quota(1 << 20));
  QuotaRef last = first;
  std::uint32_t depth = 0;
  for (;; ++depth) {
    auto next = Quota::split(last, 1000);
    if (!next) {
      EXPECT_EQ(next.error(), Status::limit_reached);
      break;
    }
    last = std::move(*next);
  }
  EXPECT_EQ(depth, 256u);
  EXPECT_EQ(first->used(), 1000u);
  last.reset();
  EXPECT_EQ(first->used(), 0u);
}

}  // namespace
}  // namespace nebulet::kernel
