// SPDX-License-Identifier: MIT
// A PS/2 keyboard behind an 8042 controller: writes what is typed on a US keyboard to a stream.
// Handles: 1 the ports 0x60 to 0x64, 2 the interrupt (ISA 1), 3 the stream.
// Source: IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device controller; scan
// code set 1.
#include "user/sdk/driver.h"

namespace {

using namespace nebulet::sdk;

constexpr Registers kPorts(1);
constexpr Interrupt kInterrupt(2);
constexpr Stream kTyped(3);

constexpr std::uint32_t kData = 0, kStatus = 4, kCommand = 4;
constexpr std::uint8_t kOutputFull = 0x01, kInputFull = 0x02, kFromMouse = 0x20;
constexpr std::uint8_t kReadConfiguration = 0x20, kWriteConfiguration = 0x60, kDisableMouse = 0xa7,
                       kDisableKeyboard = 0xad, kEnableKeyboard = 0xae;
constexpr std::uint8_t kInterrupts = 0x01, kClockOff = 0x10, kTranslation = 0x40;

// By scan code, from 0; 0: no character.
constexpr char kPlain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
constexpr char kShifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
static_assert(sizeof kPlain == sizeof kShifted);
constexpr std::uint8_t kReleased = 0x80, kExtended = 0xe0, kLeftShift = 0x2a, kRightShift = 0x36;

/// A controller that is never ready is none.
void wait_until(std::uint8_t bit, bool set) {
  for (int tries = 0; tries < 100'000; ++tries)
    if (((kPorts.read8(kStatus) & bit) != 0) == set) return;
  give_up("ps2_keyboard: the controller does not answer");
}
void command(std::uint8_t value) {
  wait_until(kInputFull, false);
  kPorts.write8(kCommand, value);
}

void start_controller() {
  command(kDisableKeyboard);
  command(kDisableMouse);
  for (int i = 0; i < 16 && (kPorts.read8(kStatus) & kOutputFull); ++i) kPorts.read8(kData);
  command(kReadConfiguration);
  wait_until(kOutputFull, true);
  const std::uint8_t found = kPorts.read8(kData);
  command(kWriteConfiguration);
  wait_until(kInputFull, false);
  kPorts.write8(kData, static_cast<std::uint8_t>((found | kInterrupts | kTranslation) & ~kClockOff));
  command(kEnableKeyboard);
}

class Keyboard {
 public:
  /// The character that a scan code types, or 0.
  char type(std::uint8_t code) {
    if (code == kExtended) {
      is_extended_ = true;
      return 0;
    }
    const bool extended = is_extended_, released = code & kReleased;
    is_extended_ = false;
    const auto key = static_cast<std::uint8_t>(code & ~kReleased);
    if (!extended && (key == kLeftShift || key == kRightShift)) shift_ = !released;
    if (released || extended || key >= sizeof kPlain - 1) return 0;
    return (shift_ ? kShifted : kPlain)[key];
  }

 private:
  bool shift_ = false, is_extended_ = false;
};

}  // namespace

extern "C" void run() {
  start_controller();
  Keyboard keyboard;
  for (;;) {
    kInterrupt.wait();
    kInterrupt.acknowledge();
    // A controller that always has more gets its turn again with the next interrupt.
    for (int i = 0; i < 256; ++i) {
      const std::uint8_t status = kPorts.read8(kStatus);
      if (!(status & kOutputFull)) break;
      const std::uint8_t code = kPorts.read8(kData);
      if (status & kFromMouse) continue;
      const char c = keyboard.type(code);
      if (c != 0 && !kTyped.write({&c, 1})) return;
    }
  }
}
