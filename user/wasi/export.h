// SPDX-License-Identifier: MIT
// How a function of the library is exported under its WASI name. Its C++ name has a prefix, since the C
// library has functions of the same names.
#pragma once

#include <cstdint>

#include "user/wasi/types.h"

#if defined(__wasm__)
#define WASI_EXPORT(name) extern "C" __attribute__((export_name(#name))) std::int32_t wasi_##name
#else
#define WASI_EXPORT(name) extern "C" std::int32_t wasi_##name
#endif

namespace nebulet::wasi {

/// The number that a WASI function returns.
inline std::int32_t code(const Result<>& result) {
  return static_cast<std::int32_t>(result ? Errno::success : result.error());
}

}  // namespace nebulet::wasi
