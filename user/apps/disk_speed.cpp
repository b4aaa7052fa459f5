// SPDX-License-Identifier: MIT
// How fast a disk is through its driver: nanoseconds for each access, as bench/devices wants them. A client
// under init, with a door `disk`.
#include <cstdio>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/block.h"
#include "user/sdk/given.h"

namespace {

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
  const Disk disk(Given::get().handle("disk"));
  nb_block_info_t info{};
  if (disk.info(info) != NB_BLOCK_RESULT_OK) return 1;
  std::vector<std::byte> small(4096), large(256 << 10);
  const auto read = [&](std::vector<std::byte>& bytes) {
    return [&](std::uint64_t at) { return disk.read(at, bytes); };
  };
  const auto write = [&](std::vector<std::byte>& bytes) {
    return [&](std::uint64_t at) { return disk.write(at, bytes); };
  };
  measure("read_4k", info.sectors, 3000, small.size(), true, read(small));
  measure("write_4k", info.sectors, 3000, small.size(), true, write(small));
  measure("read_256k", info.sectors, 400, large.size(), false, read(large));
  measure("write_256k", info.sectors, 400, large.size(), false, write(large));
  return 0;
}
