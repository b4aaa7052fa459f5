// SPDX-License-Identifier: MIT
#include "machine/x86_64/virtio_console.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "machine/include/machine/cpu.h"
#include "machine/include/machine/time.h"
#include "machine/x86_64/spin_lock.h"
#include "machine/x86_64/virtio.h"

namespace nebulet::machine {
namespace {

constexpr std::uint16_t kConsole = 3;  // device type
constexpr std::uint64_t kMultiport = 1 << 1, kVersion1 = 1ull << 32;
constexpr std::uint32_t kPort = 1;  // port 0 is the terminal's
/// QEMU answers on another thread, which a busy host lets wait; without the port the link would go elsewhere.
constexpr std::uint64_t kPatience = 10'000'000'000;

// 5.3.2: two queues for port 0, two for control, then two for each further port.
enum Queue : std::uint16_t { kControlIn = 2, kControlOut = 3, kPortIn = 4, kPortOut = 5 };

struct Control {
  enum Event : std::uint16_t { device_ready = 0, device_add = 1, port_ready = 3, port_open = 6 };
  std::uint32_t port;
  std::uint16_t event, value;
};

class Port {
 public:
  bool open() {
    using Direction = Virtqueue::Direction;
    if (!device_.open(kConsole)) return false;
    if (!device_.negotiate(kMultiport | kVersion1) || !device_.route_interrupt()) return false;
    if (!control_in_.create(device_, kControlIn, 8, 0, Direction::from_device) ||
        !control_out_.create(device_, kControlOut, 8, 0, Direction::to_device) ||
        !in_.create(device_, kPortIn, 64, 6, Direction::from_device) ||
        !out_.create(device_, kPortOut, kOutBuffers, 5, Direction::to_device))
      return false;
    device_.start();
    control_in_.notify();
    in_.notify();
    send(0, {0, Control::device_ready, 1});
    if (!wait_for_port()) return false;
    send(1, {kPort, Control::port_ready, 1});
    send(2, {kPort, Control::port_open, 1});
    return true;
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty() && find_buffer()) {
      const auto room = out_.buffer(*filling_).subspan(filled_);
      const std::size_t part = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), part);
      filled_ += part;
      bytes = bytes.subspan(part);
      if (filled_ == out_.buffer_bytes()) publish();
    }
  }
  void flush() {
    if (filling_) publish();
    out_.notify();
  }
  void drain() {
    flush();
    while (free_ != kAllFree && reclaim()) {
    }
  }

  std::size_t read(std::span<std::byte> into) {
    std::size_t done = 0;
    bool returned = false;
    while (done < into.size()) {
      if (!received_) {
        received_ = in_.take();
        read_ = 0;
        if (!received_) break;
      }
      const auto rest = in_.buffer(received_->id).subspan(read_, received_->bytes - read_);
      const std::size_t part = std::min(rest.size(), into.size() - done);
      std::memcpy(into.data() + done, rest.data(), part);
      done += part;
      read_ += part;
      if (read_ < received_->bytes) continue;
      in_.publish(received_->id, in_.buffer_bytes());
      received_.reset();
      returned = true;
    }
    if (returned) in_.notify();
    return done;
  }

  void acknowledge_interrupt() { device_.acknowledge_interrupt(); }

 private:
  static constexpr std::uint16_t kOutBuffers = 16;
  static constexpr std::uint32_t kAllFree = (1u << kOutBuffers) - 1;

  void send(std::uint16_t buffer, const Control& message) {
    std::memcpy(control_out_.buffer(buffer).data(), &message, sizeof message);
    control_out_.publish(buffer, sizeof message);
    control_out_.notify();
  }

  bool wait_for_port() {
    for (const std::uint64_t end = monotonic_ns() + kPatience; monotonic_ns() < end;) {
      const auto message = control_in_.take();
      if (!message) continue;
      Control control{};
      if (message->bytes >= sizeof control)
        std::memcpy(&control, control_in_.buffer(message->id).data(), sizeof control);
      control_in_.publish(message->id, control_in_.buffer_bytes());
      control_in_.notify();
      if (control.event == Control::device_add && control.port == kPort) return true;
    }
    return false;
  }

  void publish() {
    out_.publish(*filling_, filled_);
    filling_.reset();
  }
  /// One turn of waiting for buffers to come back. False: they will not.
  bool reclaim() {
    while (const auto returned = out_.take()) free_ |= 1u << returned->id;
    if (out_.broken()) return false;
    if (free_ == 0) {
      spin_hint();
      answer_tlb_request();
    }
    return true;
  }
  bool find_buffer() {
    if (filling_) return true;
    if (free_ == 0) out_.notify();
    do {
      if (!reclaim()) return false;
    } while (free_ == 0);
    filling_ = static_cast<std::uint16_t>(std::countr_zero(free_));
    free_ &= free_ - 1;
    filled_ = 0;
    return true;
  }

  VirtioDevice device_;
  Virtqueue control_in_, control_out_, in_, out_;
  std::uint32_t free_ = kAllFree;
  std::optional<std::uint16_t> filling_;
  std::size_t filled_ = 0;
  std::optional<Virtqueue::Returned> received_;
  std::size_t read_ = 0;
};

constinit Port g_port;

}  // namespace

bool open_virtio_port() { return g_port.open(); }
void virtio_port_write(std::span<const std::byte> bytes) { g_port.write(bytes); }
void virtio_port_flush() { g_port.flush(); }
void virtio_port_drain() { g_port.drain(); }
std::size_t virtio_port_read(std::span<std::byte> into) { return g_port.read(into); }
void acknowledge_virtio_interrupt() { g_port.acknowledge_interrupt(); }

}  // namespace nebulet::machine
