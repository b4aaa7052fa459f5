// SPDX-License-Identifier: MIT
#include "machine/x86_64/console.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/link.h"
#include "machine/include/machine/time.h"
#include "machine/x86_64/serial.h"
#include "machine/x86_64/spin_lock.h"
#include "machine/x86_64/virtio_console.h"

namespace nebulet::machine {
namespace {

using link::Packet;

constexpr std::byte kEndOfInput{4};  // control-D, in text mode

ConsoleMode g_mode = ConsoleMode::text;
bool g_virtio = false;  ///< the link goes over a virtio port
constexpr std::uint32_t kNobody = ~0u;
std::atomic<std::uint32_t> g_writer = kNobody;
std::atomic<bool> g_broken = false;

/// The right to write. An interrupt handler or a fault of the writer itself goes without: it may only be a
/// panic or a message that is dropped.
class Writing {
 public:
  Writing() : self_(current_cpu()) {
    if (g_broken.load(std::memory_order_relaxed)) {
      allowed_ = true;
      return;
    }
    if (g_writer.load(std::memory_order_relaxed) == self_) return;
    std::uint32_t nobody = kNobody;
    while (!g_writer.compare_exchange_weak(nobody, self_,
                                           std::memory_order_acquire)) {  // pairs with the destructor
      nobody = kNobody;
      spin_hint();
      answer_tlb_request();
      if (g_broken.load(std::memory_order_relaxed)) break;
    }
    allowed_ = owner_ = true;
  }
  ~Writing() {
    if (owner_) g_writer.store(kNobody, std::memory_order_release);
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  bool allowed() const { return allowed_; }

 private:
  const std::uint32_t self_;
  bool allowed_ = false;
  bool owner_ = false;
};

void link_write(std::span<const std::byte> bytes) {
  if (g_virtio) {
    virtio_port_write(bytes);
  } else {
    serial_write(bytes);
  }
}

std::size_t link_read(std::span<std::byte> into) {
  return g_virtio ? virtio_port_read(into) : serial_read(into);
}

void write_packet(Packet kind, std::span<const std::byte> payload) {
  const link::Header header = link::header_of(kind, payload.size());
  const Writing writing;
  if (!writing.allowed()) return;
  link_write(header);
  link_write(payload);
  if (g_virtio) virtio_port_flush();
}

/// What arrives, cut into packets. Input and an answer for files may come in any order, so each has a place
/// to wait in.
class Receiver {
 public:
  /// Takes what the link has.
  void poll() {
    for (;;) {
      if (header_bytes_ < header_.size()) {
        const std::size_t got = link_read(std::span(header_).subspan(header_bytes_));
        if (got == 0) return;
        header_bytes_ += got;
        if (header_bytes_ < header_.size()) continue;
        begin_packet();
      }
      if (received_ < length_) {
        const std::size_t got = link_read(std::span(payload_).subspan(received_));
        if (got == 0) return;
        received_ += got;
      }
      if (received_ == length_) end_packet();
    }
  }

  SpinLock lock;
  bool input_requested = false;
  bool has_input = false;
  bool input_ended = false;
  std::vector<std::byte> input;
  std::size_t input_at = 0;
  bool has_files = false;
  std::vector<std::byte> files;
  std::optional<HostFacts> host;

 private:
  void begin_packet() {
    length_ = link::length_of(header_);
    if (length_ > link::kMaxPayload) panic("the host sent a packet that is too long");
    payload_.resize(length_);
    received_ = 0;
  }
  void end_packet() {
    const Packet kind = link::kind_of(header_);
    if (kind == Packet::input) {
      input.swap(payload_);
      input_at = 0;
      has_input = true;
      input_ended |= input.empty();
    } else if (kind == Packet::files) {
      files.swap(payload_);
      has_files = true;
    } else if (kind == Packet::host && payload_.size() == sizeof(HostFacts)) {
      std::memcpy(&host.emplace(), payload_.data(), sizeof(HostFacts));
    }
    header_bytes_ = 0;
  }

  link::Header header_;
  std::size_t header_bytes_ = 0;
  std::size_t length_ = 0;
  std::size_t received_ = 0;
  std::vector<std::byte> payload_;
};
Receiver g_receiver;

std::optional<std::size_t> read_text(std::span<std::byte> into) {
  const std::size_t got = serial_read(into);
  if (got == 0) return std::nullopt;
  if (into[0] == kEndOfInput) return 0;
  for (std::byte& byte : into.first(got)) {
    if (byte == std::byte{'\r'}) byte = std::byte{'\n'};
  }
  return got;
}

}  // namespace

void initialize_console(ConsoleMode mode) {
  if (mode == ConsoleMode::text) return;
  g_virtio = open_virtio_port();
  g_mode = mode;
  link_write(std::as_bytes(std::span(link::kMagic)));
}

void break_console_lock() { g_broken.store(true, std::memory_order_relaxed); }

void console_write(ConsoleStream stream, std::span<const std::byte> bytes) {
  if (g_virtio && g_broken.load(std::memory_order_relaxed)) serial_write(bytes);
  if (g_mode == ConsoleMode::text) {
    if (stream >= ConsoleStream::progress) return;  // for the tool
    const Writing writing;
    if (writing.allowed()) serial_write(bytes);
    return;
  }
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), link::kMaxStreamPayload);
    write_packet(static_cast<Packet>(stream), bytes.first(part));
    bytes = bytes.subspan(part);
  }
}

std::optional<std::size_t> console_read(std::span<std::byte> into) {
  if (into.empty()) return std::nullopt;
  if (g_mode == ConsoleMode::text) return read_text(into);
  bool request = false;
  {
    SpinGuard guard(g_receiver.lock);
    if (g_receiver.input_ended) return 0;
    if (!g_receiver.has_input && !g_receiver.input_requested) request = g_receiver.input_requested = true;
  }
  if (request) {
    const std::uint32_t length = link::kMaxStreamPayload;
    write_packet(Packet::input, std::as_bytes(std::span(&length, 1)));
  }
  SpinGuard guard(g_receiver.lock);
  g_receiver.poll();
  if (!g_receiver.has_input) return std::nullopt;
  if (g_receiver.input_ended) return 0;
  const auto rest = std::span(g_receiver.input).subspan(g_receiver.input_at);
  const std::size_t part = std::min(rest.size(), into.size());
  std::memcpy(into.data(), rest.data(), part);
  g_receiver.input_at += part;
  if (part == rest.size()) g_receiver.has_input = g_receiver.input_requested = false;
  return part;
}

bool files_send(std::span<const std::byte> request) {
  if (g_mode == ConsoleMode::text) return false;
  write_packet(Packet::files, request);
  return true;
}

std::optional<std::size_t> files_receive(std::span<std::byte> reply) {
  SpinGuard guard(g_receiver.lock);
  g_receiver.poll();
  if (!g_receiver.has_files) return std::nullopt;
  g_receiver.has_files = false;
  const std::size_t length = g_receiver.files.size();
  if (length > reply.size()) return 0;  // no message: the kernel takes it as an error of the host
  std::memcpy(reply.data(), g_receiver.files.data(), length);
  return length;
}

std::optional<HostFacts> ask_host() {
  if (g_mode == ConsoleMode::text) return std::nullopt;
  constexpr std::uint64_t kPatience = 200'000'000;
  static constinit SpinLock asking;
  SpinGuard one_at_a_time(asking);
  write_packet(Packet::host, {});
  for (const std::uint64_t from = monotonic_ns(); monotonic_ns() - from < kPatience; spin_hint()) {
    SpinGuard guard(g_receiver.lock);
    g_receiver.poll();
    if (g_receiver.host) return std::exchange(g_receiver.host, std::nullopt);
  }
  return std::nullopt;
}

void send_exit_status(int status) {
  if (g_mode == ConsoleMode::text) return;
  const auto word = static_cast<std::int32_t>(status);
  write_packet(Packet::exit, std::as_bytes(std::span(&word, 1)));
  if (g_virtio) virtio_port_drain();
}

}  // namespace nebulet::machine
