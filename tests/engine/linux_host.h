// SPDX-License-Identifier: MIT
// The engine's Host in a Linux process, for tests: pages by mmap, faults by signals. The hosted kernel has
// its own.
#pragma once

#include <atomic>
#include <cstdint>

#include "wasm/runtime/host.h"

namespace nebulet::test {

class LinuxHost final : public wasm::Host {
 public:
  explicit LinuxHost(std::uint64_t quota = 4ull << 30) : quota_(quota) {}

  std::byte* reserve(std::uint64_t size, std::uint64_t align) override;
  void release(std::byte* base, std::uint64_t size) override;
  std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection) override;
  std::uint64_t decommit(std::byte* at, std::uint64_t size) override;
  void protect(std::byte* at, std::uint64_t size, Protection protection) override;
  void write_protected(std::byte* to, std::span<const std::byte> bytes) override;
  bool charge(std::uint64_t bytes) override;
  void uncharge(std::uint64_t bytes) override { charged_ -= bytes; }
  std::uint64_t available() const override { return quota_ - charged_; }
  Waited wait(const std::byte* at, unsigned bytes, std::uint64_t expected, std::int64_t timeout_ns) override;
  std::uint32_t notify(const std::byte* at, std::uint32_t count) override;

  std::uint64_t charged() const { return charged_; }
  void set_quota(std::uint64_t quota) { quota_ = quota; }

 private:
  std::uint64_t quota_;
  std::atomic<std::uint64_t> charged_ = 0;
};

/// Sends SIGSEGV, SIGBUS, SIGFPE and SIGILL of this thread to wasm::handle_fault, on an alternate signal
/// stack.
void catch_faults();

}  // namespace nebulet::test
