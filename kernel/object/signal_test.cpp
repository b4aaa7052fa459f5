// SPDX-License-Identifier: MIT
// Signals, waiting for them, events, timers, wait sets.
#include <gtest/gtest.h>

#include <vector>

#include "kernel/object/event.h"
#include "kernel/object/timer.h"
#include "kernel/object/wait.h"
#include "kernel/object/wait_set.h"
#include "kernel/test/world.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
const std::atomic<bool> never = false;

QuotaRef quota() { return QuotaRef(new Quota(1 << 20)); }
Ref<Event> make_event(const QuotaRef& quota) { return make_object<Event>(quota, 0).value(); }
std::uint64_t in(std::uint64_t ns) { return machine::monotonic_ns() + ns; }

TEST(Signal, WaitReturnsAtOnceWhatIsSet) {
  in_kernel([] {
    const Ref<Event> event = make_event(quota());
    event->signal({}, Signal::signaled);
    WaitItem item{event, Signal::signaled};
    EXPECT_TRUE(wait_for_signals({&item, 1}, 0, never));
    EXPECT_EQ(item.observed, Signals(Signal::signaled));
    item.mask = Signal::readable;
    EXPECT_EQ(wait_for_signals({&item, 1}, 0, never).error(), Status::timed_out);
  });
}

TEST(Signal, WaitEndsWhenAnotherThreadSetsOneOfMany) {
  in_kernel([] {
    const QuotaRef limit = quota();
    std::vector<WaitItem> items;
    for (std::size_t i = 0; i < kMaxWaitItems; ++i) items.push_back({make_event(limit), Signal::signaled});
    TestTask setter([&] {
      Scheduler::sleep_until(in(5 * kMs));
      items[37].object->signal({}, Signal::user);  // nobody asked for it
      items[41].object->signal({}, Signal::signaled);
    });
    ASSERT_TRUE(Scheduler::start(setter));
    EXPECT_TRUE(wait_for_signals(items, kForever, never));
    for (std::size_t i = 0; i < items.size(); ++i)
      EXPECT_EQ(items[i].observed.contains(Signal::signaled), i == 41) << i;
    while (!setter.ended) Scheduler::yield();
  });
}

TEST(Signal, WaitEndsAtItsDeadlineAndWhenCancelled) {
  in_kernel([] {
    WaitItem item{make_event(quota()), Signal::signaled};
    const std::uint64_t begin = machine::monotonic_ns();
    EXPECT_EQ(wait_for_signals({&item, 1}, begin + 3 * kMs, never).error(), Status::timed_out);
    EXPECT_GE(machine::monotonic_ns(), begin + 3 * kMs);
    std::atomic<bool> cancelled = true;
    EXPECT_EQ(wait_for_signals({&item, 1}, kForever, cancelled).error(), Status::timed_out);
  });
}

TEST(Quota, ObjectsAreChargedAndGiveBack) {
  in_kernel([] {
    const QuotaRef limit(new Quota(3 * sizeof(Event)));
    Ref<Event> first = make_event(limit), second = make_event(limit), third = make_event(limit);
    EXPECT_EQ(limit->used(), 3 * sizeof(Event));
    EXPECT_EQ(make_object<Event>(limit, 0).error(), Status::out_of_memory);
    second.reset();
    EXPECT_EQ(limit->used(), 2 * sizeof(Event));
    EXPECT_TRUE(make_object<Event>(limit, 0));
  });
}

TEST(Timer, RingsOnceAtItsTime) {
  in_kernel([] {
    const Ref<Timer> timer = make_object<Timer>(quota(), 0).value();
    const std::uint64_t deadline = in(4 * kMs);
    timer->set(deadline, 0);
    const bool rang = !timer->signals().empty();
    EXPECT_TRUE(!rang || machine::monotonic_ns() >= deadline);
    WaitItem item{timer, Signal::signaled};
    EXPECT_TRUE(wait_for_signals({&item, 1}, kForever, never));
    EXPECT_GE(machine::monotonic_ns(), deadline);
    timer->cancel();
    EXPECT_TRUE(timer->signals().empty());
    EXPECT_EQ(wait_for_signals({&item, 1}, in(10 * kMs), never).error(), Status::timed_out);
  });
}

TEST(Timer, CancelledOneDoesNotRing) {
  in_kernel([] {
    const Ref<Timer> timer = make_object<Timer>(quota(), 0).value();
    timer->set(in(3 * kMs), 0);
    timer->cancel();
    Scheduler::sleep_until(in(8 * kMs));
    EXPECT_TRUE(timer->signals().empty());
  });
}

TEST(Timer, PeriodicOneRingsAgainAndAgain) {
  in_kernel([] {
    const Ref<Timer> timer = make_object<Timer>(quota(), 0).value();
    const std::uint64_t begin = machine::monotonic_ns();
    timer->set(begin + kMs, kMs);
    for (int i = 0; i < 5; ++i) {
      WaitItem item{timer, Signal::signaled};
      ASSERT_TRUE(wait_for_signals({&item, 1}, kForever, never));
      timer->signal(Signal::signaled, {});
    }
    EXPECT_GE(machine::monotonic_ns(), begin + 5 * kMs);
  });
}

TEST(Timer, EndsWhileItRings) {
  in_kernel([] {
    for (int i = 0; i < 300; ++i) {
      const Ref<Timer> timer = make_object<Timer>(quota(), 0).value();
      timer->set(machine::monotonic_ns() + 20'000, Timer::kMinPeriod);
      Scheduler::sleep_until(in(20'000));
    }
  });
}

TEST(WaitSet, TellsLevelsByKey) {
  in_kernel([] {
    const QuotaRef limit = quota();
    const Ref<WaitSet> set = make_object<WaitSet>(limit, 0, limit).value();
    const Ref<Event> one = make_event(limit), two = make_event(limit);
    ASSERT_TRUE(set->add(one, Signal::signaled, 1));
    ASSERT_TRUE(set->add(two, Signal::signaled | Signal::user, 2));
    EXPECT_EQ(set->add(two, Signal::signaled, 2).error(), Status::invalid_argument);
    EXPECT_EQ(set->add(set, Signal::signaled, 3).error(), Status::not_supported);
    std::array<WaitSet::Told, 4> told;
    EXPECT_EQ(set->wait(told, 0, never).error(), Status::timed_out);
    two->signal({}, Signals(0x100));
    for (int i = 0; i < 2; ++i) {  // as long as it is so
      ASSERT_EQ(set->wait(told, 0, never).value(), 1u);
      EXPECT_EQ(told[0].key, 2u);
      EXPECT_EQ(told[0].signals, Signals(0x100));
    }
    one->signal({}, Signal::signaled);
    EXPECT_EQ(set->wait(told, 0, never).value(), 2u);
    EXPECT_EQ(set->wait(std::span(told).first(1), 0, never).value(), 1u);
    const std::uint64_t first = told[0].key;
    EXPECT_EQ(set->wait(std::span(told).first(1), 0, never).value(), 1u);
    EXPECT_NE(told[0].key, first) << "one entry starves the other";
    two->signal(Signals(0x100), {});
    ASSERT_EQ(set->wait(told, 0, never).value(), 1u);
    EXPECT_EQ(told[0].key, 1u);
    EXPECT_TRUE(set->remove(1));
    EXPECT_EQ(set->remove(1).error(), Status::not_found);
    EXPECT_EQ(set->wait(told, 0, never).error(), Status::timed_out);
  });
}

TEST(WaitSet, ForgetsAnObjectWhoseLastHandleWent) {
  in_kernel([] {
    const QuotaRef limit = quota();
    const Ref<WaitSet> set = make_object<WaitSet>(limit, 0, limit).value();
    Handle handle(make_event(limit), Right::wait);
    ASSERT_TRUE(set->add(handle.object(), {}, 7));
    const std::uint64_t used = limit->used();
    handle = {};
    std::array<WaitSet::Told, 4> told;
    ASSERT_EQ(set->wait(told, 0, never).value(), 1u);
    EXPECT_EQ(told[0].key, 7u);
    EXPECT_EQ(told[0].signals, Signals(Signal::closed));
    EXPECT_LT(limit->used(), used);
    EXPECT_EQ(set->wait(told, 0, never).error(), Status::timed_out);
    EXPECT_TRUE(set->add(make_event(limit), {}, 7));
  });
}

TEST(WaitSet, WakesAThreadAndSurvivesRaces) {
  in_kernel([] {
    const QuotaRef limit = quota();
    const Ref<WaitSet> set = make_object<WaitSet>(limit, 0, limit).value();
    const Ref<Event> ping = make_event(limit), pong = make_event(limit);
    ASSERT_TRUE(set->add(ping, Signal::signaled, 1));
    constexpr int kRounds = 2000;
    TestTask other([&] {
      for (int i = 0; i < kRounds; ++i) {
        ping->signal({}, Signal::signaled);
        WaitItem item{pong, Signal::signaled};
        EXPECT_TRUE(wait_for_signals({&item, 1}, kForever, never));
        pong->signal(Signal::signaled, {});
      }
    });
    TestTask editor([&] {
      for (int i = 0; i < kRounds; ++i) {
        const Ref<Event> event = make_event(limit);
        EXPECT_TRUE(set->add(event, Signal::user, 100));
        event->signal({}, Signal::signaled);
        EXPECT_TRUE(set->remove(100));
      }
    });
    ASSERT_TRUE(Scheduler::start(other));
    ASSERT_TRUE(Scheduler::start(editor));
    for (int i = 0; i < kRounds; ++i) {
      std::array<WaitSet::Told, 4> told;
      ASSERT_EQ(set->wait(told, kForever, never).value(), 1u);
      EXPECT_EQ(told[0].key, 1u);
      ping->signal(Signal::signaled, {});
      pong->signal({}, Signal::signaled);
    }
    while (!other.ended || !editor.ended) Scheduler::yield();
  });
}

}  // namespace
}  // namespace nebulet::kernel
