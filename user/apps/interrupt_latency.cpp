// SPDX-License-Identifier: MIT
// How long it takes from a device's interrupt to its driver, as bench/devices wants it: QEMU's `edu` device
// interrupts when one process tells it to, and another one of higher priority waits for that. A driver under
// init (`{ pci = "1234:11e8" }`), which starts the two.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "user/apps/tap.h"
#include "user/sdk/given.h"
#include "user/sdk/process.h"

namespace {

using namespace nebulet::sdk;

constexpr std::uint32_t kRaise = 0x60;
constexpr int kRounds = 2000;

/// Tells when it was woken.
int wait_for_it(const Given& given) {
  const Interrupt interrupt(given.handle("interrupt"));
  const Stream woken(given.handle("times"));
  for (int i = 0; i < kRounds && interrupt.wait(); ++i) {
    const std::uint64_t time = now();
    interrupt.acknowledge();
    woken.write({reinterpret_cast<const char*>(&time), sizeof time});
  }
  return 0;
}

int raise_it(const Given& given) {
  const Registers registers(given.handle("registers"));
  std::uint64_t sum = 0, least = ~std::uint64_t{0};
  for (int i = 0; i < kRounds; ++i) {
    const std::uint64_t begin = now();
    registers.write32(kRaise, 1);
    std::uint64_t woken = 0;
    if (Stream(given.handle("times")).read(reinterpret_cast<char*>(&woken), sizeof woken) != sizeof woken)
      return 1;
    sum += woken - begin;
    least = std::min(least, woken - begin);
  }
  std::printf("interrupt %llu\nleast %llu\n", static_cast<unsigned long long>(sum / kRounds),
              static_cast<unsigned long long>(least));
  return 0;
}

nb_handle_t start(const Given& given, const char* role, nb_priority_t priority, const char* device,
                  nb_handle_t times) {
  Startup startup;
  startup.argument("interrupt_latency");
  startup.argument(role);
  startup.standard(
      1, checked("the console", nb_handle_duplicate(given.standard[1], NB_RIGHT_WRITE | NB_RIGHT_TRANSFER)));
  startup.handle(device, given.handle(device));
  startup.handle("times", times);
  const nb_handle_t process =
      start_wasi(role, checked("program", nb_module_of("program", 7)), 16 << 20, startup);
  checked("its share", nb_process_set_share(process, priority, 1000));
  return process;
}

}  // namespace

int main(int argc, char** argv) {
  const Given given = Given::get();
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "wait") return wait_for_it(given);
  if (role == "raise") return raise_it(given);
  constexpr std::uint16_t kMemorySpace = 2, kBusMaster = 4;
  Registers(given.handle("device")).write16(4, kMemorySpace | kBusMaster);
  const Pipe times = make_pipe();
  const nb_handle_t waiting = start(given, "wait", NB_PRIORITY_HIGH, "interrupt", times.writer);
  const nb_handle_t raising = start(given, "raise", NB_PRIORITY_NORMAL, "registers", times.reader);
  for (const nb_handle_t process : {waiting, raising})
    nb_object_wait(process, NB_SIGNAL_TERMINATED, kForever);
  return 0;
}
