// SPDX-License-Identifier: MIT
// `nebulet build FILE.wasm`: a bootable image with the kernel, the WASI library, one program and its command
// line.
#pragma once

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

Result<> build_image(const BuildOptions& options);

}  // namespace nebulet::tool
