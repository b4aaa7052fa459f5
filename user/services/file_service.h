// SPDX-License-Identifier: MIT
// A file system behind doors (docs/reference/files.md, "Services"): what file services have in common.
#pragma once

#include <span>

#include "abi/sdk/nebulet.h"
#include "user/ninep/file.h"

namespace nebulet::services {

/// Serves the file system to whoever has a door of `service`, until nobody has. Sessions end with their
/// doors. With `roots`, a door whose cookie is n leads to the directory roots[n - 1] alone, others nowhere.
/// The status with which serving ended: `peer_closed` if nothing is wrong. Once in a process.
nb_status_t serve_files(nb_handle_t service, ninep::FileSystem& files, std::span<char* const> roots = {});

}  // namespace nebulet::services
