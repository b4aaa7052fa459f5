// SPDX-License-Identifier: MIT
// Operations on tables and memories that both generated code (through stubs) and instantiation perform.
#pragma once

#include <cstdint>
#include <optional>

#include "wasm/runtime/store.h"

namespace nebulet::wasm {

/// Spec 4.4.6.13 table.init and 4.4.7.12 memory.init; the trap, if it does.
std::optional<Trap> table_init(Instance& instance, std::uint32_t table, std::uint32_t segment,
                               std::uint64_t to, std::uint32_t from, std::uint32_t count);
std::optional<Trap> memory_init(Instance& instance, std::uint32_t memory, std::uint32_t segment,
                                std::uint64_t to, std::uint32_t from, std::uint32_t count);

}  // namespace nebulet::wasm
