// SPDX-License-Identifier: MIT
// Compiled and hand-written code, damaged in one place: the verifier must refuse the mutant, or the mutant
// must be safe in the judgement of walk.h. NB_VERIFY_MUTANTS sets the number (default 20,000; 1,000,000 for a
// thorough run).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "wasm/compile.h"
#include "wasm/verify/assemble.h"
#include "wasm/verify/verify.h"
#include "wasm/verify/walk.h"

namespace nebulet::wasm::verify {
namespace {

constexpr const char* kProgram = R"((module
  (type $unary (func (param i32) (result i32)))
  (import "e" "one" (func $one (param i32) (result i32)))
  (import "e" "many" (func $many (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "e" "g" (global $ig (mut i32)))
  (import "e" "k" (global $ik i64))
  (import "e" "v" (global $iv (mut v128)))
  (tag $value (param i32)) (tag $many_values (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))
  (memory 1) (table 8 funcref)
  (global $g (mut i32) (i32.const 5)) (global $f (mut f64) (f64.const 1))
  (global $v (mut v128) (v128.const i64x2 1 2))
  (elem (i32.const 0) $loop $loop $tables)
  (func $loop (type $unary) (local i32)
    (loop $l (local.set 1 (i32.add (local.get 1) (i32.load offset=16 (local.get 0))))
      (i32.store8 offset=7 (i32.add (local.get 1) (i32.shl (local.get 0) (i32.const 2))) (local.get 1))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 4)))))
    (i32.div_s (local.get 1) (i32.load (local.get 0))))
  (func $tables (type $unary)
    (i32.add (table.size 0) (call_indirect (type $unary) (i32.add (global.get $g) (local.get 0)) (local.get 0))))
  (func $switch (type $unary)
    (block (block (block (br_table 0 1 2 1 (local.get 0))) (return (i32.const 1))) (return (call $one (local.get 0))))
    (global.set $g (memory.grow (memory.size))) (global.set $ig (i32.add (global.get $ig) (global.get $g)))
    (i32.wrap_i64 (global.get $ik)))
  (func $floats (param f64 i64 f32) (result f64)
    (global.set $f (f64.sqrt (f64.add (local.get 0) (f64.convert_i64_u (local.get 1)))))
    (f64.store offset=8 (i32.wrap_i64 (local.get 1)) (f64.min (global.get $f) (f64.promote_f32 (local.get 2))))
    (f64.add (global.get $f) (f64.const 3.25)))
  (func $wide (param i64 i32) (result i64)
    (i64.add (i64.load32_u offset=0x80000000 (local.get 1))
      (i64.rem_u (i64.load offset=0x7fffffff (i32.wrap_i64 (local.get 0))) (local.get 0))))
  (func $stack (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (call $many (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5)
                (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
  (func $tails (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (return_call_indirect (type $unary) (call $loop (local.get 0)) (i32.load (local.get 0))))
      (else (return_call $one (local.get 0)))))
  (func $more (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (drop (call $loop (local.get 0)))
    (return_call $many (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
      (local.get 0) (local.get 0) (local.get 0) (local.get 0) (i32.load (local.get 0))))
  (func $fewer (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (return_call $more (i32.add (local.get 9) (local.get 8))))
  (func $vectors (param i32 v128 v128) (result v128) (local v128)
    (global.set $v (i32x4.add (global.get $v) (v128.load offset=32 (local.get 0))))
    (global.set $iv (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 31 30 (global.get $iv) (local.get 1)))
    (v128.store (local.get 0) (i8x16.swizzle (v128.load (i32.add (local.get 0) (i32.const 5))) (local.get 2)))
    (v128.store8_lane offset=1 3 (local.get 0) (local.get 1))
    (v128.store16_lane offset=2 3 (local.get 0) (local.get 1))
    (v128.store32_lane offset=3 3 (local.get 0) (local.get 1))
    (v128.store64_lane offset=4 1 (local.get 0) (local.get 1))
    (local.set 3 (v128.load8_lane offset=5 7 (local.get 0) (v128.load16_lane offset=6 7 (local.get 0)
      (v128.load32_lane 1 (local.get 0) (v128.load64_lane offset=0x7ffffff0 1 (local.get 0) (local.get 2))))))
    (i16x8.add (v128.load8x8_u (local.get 0)) (i8x16.add (v128.load8_splat (local.get 0))
      (i64x2.add (v128.load64_splat offset=8 (local.get 0)) (f32x4.mul (v128.load32_zero (local.get 0)) (local.get 3))))))
  (func $pressure (param i32 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128) (result v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
    (drop (call $loop (local.get 0)))
    (select (local.get 10) (local.get 9) (v128.any_true (local.get 8))) (i64x2.mul (local.get 9) (local.get 1))
    (i8x16.shr_s (local.get 8) (local.get 0)) (i32x4.trunc_sat_f32x4_u (local.get 7)) (i8x16.popcnt (local.get 6))
    (f64x2.min (local.get 5) (local.get 4)) (v128.bitselect (local.get 4) (local.get 3) (local.get 2)) (local.get 3)
    (i64x2.splat (i64.extend_i32_u (i8x16.bitmask (local.get 2)))) (i32x4.splat (i32.load offset=9 (i16x8.extract_lane_u 5 (local.get 1)))))
  (func $references (type $unary)
    (i32.add (call_indirect (type $unary) (i32.load (local.get 0)) (ref.func $loop)) (local.get 0)))
  (func $thrower (param i32) (result i32)
    try (result i32)
      i32.const 1 i32.const 2 local.get 0 local.get 0 local.get 0 local.get 0 local.get 0 local.get 0 local.get 0
      local.get 0 call $one throw $many_values
    catch $value
      i32.load
    catch $many_values
      drop drop drop drop drop drop drop drop i32.add
    catch_all
      rethrow 0
    end)
  (func $fill (param i32) (memory.fill (local.get 0) (i32.const 3) (i32.load (local.get 0))) (memory.copy (local.get 0) (i32.const 3) (local.get 0)))
))";

// Objects, assembled by wasm-tools:
//   (module
//     (rec (type $t (sub (struct (field (mut i32)) (field (mut i64)))))
//          (type $u (sub $t (struct (field (mut i32)) (field (mut i64)) (field (mut (ref null $t))) (field
//          f64)))))
//     (type $f (struct (field i32)))
//     (type $refs (array (mut (ref null $t)))) (type $bytes (array (mut i8))) (type $vecs (array (mut v128)))
//     (memory 1)
//     (func (param (ref null $u) i32) (result i32)
//       (struct.set $u 2 (local.get 0) (struct.new $t (local.get 1) (i64.const 7)))
//       (i32.add (struct.get $u 0 (local.get 0)) (i32.load offset=16 (local.get 1))))
//     (func (param (ref null any)) (result i32)
//       (block $b (result (ref $u))
//         (drop (br_on_cast $b (ref null any) (ref $u) (local.get 0)))
//         (return (struct.get $f 0 (ref.cast (ref $f) (local.get 0)))))
//       (struct.get $u 0))
//     (func (param (ref null $refs) (ref null $bytes) i32) (result i32)
//       (array.set $refs (local.get 0) (local.get 2) (ref.null $t))
//       (array.set $bytes (local.get 1) (i32.const 5) (local.get 2))
//       (i32.add (array.get_s $bytes (local.get 1) (local.get 2)) (array.len (local.get 0))))
//     (func (param (ref null $vecs) i32) (result v128)
//       (array.set $vecs (local.get 0) (local.get 1) (v128.load (local.get 1)))
//       (array.fill $vecs (local.get 0) (i32.const 1) (v128.const i64x2 1 2) (local.get 1))
//       (array.get $vecs (local.get 0) (i32.const 3)))
//     (func (param i32) (result i32) (local (ref null $t)) (local i64)
//       (loop $l
//         (local.set 1 (struct.new $u (local.get 0) (local.get 2) (local.get 1) (f64.const 2)))
//         (local.set 2 (i64.add (local.get 2) (struct.get $t 1 (local.get 1))))
//         (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
//       (i32.wrap_i64 (local.get 2))))
constexpr std::uint8_t kObjects[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x48, 0x0a, 0x4e, 0x02, 0x50, 0x00, 0x5f, 0x02,
    0x7f, 0x01, 0x7e, 0x01, 0x50, 0x01, 0x00, 0x5f, 0x04, 0x7f, 0x01, 0x7e, 0x01, 0x63, 0x00, 0x01, 0x7c,
    0x00, 0x5f, 0x01, 0x7f, 0x00, 0x5e, 0x63, 0x00, 0x01, 0x5e, 0x78, 0x01, 0x5e, 0x7b, 0x01, 0x60, 0x02,
    0x63, 0x01, 0x7f, 0x01, 0x7f, 0x60, 0x01, 0x6e, 0x01, 0x7f, 0x60, 0x03, 0x63, 0x03, 0x63, 0x04, 0x7f,
    0x01, 0x7f, 0x60, 0x02, 0x63, 0x05, 0x7f, 0x01, 0x7b, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x03, 0x06, 0x05,
    0x06, 0x07, 0x08, 0x09, 0x0a, 0x05, 0x03, 0x01, 0x00, 0x01, 0x0a, 0xc4, 0x01, 0x05, 0x1b, 0x00, 0x20,
    0x00, 0x20, 0x01, 0x42, 0x07, 0xfb, 0x00, 0x00, 0xfb, 0x05, 0x01, 0x02, 0x20, 0x00, 0xfb, 0x02, 0x01,
    0x00, 0x20, 0x01, 0x28, 0x02, 0x10, 0x6a, 0x0b, 0x1d, 0x00, 0x02, 0x64, 0x01, 0x20, 0x00, 0xfb, 0x18,
    0x01, 0x00, 0x6e, 0x01, 0x1a, 0x20, 0x00, 0xfb, 0x16, 0x02, 0xfb, 0x02, 0x02, 0x00, 0x0f, 0x0b, 0xfb,
    0x02, 0x01, 0x00, 0x0b, 0x20, 0x00, 0x20, 0x00, 0x20, 0x02, 0xd0, 0x00, 0xfb, 0x0e, 0x03, 0x20, 0x01,
    0x41, 0x05, 0x20, 0x02, 0xfb, 0x0e, 0x04, 0x20, 0x01, 0x20, 0x02, 0xfb, 0x0c, 0x04, 0x20, 0x00, 0xfb,
    0x0f, 0x6a, 0x0b, 0x31, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x01, 0xfd, 0x00, 0x04, 0x00, 0xfb, 0x0e,
    0x05, 0x20, 0x00, 0x41, 0x01, 0xfd, 0x0c, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x01, 0xfb, 0x10, 0x05, 0x20, 0x00, 0x41, 0x03, 0xfb, 0x0b,
    0x05, 0x0b, 0x35, 0x02, 0x01, 0x63, 0x00, 0x01, 0x7e, 0x03, 0x40, 0x20, 0x00, 0x20, 0x02, 0x20, 0x01,
    0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0xfb, 0x00, 0x01, 0x21, 0x01, 0x20, 0x02, 0x20,
    0x01, 0xfb, 0x02, 0x00, 0x01, 0x7c, 0x21, 0x02, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00,
    0x0b, 0x20, 0x02, 0xa7, 0x0b};

/// Memories beside the first, memories with 64-bit addresses, atomic accesses; `FIRST` declares memory 0.
constexpr const char* kMemories = R"((module
  FIRST
  (memory $b 1) (memory $c i64 1) (memory $s 1 2 shared)
  (func (param i32 i64) (result i32) (local i32)
    (loop $l
      (i32.store $b offset=8 (local.get 0) (i32.add (i32.load $b offset=8 (local.get 0)) (local.get 2)))
      (i64.store $c offset=16 (local.get 1) (i64.load $c offset=0x80000000 (i64.add (local.get 1) (i64.const 5))))
      (i32.store8 $b (i32.add (local.get 0) (i32.const 3)) (i32.load16_u $c (local.get 1)))
      (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 4)))))
    (i32.add (i32.load $b offset=0xfffffff0 (local.get 0)) (i32.wrap_i64 (memory.size $c))))
  (func (param i32 i64) (result i32)
    (drop (i32.atomic.rmw.add 3 offset=4 (local.get 0) (i32.const 1)))
    (i32.atomic.store8 3 (local.get 0) (i32.atomic.rmw16.xchg_u 3 offset=2 (local.get 0) (i32.const 7)))
    (drop (i32.atomic.rmw.or 3 (local.get 0) (i32.const 8)))
    (i64.store32 $b (i32.const 8) (i64.atomic.rmw.cmpxchg 3 (local.get 0) (local.get 1) (i64.const 3)))
    (atomic.fence)
    (i32.atomic.rmw8.sub_u 3 (local.get 0) (i32.const 9)))
  (func (param i64 f64) (result f64)
    (f64.store $c (local.get 0) (f64.add (local.get 1) (f64.load $c offset=8 (local.get 0))))
    (memory.copy $b $c (i32.const 5) (local.get 0) (i32.const 6))
    (f64.load $b (i32.wrap_i64 (memory.grow $c (local.get 0)))))
))";

std::vector<std::byte> assemble_program(const std::string& text = kProgram) {
  char path[] = P_tmpdir "/mutation-XXXXXX";
  const int fd = mkstemp(path);
  std::FILE* out = fdopen(fd, "w");
  std::fputs(text.c_str(), out);
  std::fclose(out);
  std::FILE* pipe = popen(
      (std::string(
           "wat2wasm --no-check --enable-tail-call --enable-exceptions --enable-threads --enable-memory64 "
           "--enable-multi-memory --output=- ") +
       path)
          .c_str(),
      "r");
  std::vector<std::byte> bytes;
  std::byte chunk[4096];
  for (std::size_t n; (n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;)
    bytes.insert(bytes.end(), chunk, chunk + n);
  pclose(pipe);
  std::remove(path);
  // wabt has no call_ref: where a function reference is an element's index, it is meant.
  constexpr std::byte kRefFunc{0xd2}, kCallIndirect{0x11}, kCallRef{0x14}, kNop{0x01};
  for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
    if (bytes[i] != kRefFunc || bytes[i + 2] != kCallIndirect) continue;
    bytes[i + 2] = kCallRef;
    bytes[i + 4] = kNop;
  }
  return bytes;
}

std::uint64_t mutants() {
  const char* set = std::getenv("NB_VERIFY_MUTANTS");
  return set ? std::strtoull(set, nullptr, 10) : 20'000;
}

/// Damages `code` in the function `index`; bytes are changed in place.
void mutate(CodeObject& code, const CodeFunction& f, std::mt19937_64& random) {
  auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::byte& byte = code.text[f.begin + below(f.end - f.begin)];
  switch (below(13)) {
    case 0:
    case 1:
    case 2:
    case 3: byte ^= std::byte{static_cast<std::uint8_t>(1u << below(8))}; break;
    case 4: byte = static_cast<std::byte>(random()); break;
    case 5:
      byte = static_cast<std::byte>(static_cast<std::uint8_t>(byte) + 8);
      break;  // another register, another slot
    case 6: byte = static_cast<std::byte>(static_cast<std::uint8_t>(byte) - 1); break;
    case 7: {  // a plausible prefix or opcode
      static constexpr std::uint8_t kBytes[] = {0x65, 0x66, 0x67, 0xf3, 0x48, 0x49, 0x4c, 0x41,
                                                0x44, 0x0f, 0x8b, 0x89, 0x90, 0xc3, 0xe8, 0xff};
      byte = std::byte{kBytes[below(std::size(kBytes))]};
      break;
    }
    case 8:  // two neighbours change places
      if (&byte != &code.text[f.end - 1]) std::swap(byte, *(&byte + 1));
      break;
    case 9:
      if (!code.labels.empty()) {
        Label& label = code.labels[below(code.labels.size())];
        std::uint16_t* claims[] = {&label.zero_extended, &label.bases, &label.wide_bases};
        *claims[below(3)] ^= static_cast<std::uint16_t>(1u << below(16));
      }
      break;
    case 10:
      if (!code.rodata.empty())
        code.rodata[below(code.rodata.size())] ^= std::byte{static_cast<std::uint8_t>(1u << below(8))};
      break;
    case 11:
      if (!code.calls.empty() && !code.labels.empty())
        code.calls[below(code.calls.size())].handler = code.labels[below(code.labels.size())].pc;
      break;
    default:  // a run of bytes from elsewhere in the function
      for (std::uint32_t from = f.begin + below(f.end - f.begin),
                         to = static_cast<std::uint32_t>(&byte - code.text.data()), n = below(6);
           n && from < f.end && to < f.end; n--)
        code.text[to++] = code.text[from++];
  }
}

void run(const CodeObject& original, const Module& module, std::uint64_t count, std::uint64_t seed) {
  ASSERT_TRUE(verify_code(original, module)) << verify_code(original, module).error().message;
  for (std::uint32_t i = 0; i < original.functions.size(); i++)
    EXPECT_EQ(why_unsafe(original, module, i), "");
  std::mt19937_64 random(seed);
  std::uint64_t accepted = 0, refused = 0, refused_unsafe = 0, failures = 0;
  CodeObject mutant = original;
  for (std::uint64_t n = 0; n < count; n++) {
    const auto index = static_cast<std::uint32_t>(random() % original.functions.size());
    const std::uint64_t changes = 1 + (random() % 8 == 0);
    for (std::uint64_t c = 0; c < changes; c++) mutate(mutant, original.functions[index], random);
    const Result<> result = verify_code(mutant, module);
    if (result) {
      accepted++;
      const bool all =
          mutant.rodata != original.rodata ||
          !std::ranges::equal(mutant.calls, original.calls, {}, &CallSite::handler, &CallSite::handler);
      for (std::uint32_t i = all ? 0 : index; i < (all ? original.functions.size() : index + 1); i++) {
        const std::string why = why_unsafe(mutant, module, i);
        if (!why.empty() && failures++ < 20)
          ADD_FAILURE() << "function " << i << ": " << why << ", mutant " << n;
      }
    } else {
      refused++;
      if (n % 16 == 0) refused_unsafe += !why_unsafe(mutant, module, index).empty();
    }
    mutant.text = original.text;
    mutant.labels = original.labels;
    mutant.calls = original.calls;
    mutant.rodata = original.rodata;
  }
  EXPECT_EQ(failures, 0u);
  EXPECT_GT(refused_unsafe, 0u);  // the judge does see what is unsafe
  std::printf("%llu mutants accepted, %llu refused\n", static_cast<unsigned long long>(accepted),
              static_cast<unsigned long long>(refused));
}

TEST(Mutation, CompiledCode) {
  const std::vector<std::byte> bytes = assemble_program();
  const auto module = decode_module(bytes);
  ASSERT_TRUE(module) << module.error().message;
  const auto code = compile_module(*module);
  ASSERT_TRUE(code) << code.error().message;
  run(**code, *module, mutants(), 1);
}

/// kMemories with `first` as memory 0 and loads and stores of it.
std::string memories(const std::string& first, const std::string& address) {
  std::string text = kMemories;
  text.replace(
      text.find("FIRST"), 5,
      first + "(func (param " + address +
          ") (result i64) (i64.store offset=8 (local.get 0) (i64.add (i64.load offset=8"
          " (local.get 0)) (i64.const 3))) (v128.store offset=1 (local.get 0) (v128.load (local.get 0)))"
          " (i64.xor (i64.load32_s offset=0x7fffffff (local.get 0)) (i64.load8_u offset=0xffffffff "
          "(local.get 0))))");
  return text;
}

void run_memories(const std::string& text) {
  const std::vector<std::byte> bytes = assemble_program(text);
  const auto module = decode_module(bytes);
  ASSERT_TRUE(module) << module.error().message;
  const auto code = compile_module(*module);
  ASSERT_TRUE(code) << code.error().message;
  run(**code, *module, mutants() / 2, 2);
}

TEST(Mutation, CodeOfSeveralMemories) { run_memories(memories("(memory $a 1)", "i32")); }
TEST(Mutation, CodeOfA64BitMemory0) { run_memories(memories("(memory $a i64 1)", "i64")); }

TEST(Mutation, CodeWithObjects) {
  const auto module = decode_module(std::as_bytes(std::span(kObjects)));
  ASSERT_TRUE(module) << module.error().message;
  const auto code = compile_module(*module);
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_TRUE((*code)->uses_heap);
  run(**code, *module, mutants() / 2, 2);
}

}  // namespace
}  // namespace nebulet::wasm::verify
