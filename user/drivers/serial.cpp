// SPDX-License-Identifier: MIT
// A serial port (16550A): 115,200 baud, 8 bits, no parity. What comes goes to a stream, what another one
// brings is sent (user/drivers/bytes.h). Handles: 1 its 8 ports, 2 the interrupt, 3 the stream that is sent,
// 4 the stream of what comes. Source: National Semiconductor PC16550D data sheet, 8.
#include <algorithm>

#include "user/drivers/bytes.h"

namespace {

using namespace nebulet;

constexpr sdk::Registers kPorts(1);
constexpr nb_handle_t kInterruptHandle = 2, kOutgoing = 3, kIncoming = 4;
constexpr sdk::Interrupt kInterrupt(kInterruptHandle);

enum Register : std::uint32_t {
  kData = 0,
  kDivisorLow = 0,
  kEnable = 1,
  kDivisorHigh = 1,
  kIdentification = 2,
  kFifo = 2,
  kLine = 3,
  kModem = 4,
  kStatus = 5,
  kScratch = 7
};
constexpr std::uint8_t kReceived = 1, kCanSend = 0x20, kAllSent = 0x40;  // of the line status
constexpr std::uint8_t kInterruptReceived = 1, kInterruptSent = 2, kNonePending = 1;
constexpr std::uint8_t kDivisor = 0x80, kEightBits = 3, kFifosOn = 0x07, kReady = 0x0b;
constexpr std::size_t kFifoBytes = 16;

class Port {
 public:
  Port() {
    for (const std::uint8_t mark : {std::uint8_t{0x5a}, std::uint8_t{0xa5}}) {
      kPorts.write8(kScratch, mark);
      if (kPorts.read8(kScratch) != mark) sdk::give_up("serial: there is no port");
    }
    kPorts.write8(kEnable, 0);
    kPorts.write8(kLine, kDivisor | kEightBits);
    kPorts.write8(kDivisorLow, 1);
    kPorts.write8(kDivisorHigh, 0);
    kPorts.write8(kLine, kEightBits);
    kPorts.write8(kFifo, kFifosOn);
    kPorts.write8(kModem, kReady);
    kPorts.write8(kEnable, kInterruptReceived | kInterruptSent);
  }

  void interrupted() { kInterrupt.acknowledge(); }
  /// The line changes, so the port must want nothing any more before the next interrupt is waited for. A port
  /// that always does is left alone.
  std::size_t receive(std::span<std::byte> into) {
    std::size_t count = 0;
    for (int tries = 0; tries < 64; ++tries) {
      while (count < into.size() && (kPorts.read8(kStatus) & kReceived))
        into[count++] = std::byte{kPorts.read8(kData)};
      if (count != 0 || (kPorts.read8(kIdentification) & kNonePending)) break;
    }
    return count;
  }
  std::size_t room() {
    if (kPorts.read8(kStatus) & kCanSend) return kFifoBytes;
    return 0;
  }
  void finish() {
    for (int tries = 0; tries < 1'000'000 && !(kPorts.read8(kStatus) & kAllSent); ++tries) {
    }
  }
  void send(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) kPorts.write8(kData, static_cast<std::uint8_t>(byte));
  }
};

}  // namespace

extern "C" void run() {
  auto& port = sdk::make_static<Port>();
  sdk::make_static<drivers::ByteServer<Port>>(port, kInterruptHandle, kOutgoing, kIncoming).run();
}
