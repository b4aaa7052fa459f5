// SPDX-License-Identifier: MIT
// SHA-256 (FIPS 180-4), for binding code files to their module and their own bytes. By the processor's
// instructions for it, if it has them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wasm/error.h"

namespace nebulet::wasm {

using Sha256 = std::array<std::byte, 32>;

Sha256 sha256(std::span<const std::byte> bytes);
/// The same for much data. Fails only if `pause` does.
Result<Sha256> sha256(std::span<const std::byte> bytes, const Pause& pause);
/// Without the instructions; for tests.
Sha256 sha256_portable(std::span<const std::byte> bytes);

}  // namespace nebulet::wasm
