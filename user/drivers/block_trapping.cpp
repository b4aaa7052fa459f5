// SPDX-License-Identifier: MIT
// The block driver with a mistake, for tests of restarts: the 12th call traps, when the device has done what
// it was asked and nobody was told.
#include "user/drivers/block_device.h"

namespace {

using namespace nebulet;

drivers::BlockDevice* g_device = nullptr;

std::uint64_t answer(const sdk::Request& request) {
  static int calls = 0;
  const std::uint64_t result = drivers::answer(*g_device, request);
  if (++calls == 12) __builtin_trap();
  return result;
}

}  // namespace

extern "C" void run() {
  g_device = &sdk::make_static<drivers::BlockDevice>();
  sdk::serve(virtio::kFirstOtherHandle, answer);
}
