// SPDX-License-Identifier: MIT
// The policy in simulated time: CPUs are queues, tasks compute and sleep as they are told, and every run of a
// test is the same.
#include "kernel/sched/run_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <vector>

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kSlice = 1000, kTick = 100;
using Reason = RunQueue::Reason;

struct SimulatedTask : Runnable {
  std::uint64_t busy = ~0ull;  ///< computes for so long, then it sleeps
  std::uint64_t asleep = 0;    ///< for so long
  std::uint64_t left = 0;      ///< of busy
  std::uint64_t wakes_at = ~0ull;
};

class Simulation {
 public:
  explicit Simulation(std::size_t cpus) : queues_(cpus) {}

  /// A task that is ready at `from`.
  SimulatedTask& task(Share& share, std::uint64_t busy = ~0ull, std::uint64_t asleep = 0,
                      std::uint64_t from = 0) {
    SimulatedTask& task = tasks_.emplace_back();
    task.set_share(&share);
    task.busy = task.left = busy;
    task.asleep = asleep;
    task.wakes_at = from;
    return task;
  }

  void run_until(std::uint64_t end) {
    for (; now_ < end; now_ += kTick) {
      for (SimulatedTask& task : tasks_)
        if (task.wakes_at <= now_) wake(task);
      for (RunQueue& queue : queues_) advance(queue);
    }
  }
  RunQueue& queue(std::size_t cpu) { return queues_[cpu]; }

 private:
  void wake(SimulatedTask& task) {
    task.wakes_at = ~0ull;
    task.left = task.busy;
    RunQueue* least = &queues_[0];
    for (RunQueue& queue : queues_)
      if (queue.load() < least->load()) least = &queue;
    least->add(task, kSlice);
    if (least->preempts(task)) least->next(Reason::over, now_, kSlice);
  }
  /// One tick of a CPU.
  void advance(RunQueue& queue) {
    if (queue.running() == nullptr && queue.begin(now_, kSlice) == nullptr) steal(queue);
    auto* task = static_cast<SimulatedTask*>(queue.running());
    if (task == nullptr) return;
    task->left -= std::min(task->left, kTick);
    const std::uint64_t then = now_ + kTick;
    if (task->left == 0) {
      task->wakes_at = then + task->asleep;
      queue.next(Reason::leaves, then, kSlice);
    } else if (queue.tick(then, kSlice)) {
      pull(queue);
      queue.next(Reason::over, then, kSlice);
    }
  }
  /// At the end of a slice: somebody of a higher level than anybody here.
  void pull(RunQueue& thief) {
    for (RunQueue& victim : queues_) {
      if (victim.running() == nullptr || !thief.wants(victim.highest_ready())) continue;
      if (Runnable* taken = victim.take_away(kSlice)) thief.add(*taken, kSlice);
    }
  }
  void steal(RunQueue& thief) {
    for (RunQueue& victim : queues_) {
      if (victim.load() < 2 || victim.running() == nullptr) continue;
      if (Runnable* taken = victim.take_away(kSlice)) {
        thief.begin(*taken, now_, kSlice);
        return;
      }
    }
  }

  std::uint64_t now_ = 0;
  std::deque<SimulatedTask> tasks_;
  std::deque<RunQueue> queues_;  // end before their tasks do
};

std::uint64_t sum(const std::vector<const SimulatedTask*>& tasks) {
  std::uint64_t all = 0;
  for (const SimulatedTask* task : tasks) all += task->cpu_ns();
  return all;
}

TEST(RunQueue, SharesAreEqualHoweverManyTasksTheyHave) {
  for (const std::size_t cpus : {1, 2, 4}) {
    Simulation simulation(cpus);
    Share few, many;
    std::vector<const SimulatedTask*> of_few, of_many;
    for (std::size_t i = 0; i < cpus; ++i) of_few.push_back(&simulation.task(few));
    for (int i = 0; i < 12; ++i) of_many.push_back(&simulation.task(many));
    simulation.run_until(1000 * kSlice);
    // All begin with nothing, so at first they take turns.
    EXPECT_NEAR(static_cast<double>(sum(of_few)), static_cast<double>(sum(of_many)), 13 * kSlice)
        << cpus << " CPUs";
    EXPECT_EQ(sum(of_few) + sum(of_many), cpus * 1000 * kSlice) << cpus << " CPUs";
  }
}

TEST(RunQueue, SharesGetTimeInProportionToTheirWeights) {
  Simulation simulation(1);
  std::array<Share, 4> shares;
  std::array<const SimulatedTask*, 4> tasks;
  const std::array<std::uint32_t, 4> weights = {50, 100, 250, 600};
  for (std::size_t i = 0; i < 4; ++i) {
    shares[i].set_weight(weights[i]);
    tasks[i] = &simulation.task(shares[i]);
  }
  simulation.run_until(1000 * kSlice);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(static_cast<double>(tasks[i]->cpu_ns()), weights[i] * kSlice, 5 * kSlice) << weights[i];
}

TEST(RunQueue, AShareThatSleptSavesNoTimeUp) {
  Simulation simulation(1);
  Share sleeper, busy;
  const SimulatedTask& slept = simulation.task(sleeper, ~0ull, 0, 500 * kSlice);
  const SimulatedTask& other = simulation.task(busy);
  simulation.run_until(500 * kSlice);
  EXPECT_EQ(other.cpu_ns(), 500 * kSlice);
  simulation.run_until(520 * kSlice);
  EXPECT_NEAR(static_cast<double>(slept.cpu_ns()), 10 * kSlice, kSlice);  // not 20, though it had none before
}

TEST(RunQueue, WhoSleepsOftenRunsSoonAfterItWakes) {
  Simulation simulation(1);
  Share interactive, busy;
  const SimulatedTask& short_runs = simulation.task(interactive, kTick, 4 * kSlice);
  for (int i = 0; i < 4; ++i) simulation.task(busy);
  simulation.run_until(1000 * kSlice);
  // At most what is left of a slice each time, though four others are always ready.
  EXPECT_GT(short_runs.cpu_ns(), 1000 * kSlice / (5 * kSlice + kTick) * kTick);
}

TEST(RunQueue, AnIdleCpuTakesWhatOthersHave) {
  Simulation simulation(4);
  Share share;
  for (int i = 0; i < 3; ++i) simulation.task(share, 10 * kSlice, 1000 * kSlice);
  const SimulatedTask& last = simulation.task(share, 100 * kSlice);
  simulation.run_until(100 * kSlice);
  EXPECT_EQ(last.cpu_ns(), 100 * kSlice);
}

TEST(RunQueue, AHigherLevelRunsFirstAndAtOnce) {
  Simulation simulation(1);
  Share low, high;
  low.set_priority(Priority::low);
  const SimulatedTask& busy = simulation.task(low);
  // Wakes in the middle of the other's slices.
  const SimulatedTask& urgent = simulation.task(high, 3 * kTick, 7 * kTick, 5 * kTick);
  simulation.run_until((5 + 99 * 10 + 3) * kTick);
  EXPECT_EQ(urgent.cpu_ns(), 100 * 3 * kTick);
  EXPECT_EQ(busy.cpu_ns(), (5 + 99 * 7) * kTick);
}

TEST(RunQueue, AHigherLevelRunsFirstOnAllCpus) {
  Simulation simulation(2);
  Share low, high;
  low.set_priority(Priority::low);
  const SimulatedTask& busy = simulation.task(low);
  std::vector<const SimulatedTask*> others;
  for (int i = 0; i < 3; ++i) others.push_back(&simulation.task(high));
  simulation.run_until(1000 * kSlice);
  EXPECT_GT(sum(others), 1900 * kSlice);
  EXPECT_GT(busy.cpu_ns(), 20 * kSlice);
}

TEST(RunQueue, ALowerLevelGetsASliceNowAndThen) {
  Simulation simulation(1);
  std::array<Share, kPriorities> shares;
  std::array<const SimulatedTask*, kPriorities> tasks;
  for (std::size_t i = 0; i < kPriorities; ++i) {
    shares[i].set_priority(static_cast<Priority>(i));
    tasks[i] = &simulation.task(shares[i]);
  }
  simulation.run_until(1000 * kSlice);
  for (std::size_t i = 0; i < kPriorities - 1; ++i)
    EXPECT_NEAR(static_cast<double>(tasks[i]->cpu_ns()), 1000 * kSlice / RunQueue::kPatience, 4 * kSlice)
        << i;
  EXPECT_GT(tasks.back()->cpu_ns(), 900 * kSlice);
}

TEST(RunQueue, NobodyPreemptsASliceThatWasWaitedFor) {
  Share low, high, urgent;
  low.set_priority(Priority::background);
  high.set_priority(Priority::normal);
  SimulatedTask background, busy, late;
  background.set_share(&low);
  busy.set_share(&high);
  late.set_share(&urgent);
  RunQueue queue;
  queue.add(busy, kSlice);
  EXPECT_EQ(queue.begin(0, kSlice), &busy);
  queue.add(background, kSlice);
  std::uint64_t now = 0;
  for (std::uint64_t i = 1; i < RunQueue::kPatience; ++i) {
    EXPECT_TRUE(queue.tick(now += kSlice, kSlice));
    EXPECT_EQ(queue.next(Reason::over, now, kSlice), &busy);
  }
  EXPECT_TRUE(queue.tick(now += kSlice, kSlice));
  EXPECT_EQ(queue.next(Reason::over, now, kSlice), &background);
  queue.add(late, kSlice);
  EXPECT_FALSE(queue.preempts(late));
  EXPECT_FALSE(queue.tick(now + kSlice - 1, kSlice));
  EXPECT_TRUE(queue.tick(now += kSlice, kSlice));
  EXPECT_EQ(queue.next(Reason::over, now, kSlice), &late);
}

TEST(RunQueue, AShareThatChangesItsLevelNeitherGainsNorLoses) {
  Simulation simulation(1);
  Share moves, stays;
  stays.set_priority(Priority::normal);
  moves.set_priority(Priority::normal);
  const SimulatedTask& moved = simulation.task(moves);
  const SimulatedTask& stayed = simulation.task(stays);
  simulation.run_until(100 * kSlice);
  for (int i = 0; i < 50; ++i) {  // to another level and back, as often as it likes
    moves.set_priority(Priority::background);
    simulation.run_until((101 + 4 * static_cast<std::uint64_t>(i)) * kSlice);
    moves.set_priority(Priority::normal);
    simulation.run_until((104 + 4 * static_cast<std::uint64_t>(i)) * kSlice);
  }
  EXPECT_LE(moved.cpu_ns(), stayed.cpu_ns() + 2 * kSlice);
}

TEST(RunQueue, ATaskThatIsReadyChangesItsLevelAtOnce) {
  Share low, normal;
  low.set_priority(Priority::low);
  normal.set_priority(Priority::normal);
  SimulatedTask busy, raised;
  busy.set_share(&normal);
  raised.set_share(&low);
  RunQueue queue;
  queue.add(busy, kSlice);
  queue.begin(0, kSlice);
  queue.add(raised, kSlice);
  low.set_priority(Priority::high);
  EXPECT_FALSE(queue.preempts(raised));
  queue.requeue(raised, kSlice);
  EXPECT_TRUE(queue.preempts(raised));
  EXPECT_EQ(queue.next(Reason::over, 10, kSlice), &raised);
  EXPECT_EQ(queue.load(), 2u);
}

TEST(RunQueue, WhoIsHandedTheSliceGetsItsRestOnly) {
  Share share;
  SimulatedTask writer, reader, other;
  for (SimulatedTask* task : {&writer, &reader, &other}) task->set_share(&share);
  RunQueue queue;
  queue.add(writer, kSlice);
  EXPECT_EQ(queue.begin(0, kSlice), &writer);
  queue.add(other, kSlice);
  EXPECT_TRUE(queue.hand(reader, kSlice));
  EXPECT_EQ(queue.next(Reason::leaves, 400, kSlice), &reader);  // though the other was first
  EXPECT_EQ(queue.slice_end(), kSlice);
  EXPECT_TRUE(queue.hand(writer, kSlice));
  EXPECT_TRUE(queue.tick(kSlice, kSlice));
  EXPECT_EQ(queue.next(Reason::over, kSlice, kSlice), &other);  // the slice is over for both
  EXPECT_EQ(queue.load(), 3u);
}

TEST(RunQueue, OneIsHandedTheSliceAtATime) {
  Share share;
  SimulatedTask writer, first, second;
  for (SimulatedTask* task : {&writer, &first, &second}) task->set_share(&share);
  RunQueue queue;
  queue.add(writer, kSlice);
  queue.begin(0, kSlice);
  EXPECT_TRUE(queue.hand(first, kSlice));
  EXPECT_FALSE(queue.hand(second, kSlice));
  EXPECT_EQ(queue.next(Reason::leaves, 10, kSlice), &first);
  EXPECT_EQ(queue.next(Reason::leaves, 20, kSlice), &second);
  EXPECT_EQ(queue.next(Reason::leaves, 30, kSlice), nullptr);
  EXPECT_EQ(queue.load(), 0u);
}

TEST(RunQueue, ASliceIsNotHandedPastAHigherLevel) {
  Share low, high;
  low.set_priority(Priority::low);
  SimulatedTask writer, reader, other;
  writer.set_share(&low);
  reader.set_share(&low);
  other.set_share(&high);
  RunQueue queue;
  queue.add(writer, kSlice);
  queue.begin(0, kSlice);
  EXPECT_TRUE(queue.hand(reader, kSlice));
  queue.add(other, kSlice);
  EXPECT_EQ(queue.next(Reason::leaves, 10, kSlice), &other);
  EXPECT_EQ(queue.next(Reason::leaves, 20, kSlice), &reader);
}

TEST(RunQueue, YieldingLetsOthersOfTheLevelGoFirst) {
  Share used_much, used_little, low;
  low.set_priority(Priority::background);
  SimulatedTask one, other, below;
  one.set_share(&used_little);
  other.set_share(&used_much);
  below.set_share(&low);
  RunQueue queue;
  queue.add(other, kSlice);
  queue.begin(0, kSlice);
  queue.add(one, kSlice);
  queue.add(below, kSlice);
  EXPECT_EQ(queue.next(Reason::over, kSlice, kSlice), &one);
  EXPECT_EQ(queue.next(Reason::over, kSlice + 10, kSlice), &one);      // used less: goes on
  EXPECT_EQ(queue.next(Reason::yields, kSlice + 20, kSlice), &other);  // all the same
  EXPECT_EQ(queue.next(Reason::leaves, kSlice + 30, kSlice), &one);
  EXPECT_EQ(queue.next(Reason::yields, kSlice + 40, kSlice), &one);  // there is only a lower level
}

}  // namespace
}  // namespace nebulet::kernel
