// SPDX-License-Identifier: MIT
// A virtio source of random bytes (OASIS virtio 1.2, 5.4): writes them to a stream as long as it is read.
// Handles: those of a virtio driver, then 4 the stream.
#include "user/virtio/device.h"

namespace {

using namespace nebulet;

constexpr std::uint32_t kBytes = 256, kBuffer = 4096;
constexpr std::uint64_t kTimeout = 30'000'000'000;

}  // namespace

extern "C" void run() {
  constexpr sdk::Stream kRandom(virtio::kFirstOtherHandle);
  auto& device = sdk::make_static<virtio::Device>();
  device.negotiate(0);
  const sdk::Dma memory(virtio::kDeviceHandle, kBuffer + kBytes);
  auto& requests =
      sdk::make_static<virtio::RequestQueue>(device, std::uint16_t{0}, std::uint16_t{8}, memory, 0u);
  device.start();
  std::array<std::byte, kBytes> bytes;
  for (;;) {
    const virtio::Buffer buffer{memory.address() + kBuffer, kBytes, true};
    const std::uint32_t count = requests.transact({&buffer, 1}, kTimeout);
    if (count == 0) sdk::give_up("virtio_rng: the device gives no bytes");
    if (!memory.read(kBuffer, std::span(bytes).first(count))) return;
    if (!kRandom.write({reinterpret_cast<const char*>(bytes.data()), count})) return;
  }
}
