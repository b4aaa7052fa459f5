// SPDX-License-Identifier: MIT
#include "kernel/sched/scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "kernel/sched/wait_queue.h"
#include "kernel/test/world.h"
#include "machine/include/machine/cpu.h"

namespace nebulet::kernel {
namespace {

/// Starts one task for each body and waits for all.
void run_all(std::vector<std::function<void()>> bodies) {
  std::vector<std::unique_ptr<TestTask>> tasks;
  for (auto& body : bodies) tasks.push_back(std::make_unique<TestTask>(std::move(body)));
  for (auto& task : tasks) ASSERT_TRUE(Scheduler::start(*task));
  for (auto& task : tasks)
    while (!task->ended) Scheduler::yield();
}

TEST(Scheduler, RunsTasksOnAllCpus) {
  in_kernel([] {
    std::atomic<std::uint32_t> seen = 0;
    std::vector<std::function<void()>> bodies(6, [&seen] {
      const std::uint64_t end = machine::monotonic_ns() + 2'000'000'000;
      while (seen != 7 && machine::monotonic_ns() < end) {
        seen |= 1u << machine::current_cpu();
        Scheduler::yield();
      }
    });
    run_all(std::move(bodies));
    EXPECT_EQ(seen, 7u);
  });
}

TEST(Scheduler, HandsTheSliceToWhomItWakes) {
  in_kernel([] {
    Task* waiter = nullptr;
    std::atomic<bool> waits = false, woken = false;
    std::atomic<std::uint32_t> ran_on = ~0u;
    TestTask other([&] {
      waiter = Scheduler::current();
      waits = true;
      while (!woken) Scheduler::park();
      ran_on = machine::current_cpu();
    });
    ASSERT_TRUE(Scheduler::start(other));
    while (!waits) Scheduler::yield();
    Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);  // it is parked, on some CPU
    std::uint32_t here = 0;
    {
      const machine::InterruptGuard interrupts;
      const Scheduler::HandOff hand_off;
      here = machine::current_cpu();
      woken = true;
      Scheduler::unpark(*waiter);
    }
    EXPECT_EQ(ran_on, ~0u);  // not before this task waits
    Scheduler::yield();
    EXPECT_EQ(ran_on, here);
    while (!other.ended) Scheduler::yield();
  });
}

TEST(Scheduler, SleepsAtLeastAsLongAsAsked) {
  in_kernel([] {
    const std::uint64_t begin = machine::monotonic_ns();
    Scheduler::sleep_until(begin + 20'000'000);
    EXPECT_GE(machine::monotonic_ns() - begin, 20'000'000u);
    EXPECT_LT(machine::monotonic_ns() - begin, 5'000'000'000u);
  });
}

TEST(Scheduler, UnparkBeforeParkIsNotLost) {
  in_kernel([] {
    Scheduler::unpark(*Scheduler::current());
    Scheduler::park();
    SUCCEED();
  });
}

TEST(Scheduler, SleepersWakeInTheOrderOfTheirDeadlines) {
  in_kernel([] {
    const std::uint64_t begin = machine::monotonic_ns() + 20'000'000;
    std::atomic<int> next = 0;
    std::array<int, 4> order = {};
    std::vector<std::function<void()>> bodies;
    for (int i : {2, 0, 3, 1}) {
      bodies.emplace_back([&, i] {
        Scheduler::sleep_until(begin + static_cast<std::uint64_t>(i) * 50'000'000);
        order[static_cast<std::size_t>(next++)] = i;
      });
    }
    run_all(std::move(bodies));
    EXPECT_EQ(order, (std::array<int, 4>{0, 1, 2, 3}));
  });
}

TEST(WaitQueue, PassesAValueBackAndForth) {
  in_kernel([] {
    WaitQueue queue;
    std::atomic<int> turn = 0;
    constexpr int kRounds = 2000;
    const auto player = [&](int self) {
      for (int i = 0; i < kRounds; ++i) {
        queue.wait([&] { return turn.load() % 2 == self; });
        ++turn;
        queue.wake_all();
      }
    };
    run_all({[&] { player(0); }, [&] { player(1); }});
    EXPECT_EQ(turn, 2 * kRounds);
  });
}

TEST(WaitQueue, GivesUpAtTheDeadline) {
  in_kernel([] {
    WaitQueue queue;
    const std::uint64_t deadline = machine::monotonic_ns() + 5'000'000;
    EXPECT_FALSE(queue.wait([] { return false; }, deadline));
    EXPECT_GE(machine::monotonic_ns(), deadline);
    EXPECT_TRUE(queue.wait([] { return true; }, 0));
  });
}

TEST(Mutex, LetsOneInAtATime) {
  in_kernel([] {
    Mutex mutex;
    int inside = 0, total = 0;
    bool overlapped = false;
    std::vector<std::function<void()>> bodies(5, [&] {
      for (int i = 0; i < 200; ++i) {
        mutex.lock();
        overlapped |= ++inside != 1;
        Scheduler::yield();
        ++total;
        --inside;
        mutex.unlock();
      }
    });
    run_all(std::move(bodies));
    EXPECT_FALSE(overlapped);
    EXPECT_EQ(total, 1000);
  });
}

TEST(Scheduler, StartsAndEndsManyTasks) {
  in_kernel([] {
    std::atomic<int> sum = 0;
    for (int round = 0; round < 20; ++round) {
      std::vector<std::function<void()>> bodies(25, [&sum] { ++sum; });
      run_all(std::move(bodies));
    }
    EXPECT_EQ(sum, 500);
  });
}

}  // namespace
}  // namespace nebulet::kernel
