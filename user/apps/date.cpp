// SPDX-License-Identifier: MIT
// Prints the seconds since 1970 that the machine's real-time clock shows, which a driver in a process of its
// own reads. Run with --devices and the drivers' folder as /drivers.
#include <cstdio>

#include "user/sdk/virtio.h"

int main() {
  using namespace nebulet::sdk;
  const nb_handle_t service = checked("a service", nb_service_create());
  const nb_handle_t door = checked("a door", nb_door_create(service, 1));
  start_process("rtc", "/drivers/rtc.wasm", 4 << 20, {device_part(NB_RESOURCE_KIND_PORTS, 0x70, 2), service});
  const Result seconds = nb_door_call(door, 0, 0, 0, 0, kForever);
  std::printf("%lld\n", static_cast<long long>(seconds));
  return seconds > 0 ? 0 : 1;
}
