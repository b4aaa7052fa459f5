// SPDX-License-Identifier: MIT
// A process's limit on memory, and what was taken from it. Outlives the process: an object that another
// process still holds stays charged to the one that made it.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <utility>

#include "kernel/status.h"

namespace nebulet::kernel {

/// Bytes. Any thread may charge.
class Quota final : public boost::intrusive_ref_counter<Quota, boost::thread_safe_counter> {
 public:
  explicit Quota(std::uint64_t limit) : limit_(limit) {}

  /// False: beyond the limit; then nothing was taken.
  bool charge(std::uint64_t bytes) {
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_ - used) return false;  // used never exceeds the limit
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    std::uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < used + bytes &&
           !peak_.compare_exchange_weak(peak, used + bytes, std::memory_order_relaxed)) {
    }
    return true;
  }
  void uncharge(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_ = 0;
  std::atomic<std::uint64_t> peak_ = 0;
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

 private:
  QuotaRef quota_;
  std::uint64_t bytes_ = 0;
};

}  // namespace nebulet::kernel
