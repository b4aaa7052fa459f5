// SPDX-License-Identifier: MIT
// Intel's 8254x network controllers (QEMU's e1000): frames through a channel (user/drivers/frames.h).
// Handles: 1 the PCI function, 2 its registers (BAR 0), 3 the interrupt line, 4 the channel.
// Source: Intel PCI/PCI-X Family of Gigabit Ethernet Controllers, Software Developer's Manual (317453), 3,
// 13, 14.
#include <algorithm>

#include "user/drivers/frames.h"
#include "user/sdk/dma.h"

namespace {

using namespace nebulet;

constexpr nb_handle_t kFunction = 1, kInterruptHandle = 3, kChannel = 4;
constexpr sdk::Registers kRegisters(2);
constexpr sdk::Interrupt kInterrupt(kInterruptHandle);

enum Register : std::uint32_t {
  kControl = 0x0000,
  kCause = 0x00c0,
  kMaskSet = 0x00d0,
  kMaskClear = 0x00d8,
  kReceiveControl = 0x0100,
  kSendControl = 0x0400,
  kSendGap = 0x0410,
  kReceiveRing = 0x2800,  // address, high, bytes, 0, head, 0, tail
  kSendRing = 0x3800,
  kMulticast = 0x5200,
  kAddress = 0x5400,
};
constexpr std::uint32_t kRingHigh = 4, kRingBytes = 8, kRingHead = 16, kRingTail = 24;
constexpr std::uint32_t kReset = 1 << 26, kLinkUp = 1 << 6, kDetectSpeed = 1 << 5;
constexpr std::uint32_t kReceiveOn = 1 << 1, kBroadcast = 1 << 15, kStripChecksum = 1 << 26;
constexpr std::uint32_t kSendOn = 1 << 1, kPadShort = 1 << 3, kCollisions = 0x10 << 4 | 0x40 << 12;
constexpr std::uint32_t kReceived = 0x80 | 0x40 | 0x10, kSent = 0x01, kLinkChange = 0x04;  // causes
constexpr std::uint8_t kDone = 1, kEndOfPacket = 2;                                        // of a descriptor
constexpr std::uint32_t kSendCommand = 1 << 24 | 1 << 25 | 1 << 27;  // end, checksum, report

// In the memory that is shared with the device: descriptors of 16 bytes, then buffers.
constexpr std::uint32_t kCount = 32, kSlot = 2048, kSendDescriptors = 1024, kReceiveBuffers = 4096,
                        kSendBuffers = kReceiveBuffers + kCount * kSlot,
                        kBytes = kSendBuffers + kCount * kSlot;

/// Afterwards the controller uses no memory (14.3).
nb_handle_t reset() {
  constexpr std::uint16_t kMemorySpace = 2, kBusMaster = 4;
  sdk::Registers(kFunction).write16(4, kMemorySpace | kBusMaster);
  kRegisters.write32(kMaskClear, ~0u);
  kRegisters.write32(kReceiveControl, 0);
  kRegisters.write32(kSendControl, 0);
  kRegisters.write32(kControl, kReset);
  for (int tries = 0; kRegisters.read32(kControl) & kReset; ++tries)
    if (tries == 100'000) sdk::give_up("e1000: the controller cannot be reset");
  kRegisters.write32(kMaskClear, ~0u);
  kRegisters.read32(kCause);
  nb_dma_quiesced(kFunction);
  return kFunction;
}

class Controller {
 public:
  Controller() : memory_(reset(), kBytes) {
    for (std::uint32_t i = 0; i < 128; ++i) kRegisters.write32(kMulticast + 4 * i, 0);
    for (std::uint32_t i = 0; i < kCount; ++i) offer(i);
    set_ring(kReceiveRing, 0, kCount - 1);
    set_ring(kSendRing, kSendDescriptors, 0);
    kRegisters.write32(kControl, kLinkUp | kDetectSpeed);
    kRegisters.write32(kSendGap, 10 | 8 << 10 | 6 << 20);  // 13.4.34, for copper
    kRegisters.write32(kSendControl, kSendOn | kPadShort | kCollisions);
    kRegisters.write32(kReceiveControl, kReceiveOn | kBroadcast | kStripChecksum);
    kRegisters.write32(kMaskSet, kReceived | kSent | kLinkChange);
  }

  nb_net_info_t info() const {
    return {kRegisters.read32(kAddress), kRegisters.read32(kAddress + 4) & 0xffff, drivers::kMaxFrame, 0};
  }
  void interrupted() {
    kRegisters.read32(kCause);  // which clears it, so that the line is quiet when it is acknowledged
    kInterrupt.acknowledge();
  }
  std::size_t receive(drivers::FrameBytes& into) {
    const std::uint32_t descriptor = 16 * next_received_;
    const std::uint8_t status = memory_.load8(descriptor + 12);
    if (!(status & kDone)) return 0;
    const std::size_t bytes = std::min<std::size_t>(memory_.load16(descriptor + 8), into.size());
    const bool is_whole = status & kEndOfPacket, is_good = memory_.load8(descriptor + 13) == 0;
    if (is_whole && is_good && !is_inside_)
      memory_.read(kReceiveBuffers + next_received_ * kSlot, std::span(into).first(bytes));
    const bool is_frame = is_whole && is_good && !is_inside_;
    is_inside_ = !is_whole;  // the rest of a frame that is too long
    offer(next_received_);
    kRegisters.write32(kReceiveRing + kRingTail, next_received_);
    next_received_ = (next_received_ + 1) % kCount;
    return is_frame ? std::max<std::size_t>(bytes, 1) : 1;
  }
  bool can_send() {
    while (sending_ != 0 && (memory_.load8(kSendDescriptors + 16 * oldest_sent_ + 12) & kDone)) {
      oldest_sent_ = (oldest_sent_ + 1) % kCount;
      --sending_;
    }
    return sending_ < kCount - 1;
  }
  void send(std::span<const std::byte> frame) {
    const std::uint32_t slot = (oldest_sent_ + sending_) % kCount, descriptor = kSendDescriptors + 16 * slot;
    memory_.write(kSendBuffers + slot * kSlot, frame);
    set_address(descriptor, memory_.address() + kSendBuffers + slot * kSlot);
    memory_.store32(descriptor + 12, 0);
    memory_.store32(descriptor + 8, static_cast<std::uint32_t>(frame.size()) | kSendCommand);
    ++sending_;
    kRegisters.write32(kSendRing + kRingTail, (slot + 1) % kCount);
  }

 private:
  void set_ring(std::uint32_t ring, std::uint32_t place, std::uint32_t tail) const {
    const std::uint64_t address = memory_.address() + place;
    kRegisters.write32(ring, static_cast<std::uint32_t>(address));
    kRegisters.write32(ring + kRingHigh, static_cast<std::uint32_t>(address >> 32));
    kRegisters.write32(ring + kRingBytes, kCount * 16);
    kRegisters.write32(ring + kRingHead, 0);
    kRegisters.write32(ring + kRingTail, tail);
  }
  void set_address(std::uint32_t descriptor, std::uint64_t address) const {
    memory_.store32(descriptor, static_cast<std::uint32_t>(address));
    memory_.store32(descriptor + 4, static_cast<std::uint32_t>(address >> 32));
  }
  /// Gives the controller the buffer of a descriptor to fill.
  void offer(std::uint32_t slot) const {
    set_address(16 * slot, memory_.address() + kReceiveBuffers + slot * kSlot);
    memory_.store32(16 * slot + 8, 0);
    memory_.store32(16 * slot + 12, 0);
  }

  sdk::Dma memory_;
  std::uint32_t next_received_ = 0, oldest_sent_ = 0, sending_ = 0;
  bool is_inside_ = false;  ///< of a frame of several buffers
};

}  // namespace

extern "C" void run() {
  auto& controller = sdk::make_static<Controller>();
  sdk::make_static<drivers::FrameServer<Controller>>(controller, kInterruptHandle, kChannel).run();
}
