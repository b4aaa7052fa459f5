// SPDX-License-Identifier: MIT
// What handles name: reference-counted objects of a few types, with signals that one can wait for.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <concepts>
#include <new>
#include <utility>

#include "abi/generated/types.h"
#include "kernel/memory/quota.h"
#include "kernel/sched/spin_lock.h"

namespace nebulet::kernel {

using abi::ObjectType;
using abi::Right;
using abi::Signal;

/// A set of bits of one of the ABI's flag enumerations.
template <class Flag>
class FlagSet {
 public:
  constexpr FlagSet() = default;
  constexpr explicit FlagSet(std::uint32_t bits) : bits_(bits) {}
  constexpr FlagSet(Flag flag) : bits_(static_cast<std::uint32_t>(flag)) {}  // NOLINT: a flag is a set of one
  constexpr std::uint32_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool contains(FlagSet other) const { return (bits_ & other.bits_) == other.bits_; }
  friend constexpr FlagSet operator|(FlagSet a, FlagSet b) { return FlagSet(a.bits_ | b.bits_); }
  friend constexpr FlagSet operator&(FlagSet a, FlagSet b) { return FlagSet(a.bits_ & b.bits_); }
  friend constexpr FlagSet operator~(FlagSet a) { return FlagSet(~a.bits_); }
  friend constexpr bool operator==(FlagSet, FlagSet) = default;

 private:
  std::uint32_t bits_ = 0;
};
using Rights = FlagSet<Right>;
using Signals = FlagSet<Signal>;
constexpr Rights operator|(Right a, Right b) { return Rights(a) | Rights(b); }
constexpr Signals operator|(Signal a, Signal b) { return Signals(a) | Signals(b); }

/// Told when one of some signals of an object becomes set.
class Observer {
 public:
  virtual ~Observer() = default;
  /// In any context, interrupts off, under the object's lock: must not block, nor call the object.
  virtual void on_signal() = 0;

  boost::intrusive::list_member_hook<> observer_hook;

 private:
  friend class Object;
  Signals mask_;
};

class Handle;
class DropList;

/// Base of all kernel objects. Shared by handles and by the kernel; dies with its last reference, in thread
/// context. What a program sees of it ends earlier, with the last handle: then `no_handles` is called.
class Object : public boost::intrusive_ref_counter<Object, boost::thread_safe_counter> {
 public:
  explicit Object(ObjectType type) : type_(type) {}
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  ObjectType type() const { return type_; }
  /// Unique among all objects since the kernel started; 0 is none.
  std::uint64_t id() const { return id_; }

  Signals signals() const { return Signals(signals_.load(std::memory_order_acquire)); }
  /// Clears, then sets. Any context.
  void signal(Signals clear, Signals set);
  /// `observer` is told from now on, and at once if a signal of `mask` is set already.
  void observe(Observer& observer, Signals mask);
  /// Afterwards the observer is not told any more and nobody is in its on_signal.
  void stop_observing(Observer& observer);

 protected:
  /// The last handle went. Thread context, no locks held. What was reachable through handles that the object
  /// itself holds goes to `list`, so that chains of objects do not nest calls.
  virtual void no_handles(DropList& list);

 private:
  friend class Handle;
  friend class DropList;
  static std::uint64_t next_id();

  const ObjectType type_;
  std::atomic<std::uint32_t> handles_ = 0;
  std::atomic<std::uint32_t> signals_ = 0;
  const std::uint64_t id_ = next_id();
  SpinLock lock_;
  boost::intrusive::list<
      Observer,
      boost::intrusive::member_hook<Observer, boost::intrusive::list_member_hook<>, &Observer::observer_hook>>
      observers_;
  Object* next_dropped_ = nullptr;
};

template <class T>
using Ref = boost::intrusive_ptr<T>;

/// A handle outside of any table: an object with rights. Keeps the object open.
class Handle {
 public:
  Handle() = default;
  Handle(Ref<Object> object, Rights rights) : object_(std::move(object)), rights_(rights) {
    if (object_) object_->handles_.fetch_add(1, std::memory_order_relaxed);
  }
  Handle(Handle&& other) noexcept : object_(std::move(other.object_)), rights_(other.rights_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(object_, other.object_);
    std::swap(rights_, other.rights_);
    return *this;
  }
  ~Handle();

  explicit operator bool() const { return object_ != nullptr; }
  const Ref<Object>& object() const { return object_; }
  Rights rights() const { return rights_; }

 private:
  friend class DropList;
  Ref<Object> object_;
  Rights rights_;
};

/// Handles that go, one after another: an object that held the last handles of others adds them here.
class DropList {
 public:
  DropList() = default;
  DropList(const DropList&) = delete;
  DropList& operator=(const DropList&) = delete;
  ~DropList();
  void add(Handle handle);

 private:
  Object* first_ = nullptr;  ///< each with one reference of the list's
};

/// A new object, charged to `quota` with the bytes it takes, or out_of_memory. T's first parameter is the
/// Charge.
template <std::derived_from<Object> T, class... Args>
Result<Ref<T>> make_object(const QuotaRef& quota, std::uint64_t extra_bytes, Args&&... args) {
  auto charge = Charge::take(quota, sizeof(T) + extra_bytes);
  if (!charge) return fail(charge.error());
  auto* object = new (std::nothrow) T(std::move(*charge), std::forward<Args>(args)...);
  if (object == nullptr) return fail(Status::out_of_memory);
  return Ref<T>(object);
}

}  // namespace nebulet::kernel
