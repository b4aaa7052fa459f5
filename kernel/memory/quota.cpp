// SPDX-License-Identifier: MIT
#include "kernel/memory/quota.h"

#include <new>

#include "kernel/memory/process_memory.h"

namespace nebulet::kernel {
namespace {

/// See refuse_charge.
std::atomic<std::uint64_t> charges_to_refusal = 0;
constexpr std::uint64_t kRefused = ~0ull;

bool is_refused() {
  std::uint64_t left = charges_to_refusal.load(std::memory_order_relaxed);
  if (left == 0 || left == kRefused) [[likely]]
    return false;
  while (left != 0 && left != kRefused)
    if (charges_to_refusal.compare_exchange_weak(left, left == 1 ? kRefused : left - 1)) return left == 1;
  return false;
}

}  // namespace

Result<QuotaRef> Quota::split(QuotaRef parent, std::uint64_t limit) {
  if (parent->depth_ >= kMaxDepth) return fail(Status::limit_reached);
  if (!parent->charge(limit)) return fail(Status::out_of_memory);
  auto* quota = new (std::nothrow) Quota(limit);
  if (quota == nullptr) {
    parent->uncharge(limit);
    return fail(Status::out_of_memory);
  }
  quota->depth_ = parent->depth_ + 1;
  quota->parent_ = parent.detach();
  return QuotaRef(quota);
}

bool Quota::refuse_charge(std::uint64_t n) {
  const std::uint64_t left = charges_to_refusal.exchange(n);
  return left == kRefused;
}

bool Quota::charge(std::uint64_t bytes) {
  if (is_refused()) [[unlikely]]
    return false;
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if ((used & kClosed) || bytes > limit_ - used) return false;  // used never exceeds the limit
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  std::uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < used + bytes && !peak_.compare_exchange_weak(peak, used + bytes, std::memory_order_relaxed)) {
  }
  return true;
}

void Quota::uncharge(std::uint64_t bytes) {
  Quota* quota = this;
  do {
    const std::uint64_t before = quota->used_.fetch_sub(bytes, std::memory_order_relaxed);
    quota = (before & kClosed) ? quota->parent_ : nullptr;
  } while (quota != nullptr);
}

void Quota::close() {
  const std::uint64_t used = used_.fetch_or(kClosed, std::memory_order_relaxed);
  if (parent_ != nullptr && !(used & kClosed)) parent_->uncharge(limit_ - used);
}

void intrusive_ptr_add_ref(Quota* quota) { quota->references_.fetch_add(1, std::memory_order_relaxed); }

// A loop, since programs decide how long the chain of parents is. The last one sees all uses: acq_rel.
void intrusive_ptr_release(Quota* quota) {
  while (quota != nullptr && quota->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    Quota* const parent = quota->parent_;
    const bool closed = quota->used_.load(std::memory_order_relaxed) & Quota::kClosed;
    if (parent != nullptr && !closed) parent->uncharge(quota->limit_);
    delete quota;
    quota = parent;
  }
}

Result<Charge> Charge::take(QuotaRef quota, std::uint64_t bytes) {
  if (bytes > free_for_processes() || !quota->charge(bytes)) return fail(Status::out_of_memory);
  Charge charge;
  charge.quota_ = std::move(quota);
  charge.bytes_ = bytes;
  return charge;
}

}  // namespace nebulet::kernel
