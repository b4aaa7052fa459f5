// SPDX-License-Identifier: MIT
// A queue of which each chain is one buffer, in a slot of memory that is the queue's own.
#pragma once

#include "user/virtio/device.h"

namespace nebulet::virtio {

/// Buffers of one direction behind the rings of their queue.
template <std::uint16_t kSlots, std::uint32_t kSlotBytes>
class Slots {
 public:
  static constexpr std::uint32_t kBytes = kSlotBytes;

  Slots(Device& device, std::uint16_t index, bool device_writes)
      : index_(index),
        device_writes_(device_writes),
        memory_(kDeviceHandle, kRings + kSlots * kSlotBytes),
        size_(device.enable_queue(index, kSlots, memory_, 0)),
        queue_(memory_, 0, size_) {
    for (std::uint16_t slot = 0; slot < size_; ++slot) free_[free_count_++] = slot;
  }
  bool has_free() const { return free_count_ != 0; }
  bool has_all() const { return free_count_ == size_; }
  /// A slot to fill.
  std::uint16_t take_free() { return free_[--free_count_]; }
  sdk::Dma& memory() { return memory_; }
  static std::uint32_t place(std::uint16_t slot) { return kRings + std::uint32_t{slot} * kSlotBytes; }

  void publish(Device& device, std::uint16_t slot, std::uint32_t bytes) {
    const Buffer buffer{memory_.address() + place(slot), bytes, device_writes_};
    if (const auto head = queue_.add({&buffer, 1})) slot_of_[*head] = slot;
    if (queue_.wants_notification()) device.notify(index_);
  }
  struct Returned {
    std::uint16_t slot;
    std::uint32_t bytes;
  };
  std::optional<Returned> take() {
    const auto used = queue_.take();
    if (queue_.is_broken()) sdk::give_up("virtio: the device broke its queue");
    if (!used) return std::nullopt;
    return Returned{slot_of_[used->head], used->length};
  }
  void give_back(std::uint16_t slot) { free_[free_count_++] = slot; }

 private:
  static constexpr std::uint32_t kRings = 4096;
  static_assert(Virtqueue<sdk::Dma>::bytes(kSlots) <= kRings);

  const std::uint16_t index_;
  const bool device_writes_;
  sdk::Dma memory_;
  std::uint16_t size_;
  Virtqueue<sdk::Dma> queue_;
  std::array<std::uint16_t, kSlots> free_{}, slot_of_{};
  std::uint16_t free_count_ = 0;
};

}  // namespace nebulet::virtio
