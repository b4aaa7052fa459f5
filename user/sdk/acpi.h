// SPDX-License-Identifier: MIT
// ACPI tables for programs that hand out devices: the tables by their names, and the memory-mapped virtio
// devices in the DSDT. No interpreter: what is looked for stands in AML as it is. All offsets are checked,
// since tables come from firmware of any quality. Source: ACPI 6.5, 5.2 and 6.4.3.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "user/sdk/devices.h"

namespace nebulet::sdk::acpi {

using Bytes = std::vector<char>;

/// Little-endian; 0 if it is not there.
template <class T>
T get(const Bytes& bytes, std::size_t at) {
  T value{};
  if (at <= bytes.size() && bytes.size() - at >= sizeof value)
    std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Physical memory that is not the machine's usable one; empty if it is, or is not there.
inline Bytes read_physical(std::uint64_t at, std::size_t size) {
  const std::uint64_t begin = at & ~std::uint64_t{3}, end = (at + size + 3) & ~std::uint64_t{3};
  const std::int64_t part =
      nb_resource_create(root_resource(), NB_RESOURCE_KIND_REGISTERS, begin, end - begin);
  if (part < 0) return {};
  Bytes bytes(end - begin);
  for (std::size_t offset = 0; offset < bytes.size(); offset += 4) {
    const auto word = static_cast<std::uint32_t>(nb_resource_read(static_cast<nb_handle_t>(part), offset, 4));
    std::memcpy(bytes.data() + offset, &word, sizeof word);
  }
  nb_handle_close(static_cast<nb_handle_t>(part));
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at - begin));
  bytes.resize(size);
  return bytes;
}

inline bool has_name(const Bytes& table, std::string_view name) {
  return table.size() >= name.size() && std::memcmp(table.data(), name.data(), name.size()) == 0;
}

/// A table with its header, which has its length; empty if there is none.
inline Bytes table_at(std::uint64_t at) {
  constexpr std::size_t kHeader = 36, kMost = 1 << 20;
  const auto length = get<std::uint32_t>(read_physical(at, kHeader), 4);
  return length < kHeader || length > kMost ? Bytes{} : read_physical(at, length);
}

/// The first table of this name; empty if there is none.
inline Bytes find_table(std::string_view name) {
  constexpr std::uint64_t kBegin = 0xe0000, kEnd = 0x100000;
  const Bytes area = read_physical(kBegin, kEnd - kBegin);
  for (std::size_t at = 0; at + 36 <= area.size(); at += 16) {
    std::uint8_t sum = 0;
    for (std::size_t i = at; i < at + 20; ++i)
      sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(area[i]));
    if (std::memcmp(area.data() + at, "RSD PTR ", 8) != 0 || sum != 0) continue;
    const std::uint64_t extended = area[at + 15] >= 2 ? get<std::uint64_t>(area, at + 24) : 0;
    const std::size_t width = extended != 0 ? 8 : 4;
    const Bytes root = table_at(extended != 0 ? extended : get<std::uint32_t>(area, at + 16));
    for (std::size_t entry = 36; entry + width <= root.size(); entry += width) {
      const std::uint64_t place =
          width == 8 ? get<std::uint64_t>(root, entry) : get<std::uint32_t>(root, entry);
      if (has_name(read_physical(place, 4), name)) return table_at(place);
    }
    break;
  }
  return {};
}

struct VirtioPlace {
  static constexpr std::uint64_t kBytes = 512;  ///< of registers
  std::uint64_t registers = 0;
  std::uint32_t line = 0;
  nb_interrupt_trigger_t trigger = NB_INTERRUPT_TRIGGER_HIGH;
};

/// Where memory-mapped virtio devices may be; many of the places are empty.
inline std::vector<VirtioPlace> find_virtio() {
  constexpr std::string_view kName = "LNRO0005";
  constexpr std::size_t kDeviceBytes = 96;
  enum : unsigned char { kFixedMemory = 0x86, kInterrupt = 0x89 };
  const Bytes fadt = find_table("FACP");
  std::uint64_t at = get<std::uint64_t>(fadt, 140);
  if (at == 0) at = get<std::uint32_t>(fadt, 40);
  const Bytes aml = at != 0 ? table_at(at) : Bytes{};
  std::vector<VirtioPlace> found;
  for (auto name = std::search(aml.begin(), aml.end(), kName.begin(), kName.end()); name != aml.end();
       name = std::search(name + 1, aml.end(), kName.begin(), kName.end())) {
    const auto begin = static_cast<std::size_t>(name - aml.begin()) + kName.size();
    VirtioPlace place;
    for (std::size_t i = begin; i < std::min(begin + kDeviceBytes, aml.size()); ++i) {
      const auto tag = static_cast<unsigned char>(aml[i]);
      const auto length = get<std::uint16_t>(aml, i + 1);
      if (tag == kFixedMemory && length == 9 && place.registers == 0)
        place.registers = get<std::uint32_t>(aml, i + 4);
      if (tag != kInterrupt || length != 6 || place.registers == 0) continue;
      const auto flags = get<std::uint8_t>(aml, i + 3);
      const bool edge = flags & 2, low = flags & 4;
      place.line = get<std::uint32_t>(aml, i + 5);
      place.trigger = edge ? (low ? NB_INTERRUPT_TRIGGER_FALLING : NB_INTERRUPT_TRIGGER_RISING)
                           : (low ? NB_INTERRUPT_TRIGGER_LOW : NB_INTERRUPT_TRIGGER_HIGH);
      found.push_back(place);
      break;
    }
  }
  return found;
}

}  // namespace nebulet::sdk::acpi
