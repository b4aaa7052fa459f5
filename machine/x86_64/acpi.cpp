// SPDX-License-Identifier: MIT
#include "machine/x86_64/acpi.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace nebulet::machine {
namespace {

constexpr PhysicalAddress kReachable = 4ull << 30;
constexpr std::size_t kHeaderSize = 36;
constexpr std::size_t kMaxTable = 4 << 20;

AcpiFacts g_facts;

/// A table's bytes. Every read is checked against its length: tables come from firmware of any quality.
class Table {
 public:
  Table(PhysicalAddress at, std::size_t size)
      : at_(at), size_(at < kReachable - kMaxTable && size <= kMaxTable ? size : 0) {}
  static Table with_header(PhysicalAddress at) {
    const Table header(at, kHeaderSize);
    return Table(at, std::max<std::size_t>(header.get<std::uint32_t>(4), kHeaderSize));
  }
  std::size_t size() const { return size_; }
  template <class T>
  T get(std::size_t offset) const {
    T value{};
    if (offset <= size_ && size_ - offset >= sizeof(T)) std::memcpy(&value, direct(at_ + offset), sizeof(T));
    return value;
  }
  bool has(std::size_t offset, std::string_view text) const {
    return offset <= size_ && size_ - offset >= text.size() &&
           std::memcmp(direct(at_ + offset), text.data(), text.size()) == 0;
  }
  bool sums_to_zero(std::size_t length) const {
    std::uint8_t sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum = static_cast<std::uint8_t>(sum + get<std::uint8_t>(i));
    return sum == 0;
  }

 private:
  PhysicalAddress at_;
  std::size_t size_;
};

AcpiRegister read_register(const Table& table, std::size_t offset) {
  AcpiRegister r;
  r.address = table.get<std::uint64_t>(offset + 4);
  const auto space = table.get<std::uint8_t>(offset);
  if (r.address && space <= 1) r.space = space == 0 ? AcpiRegister::Space::memory : AcpiRegister::Space::port;
  return r;
}

// ACPI 6.5, 5.2.12
void read_madt(const Table& madt) {
  for (std::size_t at = 44; at + 2 <= madt.size();) {
    const auto type = madt.get<std::uint8_t>(at), length = madt.get<std::uint8_t>(at + 1);
    if (length < 2) return;
    const auto add_cpu = [](std::uint32_t id, std::uint32_t flags) {
      if ((flags & 1) && g_facts.cpu_count < kMaxCpus) g_facts.apic_ids[g_facts.cpu_count++] = id;
    };
    if (type == 0) add_cpu(madt.get<std::uint8_t>(at + 3), madt.get<std::uint32_t>(at + 4));
    if (type == 9 && madt.get<std::uint32_t>(at + 4) > 254)
      add_cpu(madt.get<std::uint32_t>(at + 4), madt.get<std::uint32_t>(at + 8));
    if (type == 1 && g_facts.io_apic_count < kMaxIoApics) {
      g_facts.io_apics[g_facts.io_apic_count++] = {madt.get<std::uint32_t>(at + 4),
                                                   madt.get<std::uint32_t>(at + 8)};
    }
    if (type == 2 && g_facts.isa_override_count < std::size(g_facts.isa_overrides)) {
      const auto flags = madt.get<std::uint16_t>(at + 8);
      g_facts.isa_overrides[g_facts.isa_override_count++] = {
          madt.get<std::uint8_t>(at + 3),
          {madt.get<std::uint32_t>(at + 4), (flags & 3) == 3, (flags >> 2 & 3) == 3}};
    }
    at += length;
  }
}

/// Looks for \_S5, a package of small integers, in the bytes of AML: Name (\_S5_, Package {a, b, …}).
void find_sleep_types(const Table& aml) {
  for (std::size_t at = kHeaderSize; at + 8 < aml.size(); ++at) {
    if (!aml.has(at, "_S5_") || aml.get<std::uint8_t>(at + 4) != 0x12) continue;
    std::size_t p = at + 5;
    p += (aml.get<std::uint8_t>(p) >> 6) + 1;  // length of the package
    ++p;                                       // number of elements
    const auto element = [&]() -> std::uint8_t {
      const auto op = aml.get<std::uint8_t>(p++);
      if (op == 0x0a) return aml.get<std::uint8_t>(p++);
      return op <= 1 ? op : 0;
    };
    g_facts.sleep_type_a = element() & 7;
    g_facts.sleep_type_b = element() & 7;
    g_facts.can_power_off = true;
    return;
  }
}

/// The address and interrupt of one virtio device, from the resource descriptors (ACPI 6.5, 6.4.3) in the
/// bytes behind its name.
AcpiVirtio read_virtio(const Table& aml, std::size_t at, std::size_t end) {
  enum : std::uint8_t { kFixedMemory = 0x86, kInterrupt = 0x89 };
  AcpiVirtio found;
  for (; at + 12 <= end; ++at) {
    const auto tag = aml.get<std::uint8_t>(at);
    const auto length = aml.get<std::uint16_t>(at + 1);
    if (tag == kFixedMemory && length == 9 && !found.address) found.address = aml.get<std::uint32_t>(at + 4);
    if (tag == kInterrupt && length == 6 && found.address) {
      const auto flags = aml.get<std::uint8_t>(at + 3);
      found.line = {aml.get<std::uint32_t>(at + 5), (flags & 4) != 0, (flags & 2) == 0};
      return found;
    }
  }
  return {};
}

/// Looks for devices with the hardware number of memory-mapped virtio.
void find_virtio(const Table& aml) {
  constexpr std::string_view kName = "LNRO0005";
  constexpr std::size_t kDeviceBytes = 96;
  for (std::size_t at = kHeaderSize; at + kName.size() < aml.size(); ++at) {
    if (!aml.has(at, kName) || g_facts.virtio_count == kMaxVirtio) continue;
    const auto found = read_virtio(aml, at + kName.size(), std::min(at + kDeviceBytes, aml.size()));
    if (found.address) g_facts.virtio[g_facts.virtio_count++] = found;
  }
}

// ACPI 6.5, 5.2.9
void read_fadt(const Table& fadt) {
  enum : std::uint32_t { kResetSupported = 1 << 10, kHardwareReduced = 1 << 20 };
  const auto flags = fadt.get<std::uint32_t>(112);
  if (flags & kResetSupported) {
    g_facts.reset = read_register(fadt, 116);
    g_facts.reset_value = fadt.get<std::uint8_t>(128);
  }
  if (flags & kHardwareReduced) {
    g_facts.sleep_control = read_register(fadt, 244);
  } else {
    g_facts.smi_command = fadt.get<std::uint32_t>(48);
    g_facts.acpi_enable = fadt.get<std::uint8_t>(52);
    g_facts.pm1a_control = static_cast<std::uint16_t>(fadt.get<std::uint32_t>(64));
    g_facts.pm1b_control = static_cast<std::uint16_t>(fadt.get<std::uint32_t>(68));
    if (fadt.get<std::uint8_t>(91) == 4)
      g_facts.power_timer = static_cast<std::uint16_t>(fadt.get<std::uint32_t>(76));
  }
  PhysicalAddress dsdt = fadt.get<std::uint64_t>(140);
  if (!dsdt) dsdt = fadt.get<std::uint32_t>(40);
  if (!dsdt) return;
  find_sleep_types(Table::with_header(dsdt));
  find_virtio(Table::with_header(dsdt));
}

/// PCI Firmware Specification 3.3, 4.1.2: what is said of segment 0.
void read_mcfg(const Table& mcfg) {
  for (std::size_t at = 44; at + 16 <= mcfg.size(); at += 16) {
    if (mcfg.get<std::uint16_t>(at + 8) != 0 || mcfg.get<std::uint8_t>(at + 10) != 0) continue;
    g_facts.pci_configuration = mcfg.get<std::uint64_t>(at);
    g_facts.pci_buses = mcfg.get<std::uint8_t>(at + 11) + 1u;
    return;
  }
}

/// VT-d 3.3, 8.3.1: the functions that a unit is for. Those behind bridges are not needed.
void read_dmar_scopes(const Table& dmar, std::size_t at, std::size_t end) {
  constexpr std::uint8_t kFunction = 1;
  while (at + 8 <= end) {
    const auto type = dmar.get<std::uint8_t>(at), length = dmar.get<std::uint8_t>(at + 1);
    if (length < 8) return;
    if (type == kFunction && length == 8 && dmar.get<std::uint8_t>(at + 5) == 0)
      g_facts.iommu_is_for[(dmar.get<std::uint8_t>(at + 6) & 31) * 8 + (dmar.get<std::uint8_t>(at + 7) & 7)] =
          true;
    at += length;
  }
}

/// VT-d 3.3, 8.1, 8.3.
void read_dmar(const Table& dmar) {
  constexpr std::uint16_t kUnit = 0;
  std::uint32_t units = 0;
  for (std::size_t at = 48; at + 16 <= dmar.size();) {
    const auto type = dmar.get<std::uint16_t>(at), length = dmar.get<std::uint16_t>(at + 2);
    if (length < 4) break;
    if (type == kUnit) {
      ++units;
      g_facts.iommu_is_for_all = dmar.get<std::uint8_t>(at + 4) & 1;
      g_facts.iommu = dmar.get<std::uint16_t>(at + 6) == 0 ? dmar.get<std::uint64_t>(at + 8) : 0;
      read_dmar_scopes(dmar, at + 16, std::min(at + length, dmar.size()));
    }
    at += length;
  }
  if (units != 1) g_facts.iommu = 0;
}

PhysicalAddress search_rsdp() {
  const auto find = [](PhysicalAddress from, PhysicalAddress to) -> PhysicalAddress {
    for (; from < to; from += 16) {
      const Table t(from, 20);
      if (t.has(0, "RSD PTR ") && t.sums_to_zero(20)) return from;
    }
    return 0;
  };
  const PhysicalAddress extended_data = PhysicalAddress{Table(0x40e, 2).get<std::uint16_t>(0)} << 4;
  if (extended_data >= 0x400) {
    if (const auto found = find(extended_data, extended_data + 1024)) return found;
  }
  return find(0xe0000, 0x100000);
}

}  // namespace

const AcpiFacts& read_acpi_tables(PhysicalAddress rsdp_at) {
  if (!rsdp_at) rsdp_at = search_rsdp();
  const Table rsdp(rsdp_at, 36);
  if (!rsdp_at || !rsdp.has(0, "RSD PTR ")) return g_facts;
  const bool extended = rsdp.get<std::uint8_t>(15) >= 2 && rsdp.get<std::uint64_t>(24);
  const PhysicalAddress root_at = extended ? rsdp.get<std::uint64_t>(24) : rsdp.get<std::uint32_t>(16);
  const Table root = Table::with_header(root_at);
  const std::size_t width = extended ? 8 : 4;
  for (std::size_t at = kHeaderSize; at + width <= root.size(); at += width) {
    const Table table =
        Table::with_header(extended ? root.get<std::uint64_t>(at) : root.get<std::uint32_t>(at));
    if (table.has(0, "APIC")) read_madt(table);
    if (table.has(0, "FACP")) read_fadt(table);
    if (table.has(0, "MCFG")) read_mcfg(table);
    if (table.has(0, "DMAR")) read_dmar(table);
    if (table.has(0, "HPET")) g_facts.hpet = table.get<std::uint64_t>(44);
  }
  return g_facts;
}

const AcpiFacts& acpi() { return g_facts; }

InterruptLine isa_interrupt(std::uint32_t number) {
  for (std::uint32_t i = 0; i < g_facts.isa_override_count; ++i)
    if (g_facts.isa_overrides[i].number == number) return g_facts.isa_overrides[i].line;
  return {.input = number};
}

}  // namespace nebulet::machine
