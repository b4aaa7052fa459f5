// SPDX-License-Identifier: MIT
// Results of calls as std::expected with the status's name.
#pragma once

#include <expected>
#include <string>

#include "user/sdk/handle.h"

namespace nebulet::init {

using sdk::Handle;

template <class T = void>
using Result = std::expected<T, std::string>;

/// What a negative result means, for messages.
std::string status_text(int64_t status);

/// The handle that a call returned, or `what` and why not.
inline Result<Handle> made(const std::string& what, int64_t result) {
  if (result < 0) return std::unexpected(what + ": " + status_text(result));
  return Handle(static_cast<nb_handle_t>(result));
}

}  // namespace nebulet::init
