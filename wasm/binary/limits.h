// SPDX-License-Identifier: MIT
// What a module may have at most: the limits of the WebAssembly JS API, which producers already respect.
#pragma once

#include <cstdint>

namespace nebulet::wasm {

constexpr std::uint32_t kMaxModuleBytes = 1u << 30;
constexpr std::uint32_t kMaxTypes = 1'000'000;
constexpr std::uint32_t kMaxStructFields = 10'000;
constexpr std::uint32_t kMaxSubtypeDepth = 63;
constexpr std::uint32_t kMaxArrayNewFixed = 10'000;  ///< operands of array.new_fixed
constexpr std::uint32_t kMaxTags = 1'000'000;
constexpr std::uint32_t kMaxFunctions = 1'000'000;
constexpr std::uint32_t kMaxImports = 1'000'000;
constexpr std::uint32_t kMaxExports = 1'000'000;
constexpr std::uint32_t kMaxGlobals = 1'000'000;
constexpr std::uint32_t kMaxTables = 100'000;
constexpr std::uint32_t kMaxMemories = 100;
constexpr std::uint32_t kMaxTableSize = 0xffffffff;      ///< that a table may declare as its maximum
constexpr std::uint32_t kMaxTableElements = 10'000'000;  ///< length of a segment
constexpr std::uint32_t kMaxElementSegments = 10'000'000;
constexpr std::uint32_t kMaxDataSegments = 100'000;
constexpr std::uint32_t kMaxParams = 1'000;
constexpr std::uint32_t kMaxResults = 1'000;
constexpr std::uint32_t kMaxBodyBytes = 7'654'321;
constexpr std::uint32_t kMaxLocals = 50'000;
constexpr std::uint32_t kMaxBranchTable = 65'520;
constexpr std::uint32_t kMaxMemoryPages = 65'536;  ///< of a memory with 32-bit addresses
constexpr std::uint64_t kMaxMemory64Pages = std::uint64_t{1} << 48;

}  // namespace nebulet::wasm
