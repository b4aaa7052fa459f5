// SPDX-License-Identifier: MIT
// How a function of the library is exported under its WASI name, and what goes around each of its calls
// (entry.h). Its C++ name has a prefix, since the C library has functions of the same names.
#pragma once

#include <cstdint>

#include "user/wasi/entry.h"
#include "user/wasi/types.h"

/// Exports a function that is called with WASI's parameters; what follows is its body. The exported function
/// has no frame, since it has no stack yet.
#define WASI_EXPORT(name, parameters, arguments)                                       \
  static std::int32_t body_of_##name parameters;                                       \
  extern "C" __attribute__((export_name(#name))) std::int32_t wasi_##name parameters { \
    nebulet::wasi::enter();                                                            \
    const std::int32_t result_of_body = body_of_##name arguments;                      \
    nebulet::wasi::leave();                                                            \
    return result_of_body;                                                             \
  }                                                                                    \
  __attribute__((noinline)) static std::int32_t body_of_##name parameters

namespace nebulet::wasi {

/// The number that a WASI function returns.
inline std::int32_t code(const Result<>& result) {
  return static_cast<std::int32_t>(result ? Errno::success : result.error());
}

}  // namespace nebulet::wasi
