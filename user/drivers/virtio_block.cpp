// SPDX-License-Identifier: MIT
// A virtio disk as a service of the block protocol. Handles: those of a virtio driver, then 4 the service.
#include "user/drivers/block_device.h"

namespace {

using namespace nebulet;

drivers::BlockDevice* g_device = nullptr;

}  // namespace

extern "C" void run() {
  g_device = &sdk::make_static<drivers::BlockDevice>();
  sdk::serve(virtio::kFirstOtherHandle,
             [](const sdk::Request& request) { return drivers::answer(*g_device, request); });
}
