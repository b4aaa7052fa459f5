// SPDX-License-Identifier: MIT
// The text screen of a VGA, 80 by 25: shows what comes through a stream.
// Handles: 1 the text memory (4000 bytes at 0xb8000), 2 the ports 0x3d4 and 0x3d5, 3 the stream.
// Source: IBM VGA Technical Reference, alphanumeric modes; CRT controller registers 0x0e and 0x0f.
#include "user/sdk/driver.h"

namespace {

using namespace nebulet::sdk;

constexpr Registers kMemory(1), kController(2);
constexpr Stream kText(3);

constexpr std::uint32_t kColumns = 80, kRows = 25, kCells = kColumns * kRows, kTab = 8;
constexpr std::uint16_t kColor = 0x07 << 8, kBlank = kColor | ' ';
constexpr std::uint8_t kCursorHigh = 0x0e, kCursorLow = 0x0f;

class Screen {
 public:
  void clear() {
    for (std::uint32_t i = 0; i < kCells; ++i) put(i, kBlank);
    move_cursor();
  }

  void show(char c) {
    switch (c) {
      case '\n': at_ += kColumns - at_ % kColumns; break;
      case '\r': at_ -= at_ % kColumns; break;
      case '\t': at_ += kTab - at_ % kTab; break;
      case '\b':
        if (at_ % kColumns != 0) put(--at_, kBlank);
        break;
      default:
        if (static_cast<unsigned char>(c) >= ' ') put(at_++, kColor | static_cast<unsigned char>(c));
    }
    if (at_ >= kCells) scroll();
  }

  void move_cursor() const {
    kController.write8(0, kCursorHigh);
    kController.write8(1, static_cast<std::uint8_t>(at_ >> 8));
    kController.write8(0, kCursorLow);
    kController.write8(1, static_cast<std::uint8_t>(at_));
  }

 private:
  void put(std::uint32_t cell, std::uint16_t value) {
    cells_[cell] = value;
    kMemory.write16(2 * cell, value);
  }
  /// Reading the screen's memory is slow, so what it shows is kept.
  void scroll() {
    at_ -= kColumns;
    for (std::uint32_t i = 0; i < kCells; ++i) {
      const std::uint16_t value = i + kColumns < kCells ? cells_[i + kColumns] : kBlank;
      if (value != cells_[i]) put(i, value);
    }
  }

  std::uint16_t cells_[kCells] = {};
  std::uint32_t at_ = 0;
};

Screen g_screen;

}  // namespace

extern "C" void run() {
  g_screen.clear();
  char bytes[256];
  while (const std::size_t count = kText.read(bytes, sizeof bytes)) {
    for (std::size_t i = 0; i < count; ++i) g_screen.show(bytes[i]);
    g_screen.move_cursor();
  }
}
