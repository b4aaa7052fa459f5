// SPDX-License-Identifier: MIT
// Errors of the tool: one sentence for the user, and the code to exit with.
#pragma once

#include <cstdio>
#include <expected>
#include <format>
#include <string>

#include "tools/nebulet/options.h"

namespace nebulet::tool {

struct Failure {
  std::string message;
  int exit_code = kToolError;
};
template <class T = void>
using Result = std::expected<T, Failure>;

template <class... A>
std::unexpected<Failure> fail(std::format_string<A...> format, A&&... args) {
  return std::unexpected(Failure{std::format(format, std::forward<A>(args)...)});
}

inline int report(const Failure& failure) {
  std::fprintf(stderr, "nebulet: %s\n", failure.message.c_str());
  return failure.exit_code;
}

}  // namespace nebulet::tool
