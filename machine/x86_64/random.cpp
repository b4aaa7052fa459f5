// SPDX-License-Identifier: MIT
// Randomness: the processor's generator, or else a seed from the host's tool, stretched by ChaCha20. Without
// either there is no good source, and the caller is told.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "machine/include/machine/time.h"
#include "machine/x86_64/console.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

bool hardware_word(std::uint64_t& word) {
  const bool has_rdseed = cpuid(0).eax >= 7 && (cpuid(7).ebx & 1 << 18);
  const bool has_rdrand = cpuid(1).ecx & 1 << 30;
  bool ok = false;
  for (int tries = 0; has_rdseed && !ok && tries < 32; ++tries) {
    asm volatile("rdseed %0" : "=r"(word), "=@ccc"(ok));
  }
  for (int tries = 0; has_rdrand && !ok && tries < 32; ++tries) {
    asm volatile("rdrand %0" : "=r"(word), "=@ccc"(ok));
  }
  return ok;
}

void quarter(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d) {
  a += b, d = std::rotl(d ^ a, 16);
  c += d, b = std::rotl(b ^ c, 12);
  a += b, d = std::rotl(d ^ a, 8);
  c += d, b = std::rotl(b ^ c, 7);
}

/// RFC 8439, 2.3: 64 bytes of key stream.
void chacha20_block(const std::uint32_t (&input)[16], std::uint32_t (&output)[16]) {
  std::memcpy(output, input, sizeof output);
  auto& x = output;
  for (int round = 0; round < 10; ++round) {
    quarter(x[0], x[4], x[8], x[12]);
    quarter(x[1], x[5], x[9], x[13]);
    quarter(x[2], x[6], x[10], x[14]);
    quarter(x[3], x[7], x[11], x[15]);
    quarter(x[0], x[5], x[10], x[15]);
    quarter(x[1], x[6], x[11], x[12]);
    quarter(x[2], x[7], x[8], x[13]);
    quarter(x[3], x[4], x[9], x[14]);
  }
  for (int i = 0; i < 16; ++i) x[i] += input[i];
}

using Key = std::array<std::uint32_t, 8>;
constexpr std::uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

bool hardware_key(Key& key) {
  for (std::size_t i = 0; i < key.size(); i += 2) {
    std::uint64_t word;
    if (!hardware_word(word)) return false;
    std::memcpy(&key[i], &word, sizeof word);
  }
  return true;
}

/// From the host's seed, which is replaced at once so that no earlier key follows from what is kept.
class HostKeys {
 public:
  bool take(Key& key) {
    SpinGuard guard(lock_);
    if (!seeded_) {
      const auto host = ask_host();
      if (!host) return false;
      std::memcpy(seed_.data(), host->seed.data(), sizeof seed_);
      seeded_ = true;
    }
    std::uint32_t state[16] = {}, block[16];
    std::copy_n(kConstants, 4, state);
    std::ranges::copy(seed_, state + 4);
    chacha20_block(state, block);
    std::copy_n(block, 8, seed_.begin());
    std::copy_n(block + 8, 8, key.begin());
    return true;
  }

 private:
  SpinLock lock_;
  bool seeded_ = false;
  Key seed_ = {};
};
constinit HostKeys g_host_keys;

}  // namespace

bool random_bytes(std::span<std::byte> bytes) {
  // A fresh key for each request.
  Key key;
  if (!hardware_key(key) && !g_host_keys.take(key)) return false;
  std::uint32_t state[16] = {};
  std::copy_n(kConstants, 4, state);
  std::ranges::copy(key, state + 4);
  while (!bytes.empty()) {
    std::uint32_t block[16];
    chacha20_block(state, block);
    ++state[12];
    const std::size_t part = std::min(bytes.size(), sizeof block);
    std::memcpy(bytes.data(), block, part);
    bytes = bytes.subspan(part);
  }
  return true;
}

}  // namespace nebulet::machine
