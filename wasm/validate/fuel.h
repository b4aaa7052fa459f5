// SPDX-License-Identifier: MIT
// Compile fuel: the bound on work and memory for one function, proportional to its bytes.
#pragma once

#include <cstdint>

namespace nebulet::wasm {

/// Spent before the work is done. A function that runs out is refused with Error::Kind::limit.
class Fuel {
 public:
  explicit Fuel(std::uint32_t body_bytes) : left_(std::uint64_t{body_bytes} * kPerByte + kBase) {}

  /// False if there is not enough; the rest is then gone too.
  bool spend(std::uint64_t units) {
    if (units > left_) [[unlikely]] {
      left_ = 0;
      exhausted_ = true;
      return false;
    }
    left_ -= units;
    return true;
  }
  /// Leaves no more than `units`.
  void limit(std::uint64_t units) {
    if (units < left_) left_ = units;
  }
  bool exhausted() const { return exhausted_; }
  std::uint64_t left() const { return left_; }

 private:
  static constexpr std::uint64_t kPerByte = 64, kBase = 64 * 1024;
  std::uint64_t left_;
  bool exhausted_ = false;
};

}  // namespace nebulet::wasm
