// SPDX-License-Identifier: MIT
// For programs that hand out devices themselves, without init: virtio devices and their drivers. Errors end
// the program with a line on stderr.
#pragma once

#include <string>
#include <vector>

#include "user/sdk/hardware.h"
#include "user/sdk/process.h"

namespace nebulet::sdk {

/// Resources that only their driver has, made of the root.
inline nb_handle_t device_part(nb_resource_kind_t kind, std::uint64_t base, std::uint64_t count) {
  const nb_handle_t made =
      checked("a part of the devices", nb_resource_create(root_resource(), kind, base, count));
  return checked("fewer rights", nb_handle_replace(made, NB_RIGHT_READ | NB_RIGHT_WRITE | NB_RIGHT_TRANSFER));
}

/// All configuration space.
inline nb_handle_t all_pci() {
  static const nb_handle_t all =
      checked("PCI", nb_resource_create(root_resource(), NB_RESOURCE_KIND_PCI, 0, pci::kConfigurationBytes));
  return all;
}

inline std::vector<Hardware> find_virtio() {
  std::vector<Hardware> found = find_functions(all_pci());
  std::erase_if(found, [](const Hardware& device) { return device.virtio == virtio::Type::none; });
  for (const Hardware& device : find_memory_mapped()) found.push_back(device);
  return found;
}

/// Starts the device's driver with what it needs of the device, and `others` after that.
inline nb_handle_t start_virtio_module(const Hardware& device, const std::string& name, nb_handle_t module,
                                       const std::vector<nb_handle_t>& others) {
  auto parts = hand_out(device, 0);
  if (!parts) checked(name + ": " + std::string(parts.error().what), parts.error().status);
  std::vector<nb_handle_t> handles = {parts->device.release(), parts->registers.release(),
                                      parts->interrupt.release()};
  handles.insert(handles.end(), others.begin(), others.end());
  return start_module(name, module, 4 << 20, std::move(handles));
}

/// The same with the module in a file.
inline nb_handle_t start_virtio_driver(const Hardware& device, const std::string& name,
                                       const std::string& path, const std::vector<nb_handle_t>& others) {
  const nb_handle_t module = load_module(path);
  const nb_handle_t process = start_virtio_module(device, name, module, others);
  nb_handle_close(module);
  return process;
}

}  // namespace nebulet::sdk
