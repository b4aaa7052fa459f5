// SPDX-License-Identifier: MIT
// Tests only: code objects written as assembly. llvm-mc-19 assembles, symbols describe the tables:
//   F0.f32.a16.r8:  function 0 begins: frame 32, 16 bytes of stack arguments, 8 of results (each part may be
//   missing) E0:             … and ends              L1.z5:  label, gprs 0 and 2 (hexadecimal mask) claimed
//   zero-extended; L1.B1.W1: gpr 0 claimed to be a base, of a memory with 64-bit addresses T1: trap site
//   (T1.k6: kind 6)       C1:     return address of a call (C1.h5: handled at L5; C1.i: at itself) RODATA:
//   what follows is rodata  J0.n3:  jump table of 3 entries
#pragma once

#include <span>
#include <string>
#include <vector>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"

namespace nebulet::wasm::verify {

/// Aborts the test program if the assembler refuses `source` (Intel syntax).
CodeObject assemble(const std::string& source);
/// The same for many at once, which costs one run of the assembler.
std::vector<CodeObject> assemble_all(std::span<const std::string> sources);

/// A module with something of everything; test_symbols defines the offsets of its context for `assemble`:
/// types 0 ()->(), 1 (i32)->(i32), 2 (i64, i32)->(f64), 3 (10 × i32)->(9 × i32), 4 ()->(i64);
/// functions: imports 0 of type 1 and 1 of type 3, and one defined function of each type in `defined`;
/// tables 0, 1; memories 0, 1, and 2 with 64-bit addresses; globals 0 imported mutable i32, 1 imported i64, 2
/// imported mutable f64, 3 mutable i32, 4 mutable f64, 5 i32, 6 mutable v128, 7 mutable funcref; tags 0 of
/// type 1 and 1 of type 3.
Module test_module(const std::vector<std::uint32_t>& defined);
std::string test_symbols(const Module& module);

}  // namespace nebulet::wasm::verify
