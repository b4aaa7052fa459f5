// SPDX-License-Identifier: MIT
#include "user/init/devices.h"

#include <algorithm>
#include <cstdio>

#include "base/result.h"

namespace nebulet::init {
namespace {

constexpr std::uint32_t kDriverRights = NB_RIGHT_READ | NB_RIGHT_WRITE | NB_RIGHT_TRANSFER;
constexpr std::size_t kMostListed = 32;

bool is_one(const sdk::Hardware& hardware, const DeviceName& name) {
  using By = DeviceName::By;
  if (name.by == By::virtio) return static_cast<std::uint32_t>(hardware.virtio) == name.value;
  if (!hardware.function) return false;
  const sdk::pci::Function& function = *hardware.function;
  const std::uint32_t has = name.by == By::class_code
                                ? function.class_code()
                                : std::uint32_t{function.vendor()} << 16 | function.device();
  return (has & name.mask) == name.value;
}

/// As `lspci -n` has it.
std::string text_of(const sdk::Hardware& hardware) {
  char text[64];
  if (hardware.function) {
    const sdk::pci::Function& function = *hardware.function;
    std::snprintf(text, sizeof text, "%04x:%04x of class %06x", function.vendor(), function.device(),
                  static_cast<unsigned>(function.class_code()));
  } else {
    std::snprintf(text, sizeof text, "virtio of type %u at 0x%llx", static_cast<unsigned>(hardware.virtio),
                  static_cast<unsigned long long>(hardware.place.registers));
  }
  return text;
}

std::string list(const std::vector<sdk::Hardware>& all) {
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMostListed); i++)
    text += (i == 0 ? "" : ", ") + text_of(all[i]);
  return all.empty() ? "none that drivers may have" : text + (all.size() > kMostListed ? ", …" : "");
}

}  // namespace

Result<> Devices::find() {
  for (const Process& process : plan_.processes) {
    for (const Grant& grant : process.grants) {
      if (!grant.is_device()) continue;
      const auto found = find(grant);
      if (!found) return std::unexpected(process.name + ": handles: " + found.error());
      if (drivers_[*found] != nullptr)
        return std::unexpected(process.name + ": handles: " + grant.name + ": " + text_of(all_[*found]) +
                               " is " + drivers_[*found]->name + "'s already");
      drivers_[*found] = &process;
      found_.emplace(&grant, *found);
    }
  }
  return {};
}

/// The kernel's own devices are not there. Machines without PCI say that they have no function.
Result<std::size_t> Devices::find(const Grant& grant) {
  if (!pci_) {
    pci_ = TRY(made("PCI", nb_resource_create(sdk::root_resource(), NB_RESOURCE_KIND_PCI, 0,
                                              sdk::pci::kConfigurationBytes)));
    all_ = sdk::find_functions(pci_.get());
    for (const sdk::Hardware& hardware : sdk::find_memory_mapped()) all_.push_back(hardware);
    drivers_.resize(all_.size());
  }
  const auto name = read_device_name(grant);
  if (!name) return std::unexpected(grant.name + ": this names no device");
  std::uint64_t left = grant.base;
  for (std::size_t i = 0; i < all_.size(); i++) {
    if (is_one(all_[i], *name) && left-- == 0) return i;
  }
  return std::unexpected(
      grant.name + ": the machine has " +
      (left == grant.base ? "no such device" : "only " + std::to_string(grant.base - left) + " of them") +
      "; it has " + list(all_));
}

Result<Handle> Devices::part(const Grant& grant) const {
  const nb_handle_t root = sdk::root_resource();
  const bool ports = grant.what == Grant::What::ports;
  if (grant.what == Grant::What::interrupt) {
    constexpr std::uint64_t kLines = 24;
    const std::string what = "interrupt " + std::to_string(grant.base);
    const Handle lines = TRY(made(what, nb_resource_create(root, NB_RESOURCE_KIND_INTERRUPTS, 0, kLines)));
    return made(what, nb_interrupt_create(lines.get(), static_cast<std::uint32_t>(grant.base),
                                          NB_INTERRUPT_TRIGGER_ISA));
  }
  const std::string what = (ports ? "ports from " : "registers from ") + std::to_string(grant.base);
  Handle part =
      TRY(made(what, nb_resource_create(root, ports ? NB_RESOURCE_KIND_PORTS : NB_RESOURCE_KIND_REGISTERS,
                                        grant.base, grant.count)));
  return made(what, nb_handle_replace(part.release(), kDriverRights));
}

Result<sdk::DeviceHandles> Devices::device(const Grant& grant) const {
  auto handles = sdk::hand_out(all_[found_.find(&grant)->second], static_cast<std::uint32_t>(grant.count));
  if (!handles)
    return std::unexpected(grant.name + ": " + std::string(handles.error().what) + ": " +
                           status_text(handles.error().status));
  return std::move(*handles);
}

}  // namespace nebulet::init
