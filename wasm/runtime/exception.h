// SPDX-License-Identifier: MIT
// Exceptions (spec 4.2.15, 4.4.9): what is thrown, and the way from a throw to the code that catches it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <span>

#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace nebulet::wasm {

/// What was thrown: an object of the store's heap, checked.
struct Exception {
  const Tag* tag = nullptr;
  std::byte* payload = nullptr;  ///< values in order, 8 bytes each, 16 for v128
};
inline std::uint32_t payload_bytes(const ValType& type) { return type == kV128 ? 16 : 8; }

/// The exceptions of one store.
class Exceptions {
 public:
  explicit Exceptions(Store& store) : store_(store) {}

  /// The reference to a new exception, with its payload to be filled in. `control`: of the stack whose code
  /// throws; `held` are references that only C++ knows. 0: no memory.
  std::uint32_t make(const Tag& tag, StackControl* control, std::span<const std::uint32_t> held);
  /// nullopt if `ref` is no reference to an exception.
  std::optional<Exception> find(std::uint32_t ref) const;

 private:
  Store& store_;
  boost::unordered_flat_map<std::uint32_t, std::uint32_t> records_;  ///< by tag id
  boost::unordered_flat_map<std::uint32_t, const Tag*> tags_;        ///< by record
};

/// For code that wasm called, on its thread: continues in the innermost handler, with `exception`, a
/// reference. Without one the innermost invoke returns `thrown`. `context`: of the code that called. C++
/// frames between are dropped as by `raise`.
[[noreturn]] void throw_from_call(StackControl& control, InstanceContext* context, std::uint32_t exception);

}  // namespace nebulet::wasm
