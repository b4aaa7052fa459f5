// SPDX-License-Identifier: MIT
// How fast the first virtio disk is through its driver: nanoseconds for each access, as bench/devices wants
// them. Run with --devices and the drivers' folder as /drivers.
#include <cstdio>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/block.h"
#include "user/sdk/virtio.h"

namespace {

using namespace nebulet;
using namespace nebulet::sdk;

/// `count` accesses of so many bytes, one after another or all over the disk.
template <class Access>
void measure(const char* name, std::uint64_t sectors, int count, std::size_t bytes, bool random,
             Access access) {
  const std::uint64_t places = sectors * kSectorBytes / bytes, begin = now();
  std::uint64_t place = 0;
  for (int i = 0; i < count; ++i) {
    place = random ? (place * 6364136223846793005 + 1442695040888963407) : place + 1;
    if (access((place >> (random ? 33 : 0)) % places * (bytes / kSectorBytes)) != NB_BLOCK_RESULT_OK) {
      std::printf("%s failed\n", name);
      return;
    }
  }
  std::printf("%s %llu\n", name,
              static_cast<unsigned long long>((now() - begin) / static_cast<unsigned>(count)));
}

}  // namespace

int main() {
  for (const Hardware& device : find_virtio()) {
    if (device.virtio != virtio::Type::block) continue;
    const nb_handle_t service = checked("a service", nb_service_create());
    const nb_handle_t door = checked("a door", nb_door_create(service, 1));
    const nb_handle_t driver =
        start_virtio_driver(device, "virtio_block", "/drivers/virtio_block.wasm", {service});
    const Disk disk(door);
    nb_block_info_t info{};
    if (disk.info(info) != NB_BLOCK_RESULT_OK) return 1;
    std::vector<std::byte> small(4096), large(256 << 10);
    measure("read_4k", info.sectors, 3000, small.size(), true,
            [&](std::uint64_t at) { return disk.read(at, small); });
    measure("write_4k", info.sectors, 3000, small.size(), true,
            [&](std::uint64_t at) { return disk.write(at, small); });
    measure("read_256k", info.sectors, 400, large.size(), false,
            [&](std::uint64_t at) { return disk.read(at, large); });
    measure("write_256k", info.sectors, 400, large.size(), false,
            [&](std::uint64_t at) { return disk.write(at, large); });
    nb_process_kill(driver);
    return 0;
  }
  std::fputs("disk_speed: there is no virtio disk\n", stderr);
  return 1;
}
