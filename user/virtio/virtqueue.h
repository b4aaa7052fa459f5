// SPDX-License-Identifier: MIT
// A split virtqueue (OASIS virtio 1.2, 2.7), the driver's side. What the device writes is only what it must
// be: how many buffers came back, which, how full. All else, free descriptors and the length of each chain,
// is kept outside of what the device can reach. A device that breaks a rule makes the queue broken for good.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace nebulet::virtio {

struct Buffer {
  std::uint64_t address;  ///< as the device sees it
  std::uint32_t length;
  bool device_writes;
};

/// A chain that came back.
struct Used {
  std::uint16_t head;
  std::uint32_t length;  ///< that the device wrote; not more than it was given
};

/// `Memory` is what driver and device share: load16, load32, store16, store32 at offsets, sequentially
/// consistent.
template <class Memory>
class Virtqueue {
 public:
  static constexpr std::uint16_t kMaxSize = 256;

  static constexpr std::uint32_t available_offset(std::uint16_t size) { return 16u * size; }
  static constexpr std::uint32_t used_offset(std::uint16_t size) { return (18u * size + 6 + 3) & ~3u; }
  static constexpr std::uint32_t bytes(std::uint16_t size) { return used_offset(size) + 6 + 8u * size; }

  /// `size`, a power of two of at most kMaxSize, descriptors; the rings are at `offset` in `memory`, which is
  /// zero there.
  Virtqueue(Memory memory, std::uint32_t offset, std::uint16_t size)
      : memory_(memory), offset_(offset), size_(size), free_count_(size) {
    for (std::uint16_t i = 0; i < size; ++i) next_[i] = static_cast<std::uint16_t>(i + 1);
  }

  bool is_broken() const { return broken_; }
  std::uint16_t free_count() const { return free_count_; }

  /// Gives the device a chain of buffers, first those that it reads (2.7.4.2). nullopt: there are not so many
  /// free descriptors, or none are given.
  std::optional<std::uint16_t> add(std::span<const Buffer> chain) {
    if (broken_ || chain.empty() || chain.size() > free_count_) return std::nullopt;
    const std::uint16_t head = first_free_;
    std::uint16_t at = head, last = head;
    std::uint32_t writable = 0;
    for (const Buffer& buffer : chain) {
      const bool more = &buffer != &chain.back();
      const std::uint32_t place = offset_ + 16u * at;
      memory_.store32(place, static_cast<std::uint32_t>(buffer.address));
      memory_.store32(place + 4, static_cast<std::uint32_t>(buffer.address >> 32));
      memory_.store32(place + 8, buffer.length);
      memory_.store16(place + 12,
                      static_cast<std::uint16_t>((more ? kNext : 0) | (buffer.device_writes ? kWrite : 0)));
      memory_.store16(place + 14, more ? next_[at] : 0);
      if (buffer.device_writes) writable += buffer.length;
      last = at;
      at = next_[at];
    }
    first_free_ = next_[last];
    free_count_ = static_cast<std::uint16_t>(free_count_ - chain.size());
    chains_[head] = {static_cast<std::uint16_t>(chain.size()), last, writable};
    const std::uint32_t available = offset_ + available_offset(size_);
    memory_.store16(available + 4 + 2u * (published_ % size_), head);
    memory_.store16(available + 2, ++published_);
    ++with_device_;
    return head;
  }

  /// Whether the device wants to be told of what was added (2.7.10).
  bool wants_notification() { return !(memory_.load16(offset_ + used_offset(size_)) & kNoNotify); }

  /// The next chain that came back, whose descriptors are free again. nullopt: none, or the queue is broken.
  std::optional<Used> take() {
    if (broken_) return std::nullopt;
    const std::uint32_t used = offset_ + used_offset(size_);
    const auto waiting = static_cast<std::uint16_t>(memory_.load16(used + 2) - taken_);
    if (waiting == 0) return std::nullopt;
    const std::uint32_t place = used + 4 + 8u * (taken_ % size_);
    const std::uint32_t head = memory_.load32(place), length = memory_.load32(place + 4);
    if (waiting > with_device_ || head >= size_ || chains_[head].count == 0 ||
        length > chains_[head].writable) {
      broken_ = true;
      return std::nullopt;
    }
    Chain& chain = chains_[head];
    next_[chain.last] = first_free_;
    first_free_ = static_cast<std::uint16_t>(head);
    free_count_ = static_cast<std::uint16_t>(free_count_ + chain.count);
    chain.count = 0;
    ++taken_;
    --with_device_;
    return Used{static_cast<std::uint16_t>(head), length};
  }

 private:
  static constexpr std::uint16_t kNext = 1, kWrite = 2;  // of a descriptor
  static constexpr std::uint16_t kNoNotify = 1;          // of the used ring

  struct Chain {
    std::uint16_t count = 0;  ///< descriptors; 0: it does not begin here, or is not with the device
    std::uint16_t last = 0;
    std::uint32_t writable = 0;
  };

  Memory memory_;
  std::uint32_t offset_;
  std::uint16_t size_;
  std::uint16_t first_free_ = 0, free_count_;
  std::uint16_t published_ = 0, taken_ = 0, with_device_ = 0;
  bool broken_ = false;
  std::array<std::uint16_t, kMaxSize> next_{};  ///< of each free descriptor, and of each in a chain
  std::array<Chain, kMaxSize> chains_{};        ///< by head
};

}  // namespace nebulet::virtio
