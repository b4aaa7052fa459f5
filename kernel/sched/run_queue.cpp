// SPDX-License-Identifier: MIT
#include "kernel/sched/run_queue.h"

#include <algorithm>
#include <utility>

namespace nebulet::kernel {
namespace {

/// Of one that runs.
std::size_t level_of(const Runnable& running) { return static_cast<std::size_t>(running.share().priority()); }

}  // namespace

/// Its turn is that of its share, but a share that slept has at most a slice in advance.
void RunQueue::enqueue(Runnable& runnable, std::uint64_t slice) {
  runnable.level_ = runnable.share_->priority();
  const auto index = static_cast<std::size_t>(runnable.level_);
  Level& level = levels_[index];
  std::atomic<std::uint64_t>& all_used = runnable.share_->used_[index];
  const std::uint64_t least = level.turn > slice ? level.turn - slice : 0;
  std::uint64_t used = all_used.load(std::memory_order_relaxed);
  while (used < least && !all_used.compare_exchange_weak(used, least, std::memory_order_relaxed)) {
  }
  runnable.turn_ = std::max(used, least);
  if (level.ready.empty()) level.waited = 0;
  level.ready.insert(runnable);
  occupied_.store(occupied_.load(std::memory_order_relaxed) | 1u << index, std::memory_order_relaxed);
}

void RunQueue::dequeue(Runnable& runnable) {
  const auto index = static_cast<std::size_t>(runnable.level_);
  Level& level = levels_[index];
  level.ready.erase(level.ready.iterator_to(runnable));
  if (level.ready.empty())
    occupied_.store(occupied_.load(std::memory_order_relaxed) & ~(1u << index), std::memory_order_relaxed);
}

void RunQueue::add(Runnable& runnable, std::uint64_t slice) {
  enqueue(runnable, slice);
  add_load(1);
}

bool RunQueue::hand(Runnable& runnable, std::uint64_t slice) {
  add_load(1);
  if (next_ != nullptr) {
    enqueue(runnable, slice);
    return false;
  }
  runnable.level_ = runnable.share_->priority();
  next_ = &runnable;
  return true;
}

bool RunQueue::wants(int level) const {
  return level > highest_ready() && running_ != nullptr && level > static_cast<int>(level_of(*running_));
}

bool RunQueue::preempts(const Runnable& runnable) const {
  return running_ != nullptr && !is_owed_ && runnable.level_ > running_->share_->priority();
}

/// A level below `level` that has waited for long; `level` if there is none.
std::size_t RunQueue::starved_below(std::size_t level, std::uint64_t slice) const {
  for (std::uint32_t below = occupied_.load(std::memory_order_relaxed) & ((1u << level) - 1); below != 0;
       below &= below - 1) {
    const auto lower = static_cast<std::size_t>(__builtin_ctz(below));
    if (levels_[lower].waited >= kPatience * slice) return lower;
  }
  return level;
}

/// The first of the highest level, or of one that has waited for long for it or for `level`.
Runnable* RunQueue::take(std::size_t level, std::uint64_t slice) {
  if (highest_ready() < 0) return nullptr;
  const std::size_t highest = std::max(top(), level);
  const std::size_t starved = starved_below(highest, slice);
  is_owed_ = starved != highest;
  Level& from = levels_[is_owed_ ? starved : top()];
  Runnable& first = *from.ready.begin();
  dequeue(first);
  from.waited = 0;
  from.turn = std::max(from.turn, first.turn_);
  return &first;
}

Runnable* RunQueue::take_away(std::uint64_t slice) {
  if (Runnable* handed = std::exchange(next_, nullptr)) enqueue(*handed, slice);
  if (highest_ready() < 0) return nullptr;
  Runnable& first = *levels_[top()].ready.begin();
  dequeue(first);
  add_load(-1);
  return &first;
}

void RunQueue::requeue(Runnable& runnable, std::uint64_t slice) {
  if (!runnable.ready_hook_.is_linked()) return;
  dequeue(runnable);
  enqueue(runnable, slice);
}

/// The running one did nothing else since counted_at_ but run.
void RunQueue::count(std::uint64_t now) {
  const std::uint64_t time = now - counted_at_;
  counted_at_ = now;
  running_->cpu_ns_.store(running_->cpu_ns_.load(std::memory_order_relaxed) + time,
                          std::memory_order_relaxed);
  Share& share = *running_->share_;
  const std::size_t index = level_of(*running_);
  const std::uint32_t weight = share.weight();
  const std::uint64_t weighted = weight == Share::kMaxWeight ? time : time * Share::kMaxWeight / weight;
  const std::uint64_t used = share.used_[index].fetch_add(weighted, std::memory_order_relaxed) + weighted;
  Level& level = levels_[index];
  level.turn = std::max(level.turn, level.ready.empty() ? used : std::min(used, level.ready.begin()->turn_));
  for (std::uint32_t below = occupied_.load(std::memory_order_relaxed) & ((1u << index) - 1); below != 0;
       below &= below - 1)
    levels_[static_cast<std::size_t>(__builtin_ctz(below))].waited += time;
}

Runnable* RunQueue::next(Reason reason, std::uint64_t now, std::uint64_t slice) {
  Runnable& before = *running_;
  count(now);
  const bool slice_over = std::exchange(slice_over_, false);
  Runnable* chosen = std::exchange(next_, nullptr);
  const bool handed = chosen != nullptr && !slice_over &&
                      (highest_ready() < 0 || static_cast<std::size_t>(chosen->level_) >= top());
  if (!handed) {
    if (chosen != nullptr) enqueue(*chosen, slice);
    slice_end_ = now + slice;
    if (reason != Reason::leaves && keeps(before, reason, slice)) return &before;
    chosen = take(reason != Reason::leaves ? level_of(before) : 0, slice);
  }
  if (reason != Reason::leaves) {
    enqueue(before, slice);
  } else {
    add_load(-1);
  }
  running_ = chosen;
  return chosen;
}

bool RunQueue::keeps(const Runnable& running, Reason reason, std::uint64_t slice) const {
  if (highest_ready() < 0) return true;
  const std::size_t level = level_of(running);
  if (top() > level || starved_below(level, slice) != level) return false;
  if (top() < level) return true;
  return reason == Reason::over &&
         running.share_->used_[level].load(std::memory_order_relaxed) <= levels_[level].ready.begin()->turn_;
}

Runnable* RunQueue::begin(std::uint64_t now, std::uint64_t slice) {
  if (Runnable* handed = std::exchange(next_, nullptr)) enqueue(*handed, slice);
  if (Runnable* first = take(0, slice)) return start(*first, now, slice);
  return nullptr;
}

Runnable* RunQueue::begin(Runnable& taken, std::uint64_t now, std::uint64_t slice) {
  add_load(1);
  is_owed_ = false;
  Level& level = levels_[static_cast<std::size_t>(taken.level_)];
  level.turn = std::max(level.turn, taken.turn_);
  return start(taken, now, slice);
}

Runnable* RunQueue::start(Runnable& runnable, std::uint64_t now, std::uint64_t slice) {
  slice_over_ = false;
  slice_end_ = now + slice;
  counted_at_ = now;
  running_ = &runnable;
  return running_;
}

bool RunQueue::tick(std::uint64_t now, std::uint64_t slice) {
  if (now < slice_end_) return false;
  slice_over_ = true;
  is_owed_ = false;
  slice_end_ = now + slice;
  return true;
}

}  // namespace nebulet::kernel
