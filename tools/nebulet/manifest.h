// SPDX-License-Identifier: MIT
// nebulet.toml: what to run, with the flags of `nebulet run` as keys.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/nebulet/cli.h"
#include "tools/nebulet/error.h"
#include "user/init/plan.h"

namespace nebulet::tool {

/// How `file` names a service of Nebulet's own: nebulet:memfs.
inline constexpr std::string_view kBuiltIn = "nebulet:";

/// A program of a manifest. Paths are relative to the manifest's folder and resolved here.
struct ManifestProcess {
  std::string file;
  std::vector<std::string> arguments;  ///< argv[1] …
  std::vector<GivenFlag> flags;        ///< in the order of the manifest, with the line of each
  std::vector<Directory> files;        ///< of this host, which are copied into the initfs
  init::Process plan;       ///< what init alone knows of: how it is started again, what it is given
  bool needs_init = false;  ///< it has keys for that
  std::map<std::string, std::string, std::less<>> sources;  ///< FILE:LINE of keys; of the table, under ""
};

struct Manifest {
  std::vector<GivenFlag> flags;            ///< of the machine
  std::vector<ManifestProcess> processes;  ///< at least one
  bool needs_init() const { return processes.size() > 1 || processes[0].needs_init; }
};

/// Failures name file, line and key. An unknown key is one; the nearest known key is suggested.
Result<Manifest> read_manifest(const std::string& path);

}  // namespace nebulet::tool
