// SPDX-License-Identifier: MIT
// Prints the seconds since 1970 that the machine's real-time clock shows, of which a driver tells
// (user/drivers/rtc.cpp) behind the door `clock`.
#include <cstdio>

#include "user/sdk/driver.h"
#include "user/sdk/given.h"

int main() {
  using namespace nebulet::sdk;
  const Result seconds = nb_door_call(Given::get().handle("clock"), 0, 0, 0, 0, kForever);
  std::printf("%lld\n", static_cast<long long>(seconds));
  return seconds > 0 ? 0 : 1;
}
