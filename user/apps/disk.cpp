// SPDX-License-Identifier: MIT
// A client of the block protocol under init, with a door `disk`: writes blocks, reads them back, and goes on
// when a call fails because the driver has ended. The argument says how many calls at least must have failed.
// Reports in TAP.
#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/block.h"
#include "user/sdk/given.h"

namespace {

using namespace nebulet::sdk;

int g_failed = 0;

/// A call whose driver ends is made again: it may have been answered or not.
template <class Call>
bool again(Call call) {
  for (int tries = 0; tries < 10; ++tries) {
    const Result result = call();
    if (result == NB_BLOCK_RESULT_OK) return true;
    if (result != NB_STATUS_PEER_CLOSED && result != NB_STATUS_CALL_FAILED) return false;
    ++g_failed;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint64_t kBlocks = 20, kBlock = 64 << 10;
  const Disk disk(Given::get().handle("disk"));
  nb_block_info_t info{};
  check(again([&] { return disk.info(info); }) && info.sectors >= kBlocks * kBlock / kSectorBytes,
        "there is a disk");
  std::vector<std::byte> block(kBlock), found(kBlock);
  bool written = true, read = true;
  for (std::uint64_t i = 0; i < kBlocks; ++i) {
    std::memset(block.data(), static_cast<int>(i + 1), block.size());
    written &= again([&] { return disk.write(i * kBlock / kSectorBytes, block); });
  }
  check(written && again([&] { return disk.flush(); }), "it is written");
  for (std::uint64_t i = 0; i < kBlocks; ++i) {
    std::memset(block.data(), static_cast<int>(i + 1), block.size());
    read &= again([&] { return disk.read(i * kBlock / kSectorBytes, found); }) && found == block;
  }
  check(read, "what was written is read back");
  check(g_failed >= (argc > 1 ? std::atoi(argv[1]) : 0), "calls failed when the driver ended");
  std::printf("1..%d\n", number);
  return failures != 0;
}
