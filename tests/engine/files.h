// SPDX-License-Identifier: MIT
// Whole files of the host.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nebulet::test {

/// Ends the program if the file cannot be read.
std::vector<std::byte> read_file(const std::string& path);

}  // namespace nebulet::test
