// SPDX-License-Identifier: MIT
// The table of all functions of a store, indexed by function reference: what code calls references through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "wasm/runtime/host.h"
#include "wasm/runtime/layout.h"

namespace nebulet::wasm {

struct Function;

/// Its elements move when it grows, so code loads where they are for each call. An element is empty, and a
/// call of it traps, unless some code can make a reference of its function.
class FunctionTable {
 public:
  static constexpr std::uint32_t kMaxFunctions = 1u << 24;

  explicit FunctionTable(Host& host) : host_(host) {}
  ~FunctionTable();
  FunctionTable(const FunctionTable&) = delete;
  FunctionTable& operator=(const FunctionTable&) = delete;

  /// Makes room for the references below `size`, which is at most kMaxFunctions. False: no memory, and
  /// nothing changed. None of the store's code runs.
  bool grow(std::uint32_t size);
  FuncSlot* elements() const { return elements_; }
  std::uint32_t size() const { return elements_ ? header()->size : 0; }
  /// `ref` must be below size().
  void set(std::uint32_t ref, Function& function);

 private:
  TableHeader* header() const { return reinterpret_cast<TableHeader*>(elements_) - 1; }

  Host& host_;
  std::unique_ptr<std::byte[]> memory_;
  FuncSlot* elements_ = nullptr;
  std::uint64_t room_ = 0;  ///< bytes, charged
};

}  // namespace nebulet::wasm
