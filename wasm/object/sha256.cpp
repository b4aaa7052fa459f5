// SPDX-License-Identifier: MIT
#include "wasm/object/sha256.h"

#include <cpuid.h>
#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "base/result.h"

namespace nebulet::wasm {
namespace {

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t load_be(const std::byte* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return std::byteswap(word);
}
void store_be(std::byte* at, std::uint32_t word) {
  word = std::byteswap(word);
  std::memcpy(at, &word, sizeof word);
}

using State = std::uint32_t[8];
constexpr std::size_t kBlock = 64;

void compress_block(State& state, const std::byte* block) {
  std::uint32_t w[64];
  for (int i = 0; i < 16; ++i) w[i] = load_be(block + 4 * i);
  for (int i = 16; i < 64; ++i) {
    const std::uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[i - 7] +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t t1 =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const std::uint32_t t2 =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::uint32_t sums[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += sums[i];
}

void compress_portable(State& state, std::span<const std::byte> blocks) {
  for (; !blocks.empty(); blocks = blocks.subspan(kBlock)) compress_block(state, blocks.data());
}

/// By the processor's instructions: two registers hold a, b, e, f and c, d, g, h (Intel SDM, SHA256RNDS2),
/// and four the last 16 words of the schedule.
__attribute__((target("sha,sse4.1"))) void compress_by_instructions(State& state,
                                                                    std::span<const std::byte> blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  auto* const words = reinterpret_cast<__m128i*>(state);
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1),
                efgh = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  for (; !blocks.empty(); blocks = blocks.subspan(kBlock)) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 16; ++i) {
      __m128i& now = w[i % 4];
      const __m128i last = w[(i + 3) % 4], before_last = w[(i + 2) % 4];
      if (i < 4) {
        const auto* from = reinterpret_cast<const __m128i*>(blocks.data() + 16 * i);
        now = _mm_shuffle_epi8(_mm_loadu_si128(from), big_endian);
      } else {
        const __m128i sum =
            _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) % 4]), _mm_alignr_epi8(last, before_last, 4));
        now = _mm_sha256msg2_epu32(sum, last);
      }
      const __m128i k = _mm_add_epi32(now, _mm_load_si128(reinterpret_cast<const __m128i*>(kRound + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

/// Asked once: in a virtual machine CPUID is slow.
bool has_instructions() {
  enum : std::uint8_t { kUnknown, kNo, kYes };
  static constinit std::atomic<std::uint8_t> answer{kUnknown};
  std::uint8_t known = answer.load(std::memory_order_relaxed);
  if (known == kUnknown) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kShaBit = 1u << 29;  // CPUID.7.0:EBX
    known = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & kShaBit) != 0 ? kYes : kNo;
    answer.store(known, std::memory_order_relaxed);
  }
  return known == kYes;
}

using Compress = void (*)(State&, std::span<const std::byte>);

Result<Sha256> digest_of(std::span<const std::byte> bytes, const Pause& pause, Compress compress) {
  constexpr std::size_t kPauseBytes = 256 * 1024;
  State state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  auto rest = bytes;
  while (rest.size() >= kBlock) {
    TRY(pause());
    const std::size_t whole = std::min(rest.size() / kBlock * kBlock, kPauseBytes);
    compress(state, rest.first(whole));
    rest = rest.subspan(whole);
  }
  // The rest, a one bit, zeros, and the length in bits: one block or two.
  std::byte tail[2 * kBlock] = {};
  std::ranges::copy(rest, tail);
  tail[rest.size()] = std::byte{0x80};
  const std::size_t length = rest.size() < 56 ? kBlock : 2 * kBlock;
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
  store_be(tail + length - 8, static_cast<std::uint32_t>(bits >> 32));
  store_be(tail + length - 4, static_cast<std::uint32_t>(bits));
  compress(state, std::span(tail).first(length));
  Sha256 digest;
  for (int i = 0; i < 8; ++i) store_be(digest.data() + 4 * i, state[i]);
  return digest;
}

}  // namespace

Sha256 sha256(std::span<const std::byte> bytes) { return *sha256(bytes, {}); }

Result<Sha256> sha256(std::span<const std::byte> bytes, const Pause& pause) {
  return digest_of(bytes, pause, has_instructions() ? compress_by_instructions : compress_portable);
}

Sha256 sha256_portable(std::span<const std::byte> bytes) { return *digest_of(bytes, {}, compress_portable); }

}  // namespace nebulet::wasm
