// SPDX-License-Identifier: MIT
// Valid modules from any bytes, for fuzzing the engine against the reference interpreter. Every module ends:
// each function entry and each loop iteration takes one from global 0, the fuel, and traps when there is
// none. Results do not depend on NaN bits: arithmetic that may make a NaN is followed by code that makes it
// canonical.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tests/fuzz/choices.h"
#include "tests/fuzz/encoder.h"

namespace nebulet::fuzz {

/// A value type: its byte, and for 0x63 (ref null $index) the type's index.
struct Type {
  std::uint8_t code = 0x7f;
  std::uint32_t index = 0;
  bool is_ref() const { return code < 0x77; }
  bool operator==(const Type&) const = default;
};
constexpr Type kI32{0x7f}, kI64{0x7e}, kF32{0x7d}, kF64{0x7c}, kV128{0x7b}, kFuncRef{0x70}, kExternRef{0x6f},
    kAnyRef{0x6e}, kEqRef{0x6d}, kI31Ref{0x6c}, kStructRef{0x6b}, kArrayRef{0x6a}, kExnRef{0x69};

struct Signature {
  std::vector<Type> params, results;
};
struct Aggregate {
  bool is_array = false;
  bool is_final = true;
  int super = -1;
  std::vector<Type> fields;  ///< code 0x78 and 0x77 for packed ones; all mutable
};
struct Memory {
  bool is_64 = false;
  std::uint32_t min = 1, max = 2;
  std::uint8_t page_log2 = 16;
  std::uint64_t bytes() const { return std::uint64_t{min} << page_log2; }
};
struct Table {
  Type element = kFuncRef;
  bool is_64 = false;
  std::uint32_t min = 8, max = 16;
};
struct Global {
  Type type;
  bool is_mutable = true;
};
struct Tag {
  std::uint32_t signature;  ///< type index
  std::uint32_t handler,
      handler_ref;  ///< type indices of blocks that end with its values, without and with exnref
};

/// What a module has. Type indices: aggregates first, then signatures.
struct Plan {
  bool has_simd = true, has_gc = true, has_exceptions = true, has_legacy = false, has_tail_calls = true,
       has_atomics = true, has_wide = true;
  std::vector<Aggregate> aggregates;
  std::vector<Signature> signatures;
  std::vector<std::uint32_t>
      functions;  ///< by function index: number of its signature; function 0 is imported
  std::vector<Memory> memories;
  std::vector<Table> tables;
  std::vector<Global> globals;
  std::vector<Tag> tags;
  std::uint32_t data_segments = 2, element_segments = 3;
  std::uint32_t exnref_block = 0;  ///< type index of () -> exnref

  std::uint32_t type_index(std::uint32_t signature) const {
    return static_cast<std::uint32_t>(aggregates.size()) + signature;
  }
  const Signature& signature_of(std::uint32_t function) const { return signatures[functions[function]]; }
};

/// How much code between two calls of the exported function hangLimitInitializer may do.
constexpr std::int32_t kFuel = 200;

void encode(Encoder& out, const Type& type);

/// Locals and code of a function, with its length.
Encoder generate_body(Choices& in, const Plan& plan, std::uint32_t function);

/// Features that a module may use, a bit each.
namespace feature {
constexpr std::uint32_t simd = 1, gc = 2, exceptions = 4, legacy = 8, tail_calls = 16, atomics = 32,
                        wide = 64, memories = 128, memory64 = 256, page_sizes = 512, all = ~0u;
}

struct Generated {
  Plan plan;
  std::vector<std::uint8_t> bytes;
};
Generated generate_module(Choices& in, std::uint32_t features);

}  // namespace nebulet::fuzz
