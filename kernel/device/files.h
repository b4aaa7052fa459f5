// SPDX-License-Identifier: MIT
// The host's file server as an object: 9P2000.L messages out, answers in. Knows nothing of what they say.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "kernel/object/object.h"
#include "kernel/sched/wait_queue.h"
#include "kernel/status.h"

namespace nebulet::kernel {

/// One message at a time; threads that come meanwhile wait. Create from the heap only: it holds its buffers.
class Files final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::files;
  static constexpr std::size_t kMaxMessage = 128 * 1024;
  Files() : Object(kType) {}

  /// The message buffers, for the holder of the lock: `request` is filled in, then sent.
  class Transaction {
   public:
    explicit Transaction(Files& files) : files_(files) { files_.lock_.lock(); }
    ~Transaction() { files_.lock_.unlock(); }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    std::span<std::byte, kMaxMessage> request() { return files_.request_; }
    /// Sends the first `length` bytes of `request` and waits. The answer is valid until the next call.
    Result<std::span<const std::byte>> send(std::size_t length);

   private:
    Files& files_;
  };

 private:
  Mutex lock_;
  std::array<std::byte, kMaxMessage> request_;
  std::array<std::byte, kMaxMessage> reply_;
};

}  // namespace nebulet::kernel
