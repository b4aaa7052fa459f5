// SPDX-License-Identifier: MIT
// Distinct integer types for indices, so that a block number cannot be used as a value number.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace nebulet {

/// A 32-bit index with its own type. `none()` is the absent one.
template <class Tag>
struct Id {
  std::uint32_t index = 0xffffffff;

  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t i) : index(i) {}
  static constexpr Id none() { return Id(); }
  constexpr bool valid() const { return index != 0xffffffff; }
  constexpr auto operator<=>(const Id&) const = default;
};

}  // namespace nebulet
