// SPDX-License-Identifier: MIT
// From the words of a command line to a request.
#pragma once

#include <span>
#include <string>

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

/// `words` without the program's own name. Help and the version are printed here.
Result<Request> parse_command_line(std::span<const std::string> words);

/// Where a flag's value came from, in front of a message about it: "" for the command line, else "FILE:LINE:
/// ".
struct GivenFlag {
  std::string name, value, source;
};

/// Puts the flags of a verb into the request; the failure names the flag that was wrong.
Result<> apply_flags(const struct VerbSpec& verb, std::span<const GivenFlag> flags, Request& request);

}  // namespace nebulet::tool
