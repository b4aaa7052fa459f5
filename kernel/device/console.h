// SPDX-License-Identifier: MIT
// The machine's byte streams as an object.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "kernel/object/object.h"
#include "kernel/sched/wait_queue.h"

namespace nebulet::kernel {

/// Any number of threads may read and write; each read and write is one piece. Input is taken from the
/// machine ahead of the reader, since asking whether there is any takes it.
class Console final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::console;
  Console() : Object(kType) {}

  /// Waits until input is there, at most until `deadline`. False: timed out or `cancelled` became true.
  bool wait(std::uint64_t deadline, const std::atomic<bool>& cancelled);
  /// Waits for input. 0: the end, or cancelled.
  std::size_t read(std::span<std::byte> into, const std::atomic<bool>& cancelled);
  void write(abi::ConsoleStream stream, std::span<const std::byte> bytes);

 private:
  bool fill();

  Mutex lock_;  ///< of the buffer
  std::array<std::byte, 4096> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool at_end_ = false;
};

}  // namespace nebulet::kernel
