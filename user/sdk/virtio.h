// SPDX-License-Identifier: MIT
// For programs that hand out devices: finds virtio devices, on PCI and memory-mapped, and gives a driver what
// it needs of one. Source: OASIS virtio 1.2, 4.1.2, 4.1.4, 4.2.2.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "user/sdk/acpi.h"
#include "user/sdk/devices.h"
#include "user/sdk/pci.h"
#include "user/sdk/process.h"
#include "user/virtio/layout.h"

namespace nebulet::sdk {

/// Resources that only their driver has, made of the root.
inline nb_handle_t device_part(nb_resource_kind_t kind, std::uint64_t base, std::uint64_t count) {
  const nb_handle_t made =
      checked("a part of the devices", nb_resource_create(root_resource(), kind, base, count));
  return checked("fewer rights", nb_handle_replace(made, NB_RIGHT_READ | NB_RIGHT_WRITE | NB_RIGHT_TRANSFER));
}

/// All configuration space.
inline nb_handle_t all_pci() {
  static const nb_handle_t all = checked("PCI", nb_resource_create(root_resource(), NB_RESOURCE_KIND_PCI, 0,
                                                                   std::uint64_t{pci::kFunctionBytes} << 16));
  return all;
}

/// A virtio device, as far as what it says of itself makes sense.
struct VirtioDevice {
  std::uint32_t place = 0;  ///< PCI: the function's number; MMIO: the interrupt line
  nb_interrupt_trigger_t trigger = NB_INTERRUPT_TRIGGER_ISA;  ///< of the line
  virtio::Type type{};
  virtio::Layout layout;
  std::uint64_t registers = 0, registers_bytes = 0;  ///< physical, with all structures of the layout

  static std::optional<VirtioDevice> of(const pci::Function& function) {
    constexpr std::uint16_t kVendor = 0x1af4;
    const std::uint16_t device = function.device();
    if (function.vendor() != kVendor || device < 0x1000 || device > 0x107f) return std::nullopt;
    VirtioDevice found;
    found.place = function.number();
    found.type = static_cast<virtio::Type>(device >= 0x1040 ? device - 0x1040 : function.subsystem());
    struct Place {
      std::uint8_t bar = 0xff;
      std::uint32_t offset = 0, bytes = 0, step = 0;
    };
    std::array<Place, 5> places;  // by type: common, notify, ISR, device
    for (const std::uint8_t at : pci::capabilities(function, 0x09)) {
      const std::uint8_t type = function.read8(at + 3u);
      if (type == 0 || type >= places.size() || places[type].bar != 0xff) continue;
      places[type] = {function.read8(at + 4u), function.read32(at + 8u), function.read32(at + 12u),
                      type == 2 ? function.read32(at + 16u) : 0};
    }
    const Place &common = places[1], &notify = places[2], &config = places[4];
    const bool has_config = config.bar == common.bar;
    if (common.bar > 5 || notify.bar != common.bar || common.bytes < 56 || notify.bytes < 2)
      return std::nullopt;
    std::uint64_t begin = std::min(common.offset, notify.offset),
                  end = std::max(std::uint64_t{common.offset} + common.bytes,
                                 std::uint64_t{notify.offset} + notify.bytes);
    if (has_config) {
      begin = std::min<std::uint64_t>(begin, config.offset);
      end = std::max(end, std::uint64_t{config.offset} + config.bytes);
    }
    const pci::Bar bar = pci::bar(function, common.bar);
    if (bar.kind != pci::Bar::Kind::registers || end > bar.size) return std::nullopt;
    const auto table = pci::message_table(function);
    if (!table || (table->bar == common.bar && table->begin < end && begin < table->end)) return std::nullopt;
    found.registers = bar.base + begin;
    found.registers_bytes = end - begin;
    const auto from = [&](std::uint32_t offset) { return static_cast<std::uint32_t>(offset - begin); };
    found.layout = {.bus = virtio::Bus::pci,
                    .common = from(common.offset),
                    .notify = from(notify.offset),
                    .notify_bytes = notify.bytes,
                    .notify_step = notify.step,
                    .config = has_config ? from(config.offset) : 0,
                    .config_bytes = has_config ? config.bytes : 0};
    return found;
  }

  /// nullopt: no device is there, or the kernel works it itself.
  static std::optional<VirtioDevice> of(const acpi::VirtioPlace& place) {
    constexpr std::uint32_t kMagic = 0x74726976, kBytes = 512;
    const std::int64_t part =
        nb_resource_create(root_resource(), NB_RESOURCE_KIND_REGISTERS, place.registers, kBytes);
    if (part < 0) return std::nullopt;
    const Registers registers(static_cast<nb_handle_t>(part));
    const bool is_one = registers.read32(0) == kMagic && registers.read32(4) == 2;
    VirtioDevice found;
    found.place = place.line;
    found.trigger = place.trigger;
    found.type = static_cast<virtio::Type>(registers.read32(8));
    found.layout = {.bus = virtio::Bus::mmio};
    found.registers = place.registers;
    found.registers_bytes = kBytes;
    nb_handle_close(static_cast<nb_handle_t>(part));
    if (!is_one || found.type == virtio::Type{}) return std::nullopt;
    return found;
  }
};

inline std::vector<VirtioDevice> find_virtio() {
  std::vector<VirtioDevice> found;
  pci::for_each_function(all_pci(), [&](const pci::Function& function) {
    if (const auto device = VirtioDevice::of(function)) found.push_back(*device);
  });
  for (const acpi::VirtioPlace& place : acpi::find_virtio())
    if (const auto device = VirtioDevice::of(place)) found.push_back(*device);
  return found;
}

/// Starts the device's driver with what it needs of the device, and `others` after that.
inline nb_handle_t start_virtio_module(const VirtioDevice& device, const std::string& name,
                                       nb_handle_t module, const std::vector<nb_handle_t>& others) {
  nb_handle_t self = 0, interrupt = 0;
  if (device.layout.bus == virtio::Bus::pci) {
    const nb_handle_t function =
        checked("a PCI function",
                nb_resource_create(root_resource(), NB_RESOURCE_KIND_PCI,
                                   std::uint64_t{device.place} * pci::kFunctionBytes, pci::kFunctionBytes));
    interrupt = checked(name + ": its interrupt", nb_interrupt_create_message(function, 0));
    self = checked("fewer rights",
                   nb_handle_replace(function, NB_RIGHT_READ | NB_RIGHT_WRITE | NB_RIGHT_TRANSFER));
  } else {
    const nb_handle_t line = checked(
        "its line", nb_resource_create(root_resource(), NB_RESOURCE_KIND_INTERRUPTS, device.place, 1));
    interrupt = checked(name + ": its interrupt", nb_interrupt_create(line, device.place, device.trigger));
    nb_handle_close(line);
    self = device_part(NB_RESOURCE_KIND_REGISTERS, device.registers, device.registers_bytes);
  }
  std::vector<nb_handle_t> handles = {
      self, device_part(NB_RESOURCE_KIND_REGISTERS, device.registers, device.registers_bytes), interrupt};
  handles.insert(handles.end(), others.begin(), others.end());
  return start_module(name, module, 4 << 20, std::move(handles), std::as_bytes(std::span(&device.layout, 1)));
}

/// The same with the module in a file.
inline nb_handle_t start_virtio_driver(const VirtioDevice& device, const std::string& name,
                                       const std::string& path, const std::vector<nb_handle_t>& others) {
  const nb_handle_t module = load_module(path);
  const nb_handle_t process = start_virtio_module(device, name, module, others);
  nb_handle_close(module);
  return process;
}

}  // namespace nebulet::sdk
