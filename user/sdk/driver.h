// SPDX-License-Identifier: MIT
// What drivers are written with: typed handles over the kernel's calls. A driver is a module with one export,
// `run`; whoever starts it passes handles in an agreed order, which get the numbers 1, 2, 3 and so on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk {

/// Any call's result: negative, an nb_status_t.
using Result = std::int64_t;
constexpr std::uint64_t kForever = ~std::uint64_t{0};

inline void log(nb_log_level_t level, std::string_view text) {
  nb_log_write(level, text.data(), text.size());
}
/// Ends the process with status 1 and a line in the log.
[[noreturn]] inline void give_up(std::string_view why) {
  log(NB_LOG_LEVEL_ERROR, why);
  nb_process_exit(1);
  __builtin_unreachable();
}

/// One object of a type for a driver's whole life, where the stack is too small for it.
template <class T, class... Args>
T& make_static(Args&&... args) {
  alignas(T) static std::array<std::byte, sizeof(T)> place;
  return *new (place.data()) T(std::forward<Args>(args)...);
}

/// A range of ports, or of registers at physical addresses.
class Registers {
 public:
  constexpr explicit Registers(nb_handle_t handle) : handle_(handle) {}
  /// 0 if the range does not have it.
  std::uint8_t read8(std::uint32_t offset) const { return static_cast<std::uint8_t>(read(offset, 1)); }
  std::uint16_t read16(std::uint32_t offset) const { return static_cast<std::uint16_t>(read(offset, 2)); }
  std::uint32_t read32(std::uint32_t offset) const { return read(offset, 4); }
  void write8(std::uint32_t offset, std::uint8_t value) const {
    nb_resource_write(handle_, offset, 1, value);
  }
  void write16(std::uint32_t offset, std::uint16_t value) const {
    nb_resource_write(handle_, offset, 2, value);
  }
  void write32(std::uint32_t offset, std::uint32_t value) const {
    nb_resource_write(handle_, offset, 4, value);
  }

 private:
  std::uint32_t read(std::uint32_t offset, std::uint32_t bytes) const {
    const Result value = nb_resource_read(handle_, offset, bytes);
    return value < 0 ? 0 : static_cast<std::uint32_t>(value);
  }

  nb_handle_t handle_;
};

class Interrupt {
 public:
  constexpr explicit Interrupt(nb_handle_t handle) : handle_(handle) {}
  /// Waits until the line interrupted. False: at `deadline` it had not.
  bool wait(std::uint64_t deadline = kForever) const {
    return nb_object_wait(handle_, NB_SIGNAL_SIGNALED, deadline) >= 0;
  }
  void acknowledge() const { nb_interrupt_acknowledge(handle_); }

 private:
  nb_handle_t handle_;
};

class Stream {
 public:
  constexpr explicit Stream(nb_handle_t handle) : handle_(handle) {}
  /// Waits for bytes and takes some. 0: the writer is gone.
  std::size_t read(char* into, std::size_t size) const {
    for (;;) {
      const Result count = nb_stream_read(handle_, into, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (count != NB_STATUS_SHOULD_WAIT) return 0;
      nb_object_wait(handle_, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, kForever);
    }
  }
  /// Waits for room until all is written. False: the reader is gone.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const Result count = nb_stream_write(handle_, bytes.data(), bytes.size());
      if (count == NB_STATUS_SHOULD_WAIT)
        nb_object_wait(handle_, NB_SIGNAL_WRITABLE | NB_SIGNAL_PEER_CLOSED, kForever);
      else if (count < 0)
        return false;
      else
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  nb_handle_t handle_;
};

}  // namespace nebulet::sdk
