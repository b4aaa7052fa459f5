// SPDX-License-Identifier: MIT
// A process's limit on memory, and what was taken from it. Outlives the process: an object that another
// process still holds stays charged to the one that made it.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <utility>

#include "kernel/status.h"

namespace nebulet::kernel {

/// Bytes. Any thread may charge. A quota that was split off holds its whole limit from its parent; once it is
/// closed, only what is still used, until that is given back.
class Quota final {
 public:
  explicit Quota(std::uint64_t limit) : limit_(limit) {}
  /// Fails with out_of_memory if the parent has not so much left, limit_reached beyond kMaxDepth.
  static Result<boost::intrusive_ptr<Quota>> split(boost::intrusive_ptr<Quota> parent, std::uint64_t limit);
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  /// False: beyond the limit, or closed; then nothing was taken.
  bool charge(std::uint64_t bytes);
  void uncharge(std::uint64_t bytes);
  /// The process ended: grants nothing more, and gives what is not used back to the parent.
  void close();

  /// For tests: the n-th charge of any quota from now on is refused; 0: none. Returns whether one was, since
  /// the last time.
  static bool refuse_charge(std::uint64_t n);

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed) & ~kClosed; }
  std::uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  friend void intrusive_ptr_add_ref(Quota*);
  friend void intrusive_ptr_release(Quota*);
  /// Of quotas split off from each other: what is given back to a closed one goes on to its parent, step by
  /// step.
  static constexpr std::uint32_t kMaxDepth = 256;
  static constexpr std::uint64_t kClosed = 1ull << 63;
  ~Quota() = default;

  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_ = 0;  ///< with kClosed
  std::atomic<std::uint64_t> peak_ = 0;
  Quota* parent_ = nullptr;  ///< referenced
  std::uint32_t depth_ = 0;
  std::atomic<std::uint32_t> references_ = 0;
};
using QuotaRef = boost::intrusive_ptr<Quota>;

/// Bytes taken from a quota, given back when this ends. Kernel memory of an object is charged before it is
/// allocated, and the kernel's own reserve is left untouched.
class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept : quota_(std::move(other.quota_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    std::swap(quota_, other.quota_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Charge() {
    if (quota_) quota_->uncharge(bytes_);
  }
  /// Fails with out_of_memory.
  static Result<Charge> take(QuotaRef quota, std::uint64_t bytes);
  /// Takes over another one of the same quota.
  void add(Charge other) {
    if (!quota_) quota_ = other.quota_;
    bytes_ += std::exchange(other.bytes_, 0);
  }

 private:
  QuotaRef quota_;
  std::uint64_t bytes_ = 0;
};

}  // namespace nebulet::kernel
