// SPDX-License-Identifier: MIT
// Many objects that are waited for again and again: only those with something to tell are looked at.
#pragma once

#include <atomic>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <span>

#include "kernel/object/object.h"
#include "kernel/sched/wait_queue.h"

namespace nebulet::kernel {

/// Level-triggered: an object is told of as long as it has a signal that was asked for. Lock order: an
/// object's lock before that of the set, so the set never calls an object under its own.
class WaitSet final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::wait_set;
  struct Told {
    std::uint64_t key;
    Signals signals;
  };

  WaitSet(Charge charge, QuotaRef quota)
      : Object(kType), charge_(std::move(charge)), quota_(std::move(quota)) {}
  ~WaitSet() override;

  /// `key` names the entry; invalid_argument if it is taken, not_supported for a wait set.
  Result<> add(Ref<Object> object, Signals mask, std::uint64_t key);
  /// not_found: no entry has the key.
  Result<> remove(std::uint64_t key);
  /// Waits until at least one entry has something to tell and stores as many as `into` takes, at least one
  /// place. An object whose last handle went is told of once, with the signal `closed`, and removed. Fails
  /// with timed_out.
  Result<std::size_t> wait(std::span<Told> into, std::uint64_t deadline, const std::atomic<bool>& cancelled);

 private:
  struct Entry final : Observer {
    Entry(WaitSet& set, Charge charge, Ref<Object> object, Signals mask, std::uint64_t key)
        : set(set), charge(std::move(charge)), object(std::move(object)), mask(mask), key(key) {}
    void on_signal() override { set.told(*this); }

    WaitSet& set;
    const Charge charge;
    const Ref<Object> object;
    const Signals mask;  ///< with `closed`
    const std::uint64_t key;
    boost::intrusive::set_member_hook<> by_key;
    boost::intrusive::list_member_hook<> in_ready;
  };
  struct ByKey {
    using type = std::uint64_t;
    std::uint64_t operator()(const Entry& entry) const { return entry.key; }
  };
  using Ready = boost::intrusive::list<
      Entry, boost::intrusive::member_hook<Entry, boost::intrusive::list_member_hook<>, &Entry::in_ready>>;

  void no_handles(DropList& list) override;
  void told(Entry& entry);
  void take_out(Entry& entry);
  std::size_t collect(std::span<Told> into);

  const Charge charge_;
  const QuotaRef quota_;
  Mutex edit_;  ///< of adding and removing entries
  SpinLock lock_;
  boost::intrusive::set<
      Entry, boost::intrusive::member_hook<Entry, boost::intrusive::set_member_hook<>, &Entry::by_key>,
      boost::intrusive::key_of_value<ByKey>>
      entries_;
  Ready ready_;  ///< entries that may have something to tell
  std::atomic<std::uint32_t> ready_count_ = 0;
  WaitQueue waiters_;
};

}  // namespace nebulet::kernel
