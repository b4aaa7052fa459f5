// SPDX-License-Identifier: MIT
// The machine-code verifier: no byte of generated code is published before it has passed here. It shares no
// code and no tables with the compiler, so a defect of the compiler cannot make both wrong in the same way.
// docs/concepts/verifier.md says what it proves and what it does not.
#pragma once

#include "wasm/binary/module.h"
#include "wasm/code_object.h"
#include "wasm/error.h"

namespace nebulet::wasm {

/// Checks all of `code` against docs/concepts/generated-code.md. `module` is decoded and its sections are
/// valid. One pass, linear in the size of text, rodata and tables; no input makes it crash. Fails with
/// `rejected`; the message names the rule, the index of the function (in the module's index space) and the
/// offset in the text.
Result<> verify_code(const CodeObject& code, const Module& module, const Pause& pause = {});

}  // namespace nebulet::wasm
