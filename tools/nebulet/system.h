// SPDX-License-Identifier: MIT
// Several processes under init: from a manifest to a plan and its files, and those to the initfs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/nebulet/error.h"
#include "user/init/plan.h"

namespace nebulet::tool {

struct Manifest;

/// Files and directories of this host and their names in the initfs.
struct SystemFile {
  std::string host, name;
};

struct System {
  init::Plan plan;
  std::vector<SystemFile> programs, directories;
  std::vector<Directory> exports;  ///< of the host, for the service of its directories
  bool needs_devices = false;      ///< a driver gets something of the machine
};

/// Reads the modules for what each needs. Failures name file, line and key. `memory` is the machine's.
Result<System> make_system(const Manifest& manifest, std::uint64_t memory);

/// The archive for init. With `compile`, the programs are compiled now; otherwise only code that the cache
/// has, or takes, is in it.
Result<std::vector<std::byte>> make_system_initfs(const System& system, bool compile);

}  // namespace nebulet::tool
