// SPDX-License-Identifier: MIT
// What active data segments make of a memory, made once for each module and shown, copy on write, in the
// memory of each instance: making one copies nothing.
#pragma once

#include <cstdint>
#include <memory>

#include "wasm/binary/module.h"
#include "wasm/runtime/host.h"

namespace nebulet::wasm {

/// Whole pages that memory 0 begins with. Immutable.
class MemoryImage {
 public:
  /// nullptr: copying the segments is as good, or their meaning depends on the instance: on the value of a
  /// global, on what another memory holds when one of them traps. Or the host has no memory for it.
  static std::unique_ptr<MemoryImage> create(Host& host, const Module& module);
  ~MemoryImage();
  MemoryImage(const MemoryImage&) = delete;
  MemoryImage& operator=(const MemoryImage&) = delete;

  /// Where it belongs in the memory.
  std::uint64_t begin() const { return begin_; }
  std::uint64_t size() const { return size_; }
  const std::byte* bytes() const { return bytes_; }

 private:
  MemoryImage(Host& host, std::uint64_t begin, std::uint64_t size)
      : host_(host), begin_(begin), size_(size) {}

  Host& host_;
  const std::uint64_t begin_, size_;
  std::byte* bytes_ = nullptr;
};

}  // namespace nebulet::wasm
