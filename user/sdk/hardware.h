// SPDX-License-Identifier: MIT
// For programs that hand out devices: which there are, on PCI and memory-mapped, and what the driver of one
// gets. Source: OASIS virtio 1.2, 4.2.2.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "user/sdk/acpi.h"
#include "user/sdk/devices.h"
#include "user/sdk/driver.h"
#include "user/sdk/handle.h"
#include "user/sdk/pci.h"
#include "user/virtio/layout.h"

namespace nebulet::sdk {

/// A device that one driver works: a PCI function, or a memory-mapped virtio device.
struct Hardware {
  std::optional<pci::Function> function;
  acpi::VirtioPlace place;  ///< of one that is memory-mapped
  virtio::Type virtio = virtio::Type::none;
};

/// Functions of PCI that there are, or that the kernel does not work itself. `pci` is a resource of all
/// configuration space.
inline std::vector<Hardware> find_functions(nb_handle_t pci) {
  std::vector<Hardware> found;
  pci::for_each_function(pci, [&](const pci::Function& function) {
    found.push_back({function, {}, virtio::type_of(function)});
  });
  return found;
}

/// virtio devices at the places that ACPI names.
inline std::vector<Hardware> find_memory_mapped() {
  constexpr std::uint32_t kVersion = 2;
  std::vector<Hardware> found;
  for (const acpi::VirtioPlace& place : acpi::find_virtio()) {
    const Result part = nb_resource_create(root_resource(), NB_RESOURCE_KIND_REGISTERS, place.registers,
                                           acpi::VirtioPlace::kBytes);
    if (part < 0) continue;  // the kernel works it itself
    const Handle owned(static_cast<nb_handle_t>(part));
    const Registers registers(owned.get());
    const auto type = static_cast<virtio::Type>(registers.read32(8));
    if (registers.read32(0) == virtio::kMmioMagic && registers.read32(4) == kVersion &&
        type != virtio::Type::none)
      found.push_back({std::nullopt, place, type});
  }
  return found;
}

/// What a driver gets of its device, as its handles 1, 2 and 3.
struct DeviceHandles {
  Handle device;  ///< the PCI function; of what is memory-mapped the registers too
  Handle registers, interrupt;
};

/// What could not be made, and the status.
struct Refusal {
  std::string_view what;
  Result status;
};

/// The handles lack the right `manage`: nobody makes others of them. On PCI the registers are those of a BAR
/// (of virtio the one with its structures), as far as the table of messages, and the interrupt is its first
/// message, or its line if it has no messages.
inline std::expected<DeviceHandles, Refusal> hand_out(const Hardware& hardware, std::uint32_t bar) {
  const nb_handle_t root = root_resource();
  const auto owned = [](Result made) { return Handle(made < 0 ? 0 : static_cast<nb_handle_t>(made)); };
  const auto part = [&](nb_resource_kind_t kind, std::uint64_t base,
                        std::uint64_t count) -> std::expected<Handle, Result> {
    const Result made = nb_resource_create(root, kind, base, count);
    if (made < 0) return std::unexpected(made);
    return owned(made);
  };
  const auto for_driver = [&](Handle handle) {
    return owned(nb_handle_replace(handle.release(), NB_RIGHT_READ | NB_RIGHT_WRITE | NB_RIGHT_TRANSFER));
  };
  const auto line = [&](std::uint32_t number, nb_interrupt_trigger_t trigger) -> Result {
    const auto lines = part(NB_RESOURCE_KIND_INTERRUPTS, number, 1);
    return lines ? nb_interrupt_create(lines->get(), number, trigger) : lines.error();
  };
  DeviceHandles made;
  std::uint64_t base = hardware.place.registers, bytes = acpi::VirtioPlace::kBytes;
  nb_resource_kind_t kind = NB_RESOURCE_KIND_REGISTERS;
  Result interrupt = 0;
  if (hardware.function) {
    const pci::Function& function = *hardware.function;
    if (hardware.virtio != virtio::Type::none) {
      const auto layout = virtio::find_layout(function);
      if (!layout) return std::unexpected(Refusal{"a device of virtio 1.0", NB_STATUS_NOT_SUPPORTED});
      bar = layout->bar;
    }
    const pci::Bar found = pci::bar_for_drivers(function, bar);
    if (found.kind == pci::Bar::Kind::none)
      return std::unexpected(Refusal{"its registers", NB_STATUS_NOT_FOUND});
    kind = found.kind == pci::Bar::Kind::ports ? NB_RESOURCE_KIND_PORTS : NB_RESOURCE_KIND_REGISTERS;
    base = found.base, bytes = found.size;
    auto itself = part(NB_RESOURCE_KIND_PCI, std::uint64_t{function.number()} * pci::kFunctionBytes,
                       pci::kFunctionBytes);
    if (!itself) return std::unexpected(Refusal{"the PCI function", itself.error()});
    interrupt = nb_interrupt_create_message(itself->get(), 0);
    if (interrupt == NB_STATUS_NOT_SUPPORTED) interrupt = line(function.line(), NB_INTERRUPT_TRIGGER_ISA);
    made.device = for_driver(std::move(*itself));
  } else {
    interrupt = line(hardware.place.line, hardware.place.trigger);
  }
  if (interrupt < 0) return std::unexpected(Refusal{"its interrupt", interrupt});
  made.interrupt = owned(interrupt);
  for (Handle* const handle : {&made.registers, &made.device}) {
    if (*handle) continue;  // the function
    auto registers = part(kind, base, bytes);
    if (!registers) return std::unexpected(Refusal{"its registers", registers.error()});
    *handle = for_driver(std::move(*registers));
  }
  return made;
}

}  // namespace nebulet::sdk
