// SPDX-License-Identifier: MIT
// The kernel's result type: errors are the ABI's status codes.
#pragma once

#include <expected>

#include "abi/generated/types.h"
#include "base/result.h"

namespace nebulet::kernel {

using abi::Status;
template <class T = void>
using Result = std::expected<T, Status>;
inline std::unexpected<Status> fail(Status status) { return std::unexpected(status); }

}  // namespace nebulet::kernel
