// SPDX-License-Identifier: MIT
// Path resolution below a directory. A path is walked component by component, symbolic links are resolved
// here, and neither "..", an absolute path nor a link can lead out of the directory that the walk starts in
// (`perm`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "user/wasi/files.h"

namespace nebulet::wasi {

enum class Links { follow, keep };  // what happens to a symbolic link that is the last component

/// The file that `path` names.
Result<files::Target> find(files::Fid base, std::string_view path, Links links);

/// Its attributes.
Result<ninep::Attributes> find_attributes(files::Fid base, std::string_view path, Links links);

/// The names of a path that one message can walk: at most 16, no dots, no empty components, not absolute.
/// False: it is no such path.
bool split_plain(std::string_view path, std::vector<std::string_view>& names);

/// The directory that holds the last component of a path, and that component.
struct Place {
  files::Fid directory = ninep::kNoFid;
  files::OwnedFid walked;        // the same, unless it is the base
  std::string_view name;         // "." or ".." are possible; the callers refuse them
  bool wants_directory = false;  // the path ends with a slash
  std::string_view prefix;       // the path up to the name
};
Result<Place> find_place(files::Fid base, std::string_view path);

}  // namespace nebulet::wasi
