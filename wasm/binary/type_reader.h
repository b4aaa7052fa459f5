// SPDX-License-Identifier: MIT
// Reads types (spec 5.3). Each function leaves the error in the reader and then returns something harmless.
#pragma once

#include <string_view>

#include "wasm/binary/reader.h"
#include "wasm/binary/types.h"

namespace nebulet::wasm {

ValType read_val_type(Reader& reader);
ValType read_ref_type(Reader& reader);
HeapType read_heap_type(Reader& reader);
/// Limits of a table or a 32-bit memory, not yet compared with each other.
Limits read_limits(Reader& reader);
GlobalType read_global_type(Reader& reader);

/// Fails with Error::Kind::limit: the module is fine, but uses what the engine does not have.
bool fail_unsupported(Reader& reader, std::uint32_t position, std::string_view feature);
/// Fails for an opcode that is not in opcodes.def as accepted.
bool fail_opcode(Reader& reader, std::uint32_t position, std::uint32_t code);

}  // namespace nebulet::wasm
