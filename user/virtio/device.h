// SPDX-License-Identifier: MIT
// A virtio device (OASIS virtio 1.2), by PCI or memory-mapped, as its driver works it. A device that does not
// answer or breaks the rules ends the driver, whose starter decides what happens then.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "user/sdk/dma.h"
#include "user/sdk/driver.h"
#include "user/virtio/layout.h"
#include "user/virtio/virtqueue.h"

namespace nebulet::virtio {

// 6: features of all devices.
constexpr std::uint64_t kVersion1 = 1ull << 32, kAccessPlatform = 1ull << 33;

class Device {
 public:
  /// Resets the device and takes those of `wanted` features that it offers (3.1.1); tells which.
  std::uint64_t negotiate(std::uint64_t wanted) {
    reset();
    set(kStatus, kAcknowledge | kDriver);
    std::uint64_t offered = 0;
    for (std::uint32_t half = 0; half < 2; ++half) {
      set(kDeviceSelect, half);
      offered |= std::uint64_t{get(kDeviceFeatures)} << 32 * half;
    }
    if (!(offered & kVersion1)) sdk::give_up("virtio: the device is from before virtio 1.0");
    const std::uint64_t taken = offered & (wanted | kVersion1 | kAccessPlatform);
    for (std::uint32_t half = 0; half < 2; ++half) {
      set(kDriverSelect, half);
      set(kDriverFeatures, static_cast<std::uint32_t>(taken >> 32 * half));
    }
    set(kStatus, kAcknowledge | kDriver | kFeaturesOk);
    if (!(get(kStatus) & kFeaturesOk)) sdk::give_up("virtio: the device refuses its own features");
    return taken;
  }

  /// A queue of at most `size` descriptors whose rings are in `memory` from `offset` on: how many it has.
  std::uint16_t enable_queue(std::uint16_t index, std::uint16_t size, const sdk::Dma& memory,
                             std::uint32_t offset) {
    set(kQueueSelect, index);
    const std::uint32_t most = get(kQueueLimit);
    if (most == 0 || index >= bells_.size()) sdk::give_up("virtio: the device lacks a queue");
    while (size > most) size /= 2;
    set(kQueueSize, size);
    const std::uint64_t rings = memory.address() + offset;
    set_address(kQueueDescriptors, rings);
    set_address(kQueueAvailable, rings + Virtqueue<sdk::Dma>::available_offset(size));
    set_address(kQueueUsed, rings + Virtqueue<sdk::Dma>::used_offset(size));
    if (layout_.bus == Bus::pci) {
      constexpr std::uint32_t kMessage = 26, kNotifyOffset = 30;
      registers_.write16(layout_.common + kMessage, 0);
      if (registers_.read16(layout_.common + kMessage) != 0)
        sdk::give_up("virtio: the device has no message for a queue");
      const std::uint64_t bell =
          std::uint64_t{registers_.read16(layout_.common + kNotifyOffset)} * layout_.notify_step;
      if (bell + 2 > layout_.notify_bytes) sdk::give_up("virtio: a queue's doorbell is nowhere");
      bells_[index] = layout_.notify + static_cast<std::uint32_t>(bell);
    }
    set(kQueueEnable, 1);
    return size;
  }
  void start() { set(kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk); }

  void notify(std::uint16_t queue) const {
    if (layout_.bus == Bus::pci)
      registers_.write16(bells_[queue], queue);
    else
      registers_.write32(layout_.common + kMmioNotify, queue);
  }
  /// Waits until the device interrupts. False: at `deadline` it had not.
  bool wait(std::uint64_t deadline) const {
    if (!interrupt_.wait(deadline)) return false;
    interrupt_.acknowledge();
    if (layout_.bus == Bus::mmio)
      registers_.write32(layout_.common + kMmioAcknowledge,
                         registers_.read32(layout_.common + kMmioInterrupts));
    return true;
  }
  /// It said that it cannot go on (2.1.2).
  bool needs_reset() const { return get(kStatus) & kNeedsReset; }

  /// Words of the device's configuration that belong together (2.5.1). Ends the driver if there are fewer.
  void read_config(std::uint32_t offset, std::span<std::uint32_t> words) const {
    const std::uint64_t end = offset + words.size() * 4;
    if (end > (layout_.bus == Bus::pci ? layout_.config_bytes : 256))
      sdk::give_up("virtio: the configuration is too short");
    const std::uint32_t base = layout_.bus == Bus::pci ? layout_.config : layout_.common + kMmioConfig;
    for (int tries = 0; tries < 100; ++tries) {
      const std::uint32_t generation = get(kGeneration);
      for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = registers_.read32(base + offset + static_cast<std::uint32_t>(4 * i));
      if (get(kGeneration) == generation) return;
    }
    sdk::give_up("virtio: the configuration never stops changing");
  }

 private:
  enum Name : std::uint8_t {
    kDeviceSelect,
    kDeviceFeatures,
    kDriverSelect,
    kDriverFeatures,
    kStatus,
    kGeneration,
    kQueueSelect,
    kQueueLimit,
    kQueueSize,
    kQueueEnable,
    kQueueDescriptors,
    kQueueAvailable,
    kQueueUsed,
    kNames
  };
  struct Field {
    std::uint16_t offset;
    std::uint8_t bytes;
  };
  // 4.1.4.3 and 4.2.2; the size of a queue on PCI is its limit until it is written.
  static constexpr Field kPci[kNames] = {{0, 4},  {4, 4},  {8, 4},  {12, 4}, {20, 1}, {21, 1}, {22, 2},
                                         {24, 2}, {24, 2}, {28, 2}, {32, 4}, {40, 4}, {48, 4}};
  static constexpr Field kMmio[kNames] = {{0x14, 4}, {0x10, 4}, {0x24, 4}, {0x20, 4}, {0x70, 4},
                                          {0xfc, 4}, {0x30, 4}, {0x34, 4}, {0x38, 4}, {0x44, 4},
                                          {0x80, 4}, {0x90, 4}, {0xa0, 4}};
  static constexpr std::uint32_t kMmioNotify = 0x50, kMmioInterrupts = 0x60, kMmioAcknowledge = 0x64,
                                 kMmioConfig = 0x100;
  // 2.1: the status.
  static constexpr std::uint32_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8,
                                 kNeedsReset = 64;

  Field field(Name name) const { return layout_.bus == Bus::pci ? kPci[name] : kMmio[name]; }
  std::uint32_t get(Name name) const {
    const Field f = field(name);
    const std::uint32_t at = layout_.common + f.offset;
    return f.bytes == 1 ? registers_.read8(at) : f.bytes == 2 ? registers_.read16(at) : registers_.read32(at);
  }
  void set(Name name, std::uint32_t value) const {
    const Field f = field(name);
    const std::uint32_t at = layout_.common + f.offset;
    if (f.bytes == 1) registers_.write8(at, static_cast<std::uint8_t>(value));
    if (f.bytes == 2) registers_.write16(at, static_cast<std::uint16_t>(value));
    if (f.bytes == 4) registers_.write32(at, value);
  }
  void set_address(Name name, std::uint64_t address) const {
    const std::uint32_t at = layout_.common + field(name).offset;
    registers_.write32(at, static_cast<std::uint32_t>(address));
    registers_.write32(at + 4, static_cast<std::uint32_t>(address >> 32));
  }

  static Layout look() {
    if (sdk::Registers(kDeviceHandle).read32(0) == kMmioMagic) return {.bus = Bus::mmio};
    if (const auto found = find_layout(sdk::pci::Function(kDeviceHandle, 0, 0))) return *found;
    sdk::give_up("virtio: this is no device of virtio 1.0, or its structures are in several BARs");
  }

  /// Afterwards the device uses no memory, so what a driver before this one left is given back (2.4).
  void reset() {
    if (layout_.bus == Bus::pci) {
      constexpr std::uint16_t kMemorySpace = 2, kBusMaster = 4, kNoLine = 1 << 10;
      sdk::Registers(kDeviceHandle).write16(4, kMemorySpace | kBusMaster | kNoLine);
    }
    set(kStatus, 0);
    for (int tries = 0; get(kStatus) != 0; ++tries)
      if (tries == 100'000) sdk::give_up("virtio: the device cannot be reset");
    nb_dma_quiesced(kDeviceHandle);
  }

  const Layout layout_ = look();
  const sdk::Registers registers_{kRegistersHandle};
  const sdk::Interrupt interrupt_{kInterruptHandle};
  std::array<std::uint32_t, 8> bells_{};
};

/// A queue whose chains are waited for one at a time.
class RequestQueue {
 public:
  RequestQueue(Device& device, std::uint16_t index, std::uint16_t size, const sdk::Dma& memory,
               std::uint32_t offset)
      : device_(device),
        index_(index),
        queue_(memory, offset, device.enable_queue(index, size, memory, offset)) {}

  /// What the device wrote of the chain, in bytes. Ends the driver if the device never answers, or wrongly.
  std::uint32_t transact(std::span<const Buffer> chain, std::uint64_t timeout_ns) {
    const auto head = queue_.add(chain);
    if (!head) sdk::give_up("virtio: a request has too many parts");
    if (queue_.wants_notification()) device_.notify(index_);
    const std::uint64_t deadline = static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_MONOTONIC)) + timeout_ns;
    for (;;) {
      if (const auto used = queue_.take()) return used->length;
      if (queue_.is_broken()) sdk::give_up("virtio: the device broke its queue");
      if (!device_.wait(deadline)) sdk::give_up("virtio: the device does not answer");
    }
  }

 private:
  Device& device_;
  std::uint16_t index_;
  Virtqueue<sdk::Dma> queue_;
};

}  // namespace nebulet::virtio
