// SPDX-License-Identifier: MIT
// Who runs next on a CPU, and for how long. Only the policy: time comes from outside, nothing here switches,
// locks or wakes, so that it is tested by simulation (run_queue_test.cpp).
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <boost/intrusive/set.hpp>
#include <cstdint>

namespace nebulet::kernel {

/// Who is ready at a higher level runs before anybody at a lower one; the numbers are those of the abi.
enum class Priority : std::uint8_t { background, low, normal, high };
constexpr std::size_t kPriorities = 4;

/// Whom processor time counts for: within a level, who has used least for its weight goes first. Tasks that
/// share one share time. Changed and read by all CPUs.
class Share {
 public:
  static constexpr std::uint32_t kMaxWeight = 1000;

  Priority priority() const { return priority_.load(std::memory_order_relaxed); }
  void set_priority(Priority priority) { priority_.store(priority, std::memory_order_relaxed); }
  std::uint32_t weight() const { return weight_.load(std::memory_order_relaxed); }
  /// 1 … kMaxWeight. Of two shares that always have somebody ready, one gets the more of a CPU the higher its
  /// weight.
  void set_weight(std::uint32_t weight) { weight_.store(weight, std::memory_order_relaxed); }

 private:
  friend class RunQueue;
  /// For each level, since a share that changes its level must neither take its past along nor lose it:
  /// nanoseconds times kMaxWeight / weight. Raised to what others have when nobody used it for a while, so
  /// that time is not saved up.
  std::array<std::atomic<std::uint64_t>, kPriorities> used_ = {};
  std::atomic<std::uint32_t> weight_ = kMaxWeight;
  std::atomic<Priority> priority_ = Priority::high;
};

/// What a queue has of a task.
class Runnable {
 public:
  /// Time counts for `share` from now on; nullptr: its own. Before it starts, or under its CPU's lock.
  void set_share(Share* share) { share_ = share != nullptr ? share : &own_share_; }
  const Share& share() const { return *share_; }
  Share& share() { return *share_; }
  /// Processor time used, without what it has run since the queue was last asked.
  std::uint64_t cpu_ns() const { return cpu_ns_; }
  /// Time that another one spent for it. While it runs, by itself.
  void add_cpu_ns(std::uint64_t time) {
    cpu_ns_.store(cpu_ns_.load(std::memory_order_relaxed) + time, std::memory_order_relaxed);
  }

 private:
  friend class RunQueue;
  Share own_share_;
  Share* share_ = &own_share_;
  std::atomic<std::uint64_t> cpu_ns_ = 0;  ///< read by other CPUs too
  std::uint64_t turn_ = 0;                 ///< ready: the lowest of its level is next
  Priority level_ = Priority::high;        ///< of its share when it became ready

 public:  // Boost needs to name them; only RunQueue uses them.
  boost::intrusive::set_member_hook<> ready_hook_;
  struct ByTurn {
    using type = std::uint64_t;
    std::uint64_t operator()(const Runnable& runnable) const { return runnable.turn_; }
  };
};

/// The ready tasks of one CPU and the running one. All under the CPU's lock, but load().
class RunQueue {
 public:
  /// A level whose ready tasks the higher ones kept from running for so many slices gets one.
  static constexpr std::uint64_t kPatience = 32;

  /// Ready and running ones. Without the lock it is a hint.
  std::uint32_t load() const { return load_.load(std::memory_order_relaxed); }
  Runnable* running() const { return running_; }
  /// The highest level that somebody is ready at, but for one that was handed a slice; -1: none. Without the
  /// lock it is a hint.
  int highest_ready() const { return 31 - std::countl_zero(occupied_.load(std::memory_order_relaxed)); }
  /// Somebody but the running one is ready.
  bool has_ready() const { return highest_ready() >= 0 || next_ != nullptr; }
  std::uint64_t slice_end() const { return slice_end_; }
  /// When the running one's time was last counted.
  std::uint64_t counted_at() const { return counted_at_; }

  /// It became ready, or comes from another CPU.
  void add(Runnable& runnable, std::uint64_t slice);
  /// As add(), and when the running one waits, it gets the rest of its slice. False: another one was handed
  /// that before and did not run yet, so this one is in the queue like others, whom other CPUs may help.
  bool hand(Runnable& runnable, std::uint64_t slice);
  /// Whether one who is ready at this level on another CPU, which is busy, should run here at the next
  /// occasion.
  bool wants(int level) const;
  /// Whether `runnable`, which is ready here, should run at once instead of the running one.
  bool preempts(const Runnable& runnable) const;
  /// For another CPU, which add()s it or lets it run: the one that is to be next. Nullptr: none.
  Runnable* take_away(std::uint64_t slice);
  /// A ready one's share has another priority: it changes its level at once.
  void requeue(Runnable& runnable, std::uint64_t slice);

  enum class Reason : std::uint8_t {
    yields,  ///< it lets others of its level go first
    over,    ///< its slice is over, or somebody came who may go first
    leaves,  ///< it waits or ended
  };
  /// The running one stops, or goes on if nobody has a better claim. Returns who runs from `now` on; nullptr:
  /// nobody is ready.
  Runnable* next(Reason reason, std::uint64_t now, std::uint64_t slice);
  /// Nobody runs: who is ready does, from `now` on.
  Runnable* begin(std::uint64_t now, std::uint64_t slice);
  /// The same with one that was taken away from another CPU.
  Runnable* begin(Runnable& taken, std::uint64_t now, std::uint64_t slice);
  /// True: the running one's slice is over, and next() is due. Another begins.
  bool tick(std::uint64_t now, std::uint64_t slice);

 private:
  using Ready = boost::intrusive::multiset<
      Runnable,
      boost::intrusive::member_hook<Runnable, boost::intrusive::set_member_hook<>, &Runnable::ready_hook_>,
      boost::intrusive::key_of_value<Runnable::ByTurn>, boost::intrusive::constant_time_size<false>>;
  struct Level {
    Ready ready;
    std::uint64_t turn = 0;    ///< the lowest of those here, the running one too; only grows
    std::uint64_t waited = 0;  ///< how long higher ones ran while somebody was ready here
  };

  void enqueue(Runnable& runnable, std::uint64_t slice);
  void dequeue(Runnable& runnable);
  Runnable* take(std::size_t level, std::uint64_t slice);
  std::size_t starved_below(std::size_t level, std::uint64_t slice) const;
  bool keeps(const Runnable& running, Reason reason, std::uint64_t slice) const;
  Runnable* start(Runnable& runnable, std::uint64_t now, std::uint64_t slice);
  void count(std::uint64_t now);
  void add_load(std::int32_t change) {
    load_.store(load_.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(change),
                std::memory_order_relaxed);
  }
  /// occupied_ is not 0.
  std::size_t top() const { return static_cast<std::size_t>(highest_ready()); }

  std::array<Level, kPriorities> levels_;
  std::atomic<std::uint32_t> occupied_ = 0;  ///< bit i: somebody is ready at level i
  Runnable* next_ = nullptr;                 ///< handed the rest of the slice; in no level
  Runnable* running_ = nullptr;
  std::uint64_t slice_end_ = 0;
  std::uint64_t counted_at_ = 0;
  bool slice_over_ = false;
  bool is_owed_ = false;  ///< the running one waited for its slice for long: nobody preempts it
  std::atomic<std::uint32_t> load_ = 0;
};

}  // namespace nebulet::kernel
