// SPDX-License-Identifier: MIT
// Drivers with faults: changes bytes in the code of the block driver, runs what is still a module, with a
// client, and then the right driver again, which must work each time. Arguments: how many faults, the seed.
// Run with
// --devices and the drivers' folder as /drivers, with a disk behind an IOMMU: a wrong driver tells its device
// wrong addresses. Reports in TAP.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/block.h"
#include "user/sdk/virtio.h"

namespace {

using namespace nebulet;
using namespace nebulet::sdk;

constexpr std::uint64_t kPatience = 200 * kMs;  ///< how long a driver with a fault may do nothing

struct Random {
  std::uint64_t state;
  std::uint32_t below(std::size_t limit) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::uint32_t>((state >> 33) % limit);
  }
};

struct Range {
  std::size_t begin = 0, end = 0;
};
/// Where a module's code section is (WebAssembly 3.0, 5.5.2).
Range code_of(const std::vector<char>& module) {
  for (std::size_t at = 8; at < module.size();) {
    const char id = module[at++];
    std::size_t size = 0;
    for (unsigned shift = 0; at < module.size() && shift < 35; shift += 7) {
      const auto byte = static_cast<unsigned char>(module[at++]);
      size |= std::size_t{byte & 127u} << shift;
      if (byte < 128) break;
    }
    if (id == 10) return {at, std::min(at + size, module.size())};
    at += size;
  }
  return {};
}

enum Outcome : std::size_t { kEnded, kHung, kWorked, kOutcomes };
constexpr const char* kNames[kOutcomes] = {"ended", "hung", "went on"};

class Campaign {
 public:
  Campaign(const Hardware& device, std::uint64_t seed)
      : device_(device),
        random_{seed},
        good_(read_file("/drivers/virtio_block.wasm")),
        code_(code_of(good_)),
        module_(checked("the driver", compile(good_))),
        client_(load_module("/drivers/block_writer.wasm")) {}

  /// A driver with a fault that the engine cannot know of: most others it refuses.
  Outcome inject() {
    for (;;) {
      std::vector<char> wrong = good_;
      for (std::uint32_t i = 0; i <= random_.below(2); ++i)
        wrong[code_.begin + random_.below(code_.end - code_.begin)] = static_cast<char>(random_.below(256));
      const Result module = wrong == good_ ? Result{NB_STATUS_INVALID_MODULE} : compile(wrong);
      if (module < 0) {
        ++refused_;
        continue;
      }
      const Outcome outcome = serve(static_cast<nb_handle_t>(module));
      nb_handle_close(static_cast<nb_handle_t>(module));
      return outcome;
    }
  }
  int refused() const { return refused_; }
  bool is_back() { return serve(module_) == kWorked; }

 private:
  static Result compile(const std::vector<char>& bytes) {
    char message[100];
    return nb_module_create(bytes.data(), bytes.size(), message, sizeof message);
  }

  /// Runs a driver with a client that writes some blocks.
  Outcome serve(nb_handle_t module) {
    const nb_handle_t service = checked("a service", nb_service_create());
    const nb_handle_t door = checked("a door", nb_door_create(service, 1));
    const Pipe told = make_pipe();
    const nb_handle_t driver = start_virtio_module(device_, "virtio_block", module, {service});
    constexpr std::uint32_t kFirstByte = 1;
    const nb_handle_t client = start_module("block_writer", client_, 4 << 20, {door, told.writer},
                                            std::as_bytes(std::span(&kFirstByte, 1)));
    // The client tells of each block, ends, or waits in the driver.
    char blocks[16];
    std::uint32_t written = 0;
    bool open = true;
    for (std::uint64_t deadline = now() + kPatience; open && written < 4;) {
      const Result count = nb_stream_read(told.reader, blocks, sizeof blocks);
      if (count == NB_STATUS_SHOULD_WAIT) {
        if (nb_object_wait(told.reader, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED,
                           module == module_ ? kForever : deadline) < 0)
          break;
      } else if (count <= 0) {
        open = false;
      } else {
        written += static_cast<std::uint32_t>(count);
      }
    }
    const bool ended = nb_object_wait(driver, NB_SIGNAL_TERMINATED, 0) >= 0;
    for (const nb_handle_t process : {driver, client}) {
      nb_process_kill(process);
      nb_object_wait(process, NB_SIGNAL_TERMINATED, kForever);
      nb_handle_close(process);
    }
    nb_handle_close(told.reader);
    return written >= 4 ? kWorked : ended || !open ? kEnded : kHung;
  }

  const Hardware device_;
  Random random_;
  const std::vector<char> good_;
  const Range code_;
  const nb_handle_t module_, client_;
  int refused_ = 0;
};

void work(const Hardware& device, int count, std::uint64_t seed) {
  Campaign campaign(device, seed);
  check(campaign.is_back(), "the driver works without a fault");
  std::array<int, kOutcomes> outcomes{};
  int back = 0;
  std::uint64_t slowest = 0;
  for (int i = 0; i < count; ++i) {
    ++outcomes[campaign.inject()];
    const std::uint64_t begin = now();
    back += campaign.is_back();
    slowest = std::max(slowest, now() - begin);
    if (i % 50 == 49) {
      std::printf("# %d\n", i + 1);
      std::fflush(stdout);
    }
  }
  std::printf("# %d faults:", count);
  for (std::size_t i = 0; i < kOutcomes; ++i) std::printf(" %d %s,", outcomes[i], kNames[i]);
  std::printf(" %d refused; the service was back after at most %d ms\n", campaign.refused(),
              static_cast<int>(slowest / kMs));
  check(back == count, "the service is back after each fault");
}

}  // namespace

int main(int argc, char** argv) {
  if (root_resource() == 0) {
    std::printf("Bail out! no devices: run it with --devices\n");
    return 1;
  }
  for (const Hardware& device : find_virtio())
    if (device.virtio == virtio::Type::block)
      work(device, argc > 1 ? std::atoi(argv[1]) : 20, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  std::printf("1..%d\n", number);
  return failures != 0 || number == 0;
}
