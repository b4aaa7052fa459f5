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

/// Counts what the runtime charges against a process's limit. Outlives what was made with it.
class ProcessMemory final : public wasm::Host {
 public:
  /// What the machine has is the limit too. `ending`: set before the process's threads are unparked for the
  /// last time, so that they wait no more.
  explicit ProcessMemory(QuotaRef quota, const std::atomic<bool>* ending = nullptr)
      : quota_(std::move(quota)), ending_(ending) {}

  std::byte* reserve(std::uint64_t size, std::uint64_t align) override;
  void release(std::byte* base, std::uint64_t size) override;
  std::byte* take_slot(const Slot& slot) override;
  void give_slot(std::byte* base, const Slot& slot) override;
  std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection) override;
  std::byte* reserve_shareable(std::uint64_t size) override;
  bool show(std::byte* at, const std::byte* of, std::uint64_t size, Sharing sharing) override;
  std::uint64_t decommit(std::byte* at, std::uint64_t size) override;
  void protect(std::byte* at, std::uint64_t size, Protection protection) override;
  void write_protected(std::byte* to, std::span<const std::byte> bytes) override;
  bool charge(std::uint64_t bytes) override;
  void uncharge(std::uint64_t bytes) override;
  std::uint64_t available() const override;
  // guest_wait.cpp
  Waited wait(const std::byte* at, unsigned bytes, std::uint64_t expected, std::int64_t timeout_ns) override;
  std::uint32_t notify(const std::byte* at, std::uint32_t count) override;

  const QuotaRef& quota() const { return quota_; }

 private:
  const QuotaRef quota_;
  const std::atomic<bool>* const ending_;
};

}  // namespace nebulet::kernel
