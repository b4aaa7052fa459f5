// SPDX-License-Identifier: MIT
// The engine's host: the machine's memory, charged to one process.
#pragma once

#include <atomic>
#include <cstdint>

#include "wasm/runtime/host.h"

namespace nebulet::kernel {

/// Physical memory that processes cannot take: what the kernel needs to go on when a program has the rest.
constexpr std::uint64_t kKernelReserve = 4 << 20;

/// Counts what the runtime charges against the process's limit. Outlives the process's store.
class ProcessMemory final : public wasm::Host {
 public:
  /// `limit` in bytes; what the machine has is the limit too.
  explicit ProcessMemory(std::uint64_t limit) : limit_(limit) {}

  std::byte* reserve(std::uint64_t size, std::uint64_t align) override;
  void release(std::byte* base, std::uint64_t size) override;
  bool commit(std::byte* at, std::uint64_t size, Protection protection) override;
  void decommit(std::byte* at, std::uint64_t size) override;
  void protect(std::byte* at, std::uint64_t size, Protection protection) override;
  void write_protected(std::byte* to, std::span<const std::byte> bytes) override;
  bool charge(std::uint64_t bytes) override;
  void uncharge(std::uint64_t bytes) override;
  std::uint64_t available() const override;

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_ = 0;
  std::atomic<std::uint64_t> peak_ = 0;
};

}  // namespace nebulet::kernel
