// SPDX-License-Identifier: MIT
// virtio devices on PCI, each worked by a driver in a process of its own. Run with --devices and the drivers'
// folder as /drivers, on a machine with a source of random bytes and a disk of 64 MiB. Reports in TAP.
#include <array>
#include <cstring>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/block.h"
#include "user/sdk/virtio.h"

namespace {

using namespace nebulet;
using namespace nebulet::sdk;

std::optional<Hardware> find(virtio::Type type) {
  for (const Hardware& device : find_virtio())
    if (device.virtio == type) return device;
  return std::nullopt;
}

void random_bytes() {
  const auto device = find(virtio::Type::rng);
  check(device.has_value(), "a source of random bytes is found");
  if (!device) return;
  const Pipe pipe = make_pipe();
  const nb_handle_t driver =
      start_virtio_driver(*device, "virtio_rng", "/drivers/virtio_rng.wasm", {pipe.writer});
  std::array<char, 1024> bytes{};
  std::size_t count = 0;
  while (count < bytes.size()) {
    const std::size_t more = Stream(pipe.reader).read(bytes.data() + count, bytes.size() - count);
    if (more == 0) break;
    count += more;
  }
  std::array<bool, 256> seen{};
  for (const char c : bytes) seen[static_cast<unsigned char>(c)] = true;
  check(count == bytes.size() && std::count(seen.begin(), seen.end(), true) > 200,
        "its driver gives 1024 of many values");
  nb_process_kill(driver);
  nb_object_wait(driver, NB_SIGNAL_TERMINATED, kForever);
  nb_handle_close(pipe.reader);
}

struct DiskDriver {
  nb_handle_t process, door;
};
DiskDriver start_disk(const Hardware& device) {
  const nb_handle_t service = checked("a service", nb_service_create());
  const nb_handle_t door = checked("a door", nb_door_create(service, 1));
  return {start_virtio_driver(device, "virtio_block", "/drivers/virtio_block.wasm", {service}), door};
}
void end(const DiskDriver& driver) {
  nb_process_kill(driver.process);
  nb_object_wait(driver.process, NB_SIGNAL_TERMINATED, kForever);
  nb_handle_close(driver.process);
  nb_handle_close(driver.door);
}

/// What is written to a sector in a test.
void fill(std::span<std::byte> bytes, std::uint64_t sector, std::uint32_t round) {
  std::uint64_t x = sector * 0x9e3779b97f4a7c15 + round;
  for (std::byte& byte : bytes) {
    x = x * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<std::byte>(x >> 56);
  }
}

constexpr std::uint64_t kSectors = (64 << 20) / kSectorBytes;

void disk() {
  const auto device = find(virtio::Type::block);
  check(device.has_value(), "a disk is found");
  if (!device) return;
  DiskDriver driver = start_disk(*device);
  nb_block_info_t info{};
  check(Disk(driver.door).info(info) == 0 && info.sectors == kSectors && !info.read_only, "it has 64 MiB");

  std::vector<std::byte> written(300 << 10), found(written.size());
  bool all = true;
  for (const std::uint64_t sector :
       {std::uint64_t{0}, std::uint64_t{1001}, kSectors - written.size() / kSectorBytes}) {
    fill(written, sector, 1);
    all &= Disk(driver.door).write(sector, written) == 0;
  }
  check(all, "it is written at its beginning, middle and end");
  check(Disk(driver.door).flush() == 0, "and flushed");
  for (const std::uint64_t sector :
       {std::uint64_t{0}, std::uint64_t{1001}, kSectors - written.size() / kSectorBytes}) {
    fill(written, sector, 1);
    all &= Disk(driver.door).read(sector, found) == 0 && found == written;
  }
  check(all, "what was written is read back");
  const std::span some(written);
  check(Disk(driver.door).write(kSectors, some.first(512)) == NB_BLOCK_RESULT_INVALID &&
            Disk(driver.door).write(kSectors - 1, some.first(1024)) == NB_BLOCK_RESULT_INVALID &&
            Disk(driver.door).write(kSectorMask, some.first(512)) == NB_BLOCK_RESULT_INVALID &&
            Disk(driver.door).write(0, some.first(100)) == NB_BLOCK_RESULT_INVALID,
        "what is not on it is refused");

  end(driver);
  driver = start_disk(*device);
  fill(written, 1001, 1);
  check(Disk(driver.door).read(1001, found) == 0 && found == written,
        "it is there after a restart of the driver");

  // A client writes while the driver is killed. It tells of each block that was answered.
  all = true;
  for (int round = 2; round < 7; ++round) {
    const Pipe told = make_pipe();
    const nb_handle_t door =
        checked("a door", nb_handle_duplicate(driver.door, NB_RIGHT_TRANSACT | NB_RIGHT_TRANSFER));
    const nb_handle_t client = start_process("block_writer", "/drivers/block_writer.wasm", 4 << 20,
                                             {door, told.writer}, std::as_bytes(std::span(&round, 1)));
    std::uint32_t answered = 0;
    char blocks[8];
    while (answered < 3) answered += static_cast<std::uint32_t>(Stream(told.reader).read(blocks, 1));
    end(driver);
    while (const std::size_t more = Stream(told.reader).read(blocks, sizeof blocks))
      answered += static_cast<std::uint32_t>(more);
    nb_object_wait(client, NB_SIGNAL_TERMINATED, kForever);
    nb_handle_close(client);
    nb_handle_close(told.reader);
    driver = start_disk(*device);
    std::vector<std::byte> block(kWriterBlock), expected(kWriterBlock);
    for (std::uint32_t i = 0; i < answered; ++i) {
      const std::uint64_t sector = i * (kWriterBlock / kSectorBytes);
      std::memset(expected.data(), static_cast<int>(i + static_cast<std::uint32_t>(round)), expected.size());
      all &= Disk(driver.door).read(sector, block) == 0 && block == expected;
    }
  }
  check(all, "what was answered before the driver was killed in mid-transfer is there, five times");
  end(driver);
}

}  // namespace

int main() {
  if (root_resource() == 0) {
    std::printf("Bail out! no devices: run it with --devices\n");
    return 1;
  }
  random_bytes();
  disk();
  std::printf("1..%d\n", number);
  return failures != 0;
}
