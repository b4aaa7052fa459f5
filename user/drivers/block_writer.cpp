// SPDX-License-Identifier: MIT
// A client of the block protocol for tests: writes block after block from the first sector on and tells of
// each that was answered, until the door's service is gone. Handles: 1 the door, 2 a stream. The start-up
// block is a word: the value of the first block's bytes; each further one's is one more.
#include <cstring>

#include "user/sdk/block.h"

namespace {

using namespace nebulet::sdk;

std::byte g_block[kWriterBlock];

}  // namespace

extern "C" void run() {
  std::uint32_t value = 0;
  nb_process_startup(&value, sizeof value);
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::memset(g_block, static_cast<int>(value + i), sizeof g_block);
    if (Disk(1).write(i * (kWriterBlock / kSectorBytes), g_block) != NB_BLOCK_RESULT_OK) return;
    if (!Stream(2).write("x")) return;
  }
}
