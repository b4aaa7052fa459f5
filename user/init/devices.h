// SPDX-License-Identifier: MIT
// What drivers get of the machine.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "user/init/handle.h"
#include "user/init/plan.h"
#include "user/sdk/hardware.h"

namespace nebulet::init {

/// Knows which device each driver works, so that none is worked by two.
class Devices {
 public:
  explicit Devices(const Plan& plan) : plan_(plan) {}

  /// Finds the devices that grants name. The error names the process, and what the machine has.
  Result<> find();
  /// Of a grant of ports, registers or an interrupt.
  Result<Handle> part(const Grant& grant) const;
  /// Of a grant of the plan that is a device.
  Result<sdk::DeviceHandles> device(const Grant& grant) const;

 private:
  Result<std::size_t> find(const Grant& grant);

  const Plan& plan_;
  Handle pci_;  // all configuration space
  std::vector<sdk::Hardware> all_;
  std::vector<const Process*> drivers_;        // of `all_`, or null
  std::map<const Grant*, std::size_t> found_;  // in `all_`
};

}  // namespace nebulet::init
