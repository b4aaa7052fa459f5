// SPDX-License-Identifier: MIT
// QEMU's `edu` device (docs/specs/edu.txt there) reads and writes memory at any address that it is told.
// Behind an IOMMU (argument `confined`) that is stopped where it was not granted; without one its driver is
// trusted. Run with --devices. Reports in TAP.
#include <array>
#include <cstring>
#include <optional>

#include "user/apps/tap.h"
#include "user/sdk/dma.h"
#include "user/sdk/virtio.h"

namespace {

using namespace nebulet::sdk;

constexpr std::uint32_t kIdentity = 0, kCauses = 0x24, kAcknowledge = 0x64, kFrom = 0x80, kTo = 0x88,
                        kCount = 0x90, kCommand = 0x98;
constexpr std::uint32_t kStart = 1, kToMemory = 2, kInterrupt = 4;
constexpr std::uint32_t kBuffer = 0x40000;  // the device's own, 4096 bytes

class Edu {
 public:
  explicit Edu(const pci::Function& found)
      : number_(found.number()),
        registers_(device_part(NB_RESOURCE_KIND_REGISTERS, pci::bar(found, 0).base, 1 << 20)),
        function_(checked("its function", nb_resource_create(root_resource(), NB_RESOURCE_KIND_PCI, place(),
                                                             pci::kFunctionBytes))),
        interrupt_(checked("its message", nb_interrupt_create_message(function_, 0))) {}

  nb_handle_t function() const { return function_; }
  std::uint32_t identity() const { return registers_.read32(kIdentity); }
  /// Moves bytes between the device's buffer and memory; false: it never said that it had.
  bool move(std::uint64_t memory, std::uint32_t count, bool to_memory) const {
    Registers(function_).write16(4, 2 | 4);  // memory space, bus master
    registers_.write32(kFrom, to_memory ? kBuffer : static_cast<std::uint32_t>(memory));
    registers_.write32(kTo, to_memory ? static_cast<std::uint32_t>(memory) : kBuffer);
    registers_.write32(kCount, count);
    registers_.write32(kCommand, kStart | kInterrupt | (to_memory ? kToMemory : 0));
    const bool came = interrupt_.wait(now() + 30'000 * kMs);
    interrupt_.acknowledge();
    registers_.write32(kAcknowledge, registers_.read32(kCauses));
    return came;
  }

 private:
  std::uint64_t place() const { return std::uint64_t{number_} * pci::kFunctionBytes; }

  const std::uint32_t number_;
  const Registers registers_;
  const nb_handle_t function_;
  const Interrupt interrupt_;
};

using Bytes = std::array<std::byte, 2048>;  // less than the whole buffer, which QEMU refuses

void work(const Edu& edu, bool confined) {
  check((edu.identity() & 0xffff) == 0x00ed, "an edu device");
  const Dma memory(edu.function(), 8192);
  Bytes sent, found{};
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i * 31 + 7);
  memory.write(0, sent);
  check(edu.move(memory.address(), sizeof(Bytes), false) &&
            edu.move(memory.address() + 4096, sizeof(Bytes), true) && memory.read(4096, found) &&
            found == sent,
        "it reads and writes memory that is its own, and interrupts by a message");

  // Memory of the host bridge, of which the device is told the address.
  const auto bridge = checked(
      "a function", nb_resource_create(root_resource(), NB_RESOURCE_KIND_PCI, 0, pci::kFunctionBytes));
  const Dma other(bridge, 4096);
  edu.move(other.address(), sizeof(Bytes), true);
  other.read(0, found);
  const bool untouched = found == Bytes{};
  check(untouched == confined,
        confined ? "what it was not granted it does not write" : "nothing holds it back without an IOMMU");
  Bytes secret;
  secret.fill(std::byte{0x5e});
  other.write(0, secret);
  edu.move(other.address(), sizeof(Bytes), false);
  edu.move(memory.address() + 4096, sizeof(Bytes), true);
  memory.read(4096, found);
  check((found == secret) != confined, confined ? "nor read" : "nor what it reads");

  const auto before = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED);
  const auto closed = checked("memory", nb_dma_create(edu.function(), 4096));
  nb_handle_close(closed);
  const bool stays = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED) > before;
  nb_dma_quiesced(edu.function());
  const bool is_back = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED) == before;
  check(stays && is_back != confined,
        "closed memory stays the device's; an untrusted driver's word does not change that");
  nb_handle_close(bridge);
}

}  // namespace

int main(int argc, char** argv) {
  if (root_resource() == 0) {
    std::printf("Bail out! no devices: run it with --devices\n");
    return 1;
  }
  std::optional<pci::Function> found;
  pci::for_each_function(all_pci(), [&](const pci::Function& function) {
    if (function.vendor() == 0x1234 && function.device() == 0x11e8) found = function;
  });
  if (found) work(Edu(*found), argc > 1 && std::strcmp(argv[1], "confined") == 0);
  std::printf("1..%d\n", number);
  return failures != 0 || !found;
}
