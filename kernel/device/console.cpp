// SPDX-License-Identifier: MIT
#include "kernel/device/console.h"

#include <algorithm>

#include "kernel/sched/device_wait.h"
#include "machine/include/machine/console.h"

namespace nebulet::kernel {

/// Whether a read would not wait.
bool Console::fill() {
  lock_.lock();
  if (begin_ == end_ && !at_end_) {
    if (const auto length = machine::console_read(buffer_)) {
      begin_ = 0;
      end_ = *length;
      at_end_ = *length == 0;
    }
  }
  const bool ready = begin_ != end_ || at_end_;
  lock_.unlock();
  return ready;
}

bool Console::wait(std::uint64_t deadline, const std::atomic<bool>& cancelled) {
  bool ready = false;
  device_waiters().wait([&] { return (ready = fill()) || cancelled; }, deadline);
  return ready;
}

std::size_t Console::read(std::span<std::byte> into, const std::atomic<bool>& cancelled) {
  if (into.empty()) return 0;
  for (;;) {
    if (!wait(kForever, cancelled)) return 0;
    lock_.lock();
    const std::size_t length = std::min(into.size(), end_ - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), length, into.begin());
    begin_ += length;
    const bool at_end = at_end_;
    lock_.unlock();
    if (length != 0 || at_end) return length;  // else another reader was faster
  }
}

void Console::write(abi::ConsoleStream stream, std::span<const std::byte> bytes) {
  machine::console_write(
      stream == abi::ConsoleStream::out ? machine::ConsoleStream::out : machine::ConsoleStream::err, bytes);
}

}  // namespace nebulet::kernel
