// SPDX-License-Identifier: MIT
// `nebulet build FILE`: a bootable image with the kernel, the WASI library, a program or several under init,
// their files and the kernel's command line.
#pragma once

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

Result<> build_image(const BuildOptions& options);

}  // namespace nebulet::tool
