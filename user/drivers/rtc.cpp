// SPDX-License-Identifier: MIT
// The real-time clock of a PC as a service: a door call answers with the seconds since 1970-01-01 that it
// shows. Handles: 1 the ports 0x70 and 0x71, 2 the service. Source: Motorola MC146818A data sheet; century as
// in all years from 2000 to 2099.
#include <chrono>

#include "user/sdk/service.h"

namespace {

using namespace nebulet;

constexpr sdk::Registers kPorts(1);
constexpr nb_handle_t kService = 2;

enum Register : std::uint8_t {
  kSecond = 0,
  kMinute = 2,
  kHour = 4,
  kDay = 7,
  kMonth = 8,
  kYear = 9,
  kControlA = 10,
  kControlB = 11
};
constexpr std::uint8_t kUpdating = 0x80, kBinary = 0x04, kTwentyFour = 0x02, kAfternoon = 0x80;

std::uint8_t read(Register which) {
  kPorts.write8(0, which);
  return kPorts.read8(1);
}

struct Shown {
  std::uint8_t second, minute, hour, day, month, year;
  friend bool operator==(const Shown&, const Shown&) = default;
};
Shown look() { return {read(kSecond), read(kMinute), read(kHour), read(kDay), read(kMonth), read(kYear)}; }

/// 0: the clock does not show a time.
std::uint64_t seconds() {
  Shown shown = look();
  bool steady = false;
  for (int tries = 0; tries < 1000 && !steady; ++tries) {
    if (read(kControlA) & kUpdating) continue;
    const Shown again = look();
    steady = again == shown;
    shown = again;
  }
  const std::uint8_t control = read(kControlB);
  const auto number = [&](std::uint8_t value) {
    return control & kBinary ? value : static_cast<std::uint8_t>((value >> 4) * 10 + (value & 15));
  };
  unsigned hour = number(shown.hour & ~kAfternoon);
  if (!(control & kTwentyFour)) hour = hour % 12 + (shown.hour & kAfternoon ? 12 : 0);
  using namespace std::chrono;
  const year_month_day date{year(2000 + number(shown.year)), month(number(shown.month)),
                            day(number(shown.day))};
  const unsigned minute = number(shown.minute), second = number(shown.second);
  if (!steady || !date.ok() || hour > 23 || minute > 59 || second > 59) return 0;
  const auto days = static_cast<std::uint64_t>(sys_days(date).time_since_epoch().count());
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace

extern "C" void run() {
  sdk::serve(kService, [](const sdk::Request&) { return seconds(); });
}
