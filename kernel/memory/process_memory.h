// SPDX-License-Identifier: MIT
// The engine's host: the machine's memory, charged to one process.
#pragma once

#include <cstdint>

#include "kernel/memory/quota.h"
#include "wasm/runtime/host.h"

namespace nebulet::kernel {

/// Physical memory that processes cannot take: what the kernel needs to go on when a program has the rest.
constexpr std::uint64_t kKernelReserve = 4 << 20;

/// Physical memory that processes may still take together.
std::uint64_t free_for_processes();

/// Counts what the runtime charges against the process's limit. Outlives the process's store.
class ProcessMemory final : public wasm::Host {
 public:
  /// `limit` in bytes; what the machine has is the limit too.
  explicit ProcessMemory(std::uint64_t limit) : quota_(new Quota(limit)) {}

  std::byte* reserve(std::uint64_t size, std::uint64_t align) override;
  void release(std::byte* base, std::uint64_t size) override;
  bool commit(std::byte* at, std::uint64_t size, Protection protection) override;
  void decommit(std::byte* at, std::uint64_t size) override;
  void protect(std::byte* at, std::uint64_t size, Protection protection) override;
  void write_protected(std::byte* to, std::span<const std::byte> bytes) override;
  bool charge(std::uint64_t bytes) override;
  void uncharge(std::uint64_t bytes) override;
  std::uint64_t available() const override;

  const QuotaRef& quota() const { return quota_; }

 private:
  const QuotaRef quota_;
};

}  // namespace nebulet::kernel
