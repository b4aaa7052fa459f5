// SPDX-License-Identifier: MIT
// What generated code sees of a store's garbage-collected heap: one slot of address space (layout.h), in
// which a traced reference is an offset. Plain data; everything here can be written by generated code, so the
// runtime trusts none of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nebulet::wasm {

/// A reference of the any, extern or exn hierarchy. 0: null. Bit 0 set: an i31, shifted left by 1. Low three
/// bits 000: offset of an object's header from the heap's base. Low two bits 10: a host reference, its number
/// shifted left by 3.
using GcRef = std::uint32_t;

constexpr bool gc_is_i31(GcRef ref) { return ref & 1; }
constexpr bool gc_is_object(GcRef ref) { return ref != 0 && (ref & 7) == 0; }
constexpr bool gc_is_host(GcRef ref) { return (ref & 3) == 2; }
constexpr GcRef gc_host_ref(std::uint32_t number) { return number << 3 | 2; }
constexpr std::uint32_t gc_host_number(GcRef ref) { return ref >> 3; }
constexpr std::uint32_t kGcMaxHostNumber = (1u << 29) - 1;

/// Below kGcStateOffset nothing is mapped: an access to a field of null faults.
constexpr std::uint32_t kGcStateOffset = 64 * 1024;
/// A u32: not 0 while objects are being marked; the code then reports references that it overwrites.
constexpr std::uint32_t kGcMarkingOffset = kGcStateOffset;
constexpr std::uint32_t kGcTypesOffset = kGcStateOffset + 64;
constexpr std::uint32_t kGcObjectsOffset = 512u << 20;

/// A type as objects name it. `display` has depth + 1 entries, at least kGcMinDisplay: the offsets of the
/// types' records from the root of the hierarchy down to this one; the rest is 0.
struct GcTypeRecord {
  std::uint32_t kind;  ///< GcKind
  std::uint32_t depth;
  std::uint32_t display[];
};
constexpr std::uint32_t kGcMinDisplay = 6;
constexpr std::uint32_t kGcKindOffset = 0, kGcDepthOffset = 4, kGcDisplayOffset = 8;
static_assert(offsetof(GcTypeRecord, display) == kGcDisplayOffset);
enum class GcKind : std::uint32_t { none = 0, structure = 1, array = 2, exception = 3 };

/// At the start of every object. Fields and elements follow, each aligned to its width but at most to 8.
struct GcHeader {
  std::uint32_t type;    ///< offset of the type's record
  std::uint32_t length;  ///< of arrays
};
constexpr std::uint32_t kGcTypeOffset = 0, kGcLengthOffset = 4, kGcHeaderSize = 8;
static_assert(sizeof(GcHeader) == kGcHeaderSize && offsetof(GcHeader, length) == kGcLengthOffset);

}  // namespace nebulet::wasm
