// SPDX-License-Identifier: MIT
// Reads types (spec 5.3). Each function leaves the error in the reader and then returns something harmless.
// `types` is the number of types that an index may name.
#pragma once

#include <optional>
#include <string_view>

#include "wasm/binary/reader.h"
#include "wasm/binary/types.h"

namespace nebulet::wasm {

ValType read_val_type(Reader& reader, std::size_t types);
ValType read_ref_type(Reader& reader, std::size_t types);
HeapType read_heap_type(Reader& reader, std::size_t types);
FieldType read_field_type(Reader& reader, std::size_t types);
/// What a byte of 0x40 … 0x7f stands for as a whole value type; none: nothing, or the first byte of a longer
/// one.
std::optional<ValType> short_val_type(std::uint8_t byte);
/// The flags of limits (spec 5.3.9 and the proposals threads and custom-page-sizes).
constexpr unsigned kLimitsMax = 1, kLimitsShared = 2, kLimits64 = 4, kLimitsPageSize = 8;
/// Limits, not yet compared with each other. `allowed`: the flags that may be set.
Limits read_limits(Reader& reader, unsigned allowed);
MemoryType read_memory_type(Reader& reader);
GlobalType read_global_type(Reader& reader, std::size_t types);

/// Fails with Error::Kind::limit: the module is fine, but uses what the engine does not have.
bool fail_unsupported(Reader& reader, std::uint32_t position, std::string_view feature);
/// Fails for an opcode that is not in opcodes.def as accepted.
bool fail_opcode(Reader& reader, std::uint32_t position, std::uint32_t code);

}  // namespace nebulet::wasm
