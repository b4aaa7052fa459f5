// SPDX-License-Identifier: MIT
// What programs that hand out devices read of the machine, ACPI tables and PCI functions, when these are
// right and when they are anything.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/drivers/random.h"
#include "user/sdk/acpi.h"
#include "user/sdk/pci.h"
#include "user/virtio/layout.h"

namespace nebulet::sdk {
namespace {

constexpr std::uint64_t kArea = 0xe0000, kAreaBytes = 0x20000, kTables = 0x7fe0000, kTablesBytes = 0x4000;

/// Physical memory and configuration space; each handle is a part that begins somewhere.
struct Machine {
  std::vector<char> area = std::vector<char>(kAreaBytes), tables = std::vector<char>(kTablesBytes),
                    configuration = std::vector<char>(64 << 12);
  std::vector<std::uint64_t> parts;
  std::uint64_t reads = 0;
  std::uint32_t first_bar_mask = ~0u;  ///< of the first function's BAR 0: bits that can be written

  char* at(std::uint64_t address, std::uint64_t count) {
    if (address >= kArea && count <= kAreaBytes && address - kArea <= kAreaBytes - count)
      return area.data() + (address - kArea);
    if (address >= kTables && count <= kTablesBytes && address - kTables <= kTablesBytes - count)
      return tables.data() + (address - kTables);
    return nullptr;
  }
};
Machine* g_machine = nullptr;

template <class T>
void put(std::vector<char>& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
void name(std::vector<char>& bytes, std::size_t at, const char* text) {
  std::memcpy(bytes.data() + at, text, std::strlen(text));
}

/// A root table with an FADT whose DSDT has one virtio device.
void make_tables(Machine& machine) {
  name(machine.area, 0x100, "RSD PTR ");
  put<std::uint32_t>(machine.area, 0x110, kTables);
  std::uint8_t sum = 0;
  for (int i = 0; i < 20; ++i)
    sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(machine.area[0x100 + i]));
  machine.area[0x108] = static_cast<char>(-sum);
  name(machine.tables, 0, "RSDT");
  put<std::uint32_t>(machine.tables, 4, 40);
  put<std::uint32_t>(machine.tables, 36, kTables + 0x1000);
  name(machine.tables, 0x1000, "FACP");
  put<std::uint32_t>(machine.tables, 0x1004, 116);
  put<std::uint32_t>(machine.tables, 0x1028, kTables + 0x2000);
  name(machine.tables, 0x2000, "DSDT");
  put<std::uint32_t>(machine.tables, 0x2004, 200);
  name(machine.tables, 0x2040, "LNRO0005");
  const unsigned char memory[] = {0x86, 9, 0, 1, 0x00, 0x20, 0xb0, 0xfe, 0, 2, 0, 0};
  const unsigned char interrupt[] = {0x89, 6, 0, 3, 1, 26, 0, 0, 0};
  std::memcpy(machine.tables.data() + 0x2050, memory, sizeof memory);
  std::memcpy(machine.tables.data() + 0x205c, interrupt, sizeof interrupt);
}

std::uint64_t faults(std::uint64_t few) {
  const char* more = std::getenv("NB_DRIVER_FAULTS");
  return more != nullptr ? std::strtoull(more, nullptr, 10) : few;
}

TEST(Firmware, TellsOfVirtio) {
  Machine machine;
  g_machine = &machine;
  make_tables(machine);
  const auto found = acpi::find_virtio();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].registers, 0xfeb02000u);
  EXPECT_EQ(found[0].line, 26u);
  EXPECT_EQ(found[0].trigger, static_cast<nb_interrupt_trigger_t>(NB_INTERRUPT_TRIGGER_RISING));
}

TEST(Firmware, MayBeBroken) {
  for (std::uint64_t seed = 0; seed < faults(20); ++seed) {
    Machine machine;
    g_machine = &machine;
    make_tables(machine);
    test::Random random(seed);
    for (std::uint32_t i = 0; i < 1 + seed % 20; ++i) {
      machine.tables[random.below(2) ? random.below(64) : 0x1000u * random.below(4) + random.below(256)] =
          static_cast<char>(random.next());
    }
    acpi::find_virtio();
    ASSERT_LT(machine.reads, 2'000'000u) << seed;
  }
}

TEST(Pci, FindsFunctionsAndCapabilities) {
  Machine machine;
  g_machine = &machine;
  std::fill(machine.configuration.begin(), machine.configuration.end(), static_cast<char>(0xff));
  auto& bytes = machine.configuration;
  std::memset(bytes.data(), 0, 4096);
  put<std::uint32_t>(bytes, 0, 0x10411af4);
  put<std::uint16_t>(bytes, 6, 0x10);
  put<std::uint8_t>(bytes, 0x34, 0x40);
  put<std::uint32_t>(bytes, 0x40, 0x5009);
  put<std::uint32_t>(bytes, 0x50, 0x0009);
  std::vector<std::uint32_t> found;
  pci::for_each_function(1, [&](const pci::Function& function) {
    found.push_back(function.number());
    std::vector<std::uint8_t> at;
    pci::for_each_capability(function, 9, [&](std::uint8_t offset) { at.push_back(offset); });
    EXPECT_EQ(at, (std::vector<std::uint8_t>{0x40, 0x50}));
    EXPECT_EQ(virtio::type_of(function), virtio::Type::net);
    EXPECT_FALSE(virtio::find_layout(function));
  });
  EXPECT_EQ(found, std::vector<std::uint32_t>{0});
}

TEST(Pci, FindsTheStructuresOfVirtio) {
  Machine machine;
  g_machine = &machine;
  auto& bytes = machine.configuration;
  put<std::uint32_t>(bytes, 0, 0x10421af4);
  put<std::uint16_t>(bytes, 6, 0x10);
  put<std::uint8_t>(bytes, 0x34, 0x40);
  // Common, notification and device configuration (OASIS virtio 1.2, 4.1.4).
  const struct {
    std::uint8_t at, next, type;
    std::uint32_t offset, bytes;
  } kCapabilities[] = {{0x40, 0x50, 1, 0x100, 56}, {0x50, 0x70, 2, 0x3000, 0x1000}, {0x70, 0, 4, 0x2000, 64}};
  for (const auto& each : kCapabilities) {
    put<std::uint16_t>(bytes, each.at, static_cast<std::uint16_t>(0x09 | each.next << 8));
    put<std::uint8_t>(bytes, each.at + 3u, each.type);
    put<std::uint8_t>(bytes, each.at + 4u, 4);
    put<std::uint32_t>(bytes, each.at + 8u, each.offset);
    put<std::uint32_t>(bytes, each.at + 12u, each.bytes);
  }
  put<std::uint32_t>(bytes, 0x60, 4);
  const auto layout = virtio::find_layout(pci::Function(1, 0, 0));
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->bar, 4u);
  EXPECT_EQ(layout->common, 0x100u);
  EXPECT_EQ(layout->notify, 0x3000u);
  EXPECT_EQ(layout->notify_step, 4u);
  EXPECT_EQ(layout->config, 0x2000u);
  EXPECT_EQ(layout->config_bytes, 64u);
  put<std::uint8_t>(bytes, 0x54, 2);  // in another BAR
  EXPECT_FALSE(virtio::find_layout(pci::Function(1, 0, 0)));
}

TEST(Pci, DriversGetNoTableOfMessages) {
  Machine machine;
  g_machine = &machine;
  auto& bytes = machine.configuration;
  put<std::uint32_t>(bytes, 0, 0x12348086);
  put<std::uint16_t>(bytes, 6, 0x10);
  put<std::uint8_t>(bytes, 0x34, 0x40);
  put<std::uint32_t>(bytes, 0x40, 0x00070011);
  put<std::uint32_t>(bytes, 0x44, 0x2000);
  put<std::uint32_t>(bytes, 16, 0xfeb00000);
  machine.first_bar_mask = ~0x3fffu;
  const pci::Function function(1, 0, 0);
  EXPECT_EQ(pci::bar(function, 0).size, 0x4000u);
  EXPECT_EQ(pci::bar_for_drivers(function, 0).size, 0x2000u);
  put<std::uint32_t>(bytes, 0x44, 0x0001);  // in the next BAR
  EXPECT_EQ(pci::bar_for_drivers(function, 0).size, 0x4000u);
  put<std::uint32_t>(bytes, 0x44, 0x0000);
  EXPECT_EQ(pci::bar_for_drivers(function, 0).kind, pci::Bar::Kind::none);
}

TEST(Pci, MayBeBroken) {
  for (std::uint64_t seed = 0; seed < faults(10); ++seed) {
    Machine machine;
    g_machine = &machine;
    test::Random random(seed);
    for (char& byte : machine.configuration) byte = static_cast<char>(random.next());
    for (std::size_t function = 0; function < 64; ++function) {
      auto& bytes = machine.configuration;
      put<std::uint8_t>(bytes, function * 4096 + 14, static_cast<std::uint8_t>(random.below(3) | 0x80));
      put<std::uint8_t>(bytes, function * 4096 + 0x34, static_cast<std::uint8_t>(64 + 4 * random.below(48)));
    }
    std::uint32_t count = 0;
    pci::for_each_function(1, [&](const pci::Function& function) {
      ++count;
      std::uint32_t capabilities = 0;
      pci::for_each_capability(function, 0x11, [&](std::uint8_t) { ++capabilities; });
      ASSERT_LE(capabilities, 48u);
      if (const auto layout = virtio::find_layout(function)) ASSERT_LE(layout->bar, 5u);
      for (std::uint32_t i = 0; i < 7; ++i) {
        const pci::Bar bar = pci::bar(function, i);
        ASSERT_TRUE(bar.kind == pci::Bar::Kind::none || (bar.size != 0 && bar.base % bar.size == 0));
      }
      if (const auto table = pci::message_table(function)) ASSERT_LE(table->messages, 2048u);
    });
    ASSERT_LE(count, pci::kMaxFunctions);
    ASSERT_LT(machine.reads, 2'000'000u) << seed;
  }
}

}  // namespace
}  // namespace nebulet::sdk

using nebulet::sdk::g_machine;

extern "C" {
int64_t nb_process_startup(void*, size_t) { return 0; }
nb_status_t nb_handle_close(nb_handle_t) { return NB_STATUS_OK; }
int64_t nb_resource_create(nb_handle_t, nb_resource_kind_t, uint64_t base, uint64_t count) {
  if (g_machine->at(base, count) == nullptr) return NB_STATUS_NOT_SUPPORTED;
  g_machine->parts.push_back(base);
  return static_cast<int64_t>(1 + g_machine->parts.size());
}
int64_t nb_resource_read(nb_handle_t handle, uint64_t offset, uint32_t bytes) {
  ++g_machine->reads;
  uint32_t value = 0;
  if (handle == 1) {  // configuration space, of which bus 0 and a half of its devices exist
    if (offset + bytes > g_machine->configuration.size()) return ~0u >> (32 - 8 * bytes);
    std::memcpy(&value, g_machine->configuration.data() + offset, bytes);
  } else {
    const char* at = g_machine->at(g_machine->parts.at(handle - 2) + offset, bytes);
    if (at == nullptr) return NB_STATUS_INVALID_ARGUMENT;
    std::memcpy(&value, at, bytes);
  }
  return value;
}
nb_status_t nb_resource_configure(nb_handle_t, uint64_t offset, uint32_t bytes, uint32_t value) {
  if (offset == 16) value &= g_machine->first_bar_mask;
  if (offset + bytes <= g_machine->configuration.size())
    std::memcpy(g_machine->configuration.data() + offset, &value, bytes);
  return NB_STATUS_OK;
}
}
