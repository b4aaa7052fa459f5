// SPDX-License-Identifier: MIT
// Scripts with which shells complete the tool's verbs, flags and values.
#pragma once

#include <string>
#include <string_view>

namespace nebulet::tool {

/// `shell` is bash, zsh or fish.
std::string completion_script(std::string_view shell);

}  // namespace nebulet::tool
