// SPDX-License-Identifier: MIT
// A driver: the real-time clock of a PC (MC146818A data sheet), which interrupts after each second and is
// then asked for the time.
#include <cstdio>
#include <cstdlib>

#include "user/sdk/devices.h"
#include "user/sdk/driver.h"

using namespace nebulet::sdk;

namespace {

enum Register : std::uint8_t { kSeconds = 0, kMinutes = 2, kHours = 4, kControl = 0x0b, kReason = 0x0c };
constexpr std::uint8_t kInterruptAfterUpdate = 0x10;

class Clock {
 public:
  explicit Clock(nb_handle_t ports) : ports_(ports) {}
  std::uint8_t read(Register which) const {
    ports_.write8(0, which);
    return ports_.read8(1);
  }
  void write(Register which, std::uint8_t value) const {
    ports_.write8(0, which);
    ports_.write8(1, value);
  }

 private:
  Registers ports_;
};

/// The handle, or the end.
nb_handle_t checked(const char* what, Result result) {
  if (result > 0) return static_cast<nb_handle_t>(result);
  std::fprintf(stderr, "clock: cannot have %s (%d); run with --devices\n", what, static_cast<int>(result));
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const nb_handle_t root = root_resource();
  const Clock clock(checked("the ports", nb_resource_create(root, NB_RESOURCE_KIND_PORTS, 0x70, 2)));
  const nb_handle_t lines =
      checked("interrupts", nb_resource_create(root, NB_RESOURCE_KIND_INTERRUPTS, 0, 24));
  const Interrupt interrupt(checked("the line", nb_interrupt_create(lines, 8, NB_INTERRUPT_TRIGGER_ISA)));

  clock.write(kControl, clock.read(kControl) | kInterruptAfterUpdate);
  for (int left = argc > 1 ? std::atoi(argv[1]) : 5; left > 0; --left) {
    interrupt.wait();
    interrupt.acknowledge();
    clock.read(kReason);  // without that it does not interrupt again
    std::printf("%02x:%02x:%02x\n", clock.read(kHours), clock.read(kMinutes), clock.read(kSeconds));  // BCD
    std::fflush(stdout);
  }
  clock.write(kControl, clock.read(kControl) & ~kInterruptAfterUpdate);
}
