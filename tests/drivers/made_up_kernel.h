// SPDX-License-Identifier: MIT
// The kernel's calls as drivers on the host find them, with a device behind them that tells lies as often as
// it is asked to. A driver runs until it ends, waits for what never comes, or does so much that it must hang.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tests/drivers/random.h"
#include "user/sdk/service.h"
#include "user/virtio/layout.h"

namespace nebulet::test {

/// How a driver ended.
enum class End { returned, gave_up, waits, hangs };

/// What drivers see of one device: registers, and memory that both use.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::uint32_t read(std::uint32_t offset, std::uint32_t bytes) = 0;
  virtual void write(std::uint32_t offset, std::uint32_t bytes, std::uint32_t value) = 0;
  /// Whether it interrupts, now that the driver waits; it may do what it was told to.
  virtual bool interrupts() = 0;
};

struct Dma {
  std::uint64_t address;
  std::vector<std::byte> bytes;
};

struct World {
  World(std::uint64_t seed, std::uint32_t how_many_lies) : random(seed), lies(how_many_lies) {}

  Random random;
  std::uint32_t lies;  ///< one in so many answers is one; 0: none
  bool lie() { return random.one_in(lies); }

  Device* device = nullptr;
  bool is_memory_mapped = false;  ///< the first handle is the registers too, no PCI function
  std::vector<Dma> dma;
  std::uint64_t budget = 200'000;  ///< calls
  std::uint64_t clock = 0;
  std::string said;

  /// The calls that clients make, each as the reply of the driver's service.
  std::function<void(sdk::Request)> client;
  int client_calls = 10;
  std::vector<std::byte> request, reply;

  /// What the driver gets from its channel, and what it wrote there or to its stream.
  std::vector<std::vector<std::byte>> outgoing;
  std::vector<std::vector<std::byte>> incoming;
  std::size_t most_incoming = 20;

  std::byte* at(std::uint64_t address, std::uint64_t count);
};

/// Runs a driver's entry in this world.
End run(World& world, void (*entry)());

}  // namespace nebulet::test
