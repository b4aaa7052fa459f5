// SPDX-License-Identifier: MIT
// nebulet.toml: what to run, with the flags of `nebulet run` as keys.
#pragma once

#include <string>
#include <vector>

#include "tools/nebulet/cli.h"
#include "tools/nebulet/error.h"

namespace nebulet::tool {

struct Manifest {
  std::string file;  ///< the program; paths are relative to the manifest's folder and resolved here
  std::vector<std::string> arguments;  ///< argv[1] …
  std::vector<GivenFlag> flags;        ///< in the order of the manifest, with the line of each
};

/// Failures name file, line and key. An unknown key is one; the nearest known key is suggested.
Result<Manifest> read_manifest(const std::string& path);

}  // namespace nebulet::tool
