// SPDX-License-Identifier: MIT
// Code objects in files: compiled ahead of time, loaded through the verifier. A file fits one module and one
// compiler; anything else, and any changed byte, is refused. The file needs no trust for memory safety, since
// loading verifies the code; whoever can replace it can change what the program computes inside its sandbox.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"
#include "wasm/error.h"

namespace nebulet::wasm {

/// The bytes of a code file for `code`, which was compiled from `module`.
std::vector<std::byte> write_code_file(const CodeObject& code, const Module& module);

/// What tells this compiler's code files from others'.
std::span<const std::byte> compiler_id();

/// Whether `file` is whole and was made of `module` (its bytes) by this compiler. Does not verify its code.
Result<> check_code_file(std::span<const std::byte> file, std::span<const std::byte> module,
                         const Pause& pause = {});

/// Reads and verifies. Fails with `malformed` if the file is damaged, `unlinkable` if it is of another module
/// or compiler, `rejected` if the verifier refuses its code. The offset of an error is in `file`.
Result<std::unique_ptr<CodeObject>> read_code_file(std::span<const std::byte> file, const Module& module,
                                                   const Pause& pause = {});

}  // namespace nebulet::wasm
