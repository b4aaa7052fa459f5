// SPDX-License-Identifier: MIT
// A virtio device (OASIS virtio 1.2), behind PCI or memory-mapped, and its queues (2.7, split). What a device
// writes is checked: a device that breaks the rules is `broken` and gives nothing any more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "machine/x86_64/acpi.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/pci.h"

namespace nebulet::machine {

class VirtioDevice {
 public:
  static constexpr std::uint16_t kMaxQueues = 8;

  /// Finds the first device of this type and resets it. False: there is none that this code can drive.
  bool open(std::uint16_t type);
  /// Takes these features and no others. False: the device lacks one.
  bool negotiate(std::uint64_t features);
  /// Makes the device interrupt this CPU (kVirtio).
  bool route_interrupt();
  /// What a queue must be, at least; before start. False: it has no such queue.
  bool enable_queue(std::uint16_t queue, std::uint16_t size, PhysicalAddress descriptors,
                    PhysicalAddress available, PhysicalAddress used);
  /// The queues are ready.
  void start();
  void notify(std::uint16_t queue);
  /// Tells the device that its interrupt was seen. In the handler.
  void acknowledge_interrupt();

 private:
  struct Field {
    std::uint16_t offset;
    std::uint8_t bytes;
  };
  enum Name : std::uint8_t {
    device_select,
    device_features,
    driver_select,
    driver_features,
    status,
    queue_select,
    queue_limit,
    queue_size,
    queue_enable,
    queue_descriptors,
    queue_available,
    queue_used,
    kNames
  };
  static const Field kPciFields[kNames];
  static const Field kMmioFields[kNames];

  bool open_pci(std::uint16_t type);
  bool open_mmio(std::uint16_t type);
  std::uint32_t get(Name name) const;
  void set(Name name, std::uint32_t value, std::uint16_t further = 0) const;
  void set_address(Name name, PhysicalAddress value) const;

  PhysicalAddress places_[2] = {};  ///< of its registers
  volatile std::byte* registers_ = nullptr;
  const Field* fields_ = nullptr;
  bool is_pci_ = false;
  std::uint32_t line_ = 0;  ///< MMIO: index in acpi().virtio
  volatile std::byte* notify_ = nullptr;
  std::uint32_t notify_bytes_ = 0, notify_step_ = 0;
  std::array<volatile std::uint16_t*, kMaxQueues> bells_{};
  std::optional<PciDevice> pci_;
};

/// A queue with one buffer of its own for each descriptor, in contiguous memory.
class Virtqueue {
 public:
  static constexpr std::uint16_t kMaxSize = 64;
  enum class Direction : std::uint8_t { to_device, from_device };

  /// `size` buffers (a power of two) of 2^order pages all together. A queue from the device is filled.
  bool create(VirtioDevice& device, std::uint16_t index, std::uint16_t size, std::uint32_t order, Direction);

  bool broken() const { return broken_; }
  std::size_t buffer_bytes() const { return buffer_bytes_; }
  std::span<std::byte> buffer(std::uint16_t id) const {
    return {buffers_ + id * buffer_bytes_, buffer_bytes_};
  }

  /// Gives a buffer to the device; to_device: with `bytes` filled.
  void publish(std::uint16_t id, std::size_t bytes);
  /// Wakes the device, unless it does not want to be.
  void notify();
  struct Returned {
    std::uint16_t id;
    std::size_t bytes;  ///< that the device wrote
  };
  /// A buffer that the device gave back.
  std::optional<Returned> take();

 private:
  struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags, next;
  };
  struct UsedElement {
    std::uint32_t id, length;
  };

  VirtioDevice* device_ = nullptr;
  std::uint16_t index_ = 0, size_ = 0;
  Direction direction_ = Direction::to_device;
  bool broken_ = false;
  std::uint16_t published_ = 0, taken_ = 0;
  std::uint64_t with_device_ = 0;  ///< a bit for each buffer
  std::size_t buffer_bytes_ = 0;
  std::byte* buffers_ = nullptr;
  volatile Descriptor* descriptors_ = nullptr;
  volatile std::uint16_t* available_ = nullptr;  ///< flags, index, ring
  volatile std::uint16_t* used_ = nullptr;       ///< flags, index, ring of UsedElement
};

}  // namespace nebulet::machine
