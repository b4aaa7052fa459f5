// SPDX-License-Identifier: MIT
// The types of a function's locals (spec 5.4.9, 5.5.13), parameters first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/arena.h"
#include "wasm/binary/limits.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {

/// Stays in proportion to the body's bytes although three of them can declare 50,000 locals: only the first
/// locals have an entry each, the others are found in the runs of the declaration.
class Locals {
 public:
  Locals(Arena& arena, std::uint32_t body_bytes)
      : dense_(arena), runs_(arena), dense_limit_(256 + body_bytes) {}

  /// Takes the parameters and reads the declarations.
  void read(std::span<const ValType> params, Reader& reader, std::size_t types) {
    for (const ValType type : params) add(1, type);
    params_ = size_;
    const std::uint32_t runs = reader.u32();
    for (std::uint32_t i = 0; i < runs && reader.ok(); ++i) {
      const std::uint32_t at = reader.position();
      const std::uint32_t count = reader.u32();
      const ValType type = read_val_type(reader, types);
      declared_ += count;
      if (declared_ > 0xffffffff) reader.fail(Error::Kind::malformed, at, "too many locals");
      if (size_ + std::uint64_t{count} > kMaxLocals) over_limit_ = true;
      if (!over_limit_) add(count, type);
    }
    if (over_limit_) reader.fail(Error::Kind::limit, reader.position(), "too many locals");
  }

  std::uint32_t size() const { return size_; }
  std::uint32_t params() const { return params_; }
  /// How many of the first locals are cheap to index.
  std::uint32_t dense_size() const { return dense_.size(); }
  /// Requires: i < size().
  ValType operator[](std::uint32_t i) const {
    if (i < dense_.size()) [[likely]]
      return dense_[i];
    return std::ranges::upper_bound(runs_.span(), i, {}, &Run::end)->type;
  }

 private:
  struct Run {
    std::uint32_t end;  ///< one past its last local
    ValType type;
  };
  void add(std::uint32_t count, ValType type) {
    if (count == 0) return;
    for (std::uint32_t i = 0; i < count && dense_.size() < dense_limit_; ++i) dense_.push_back(type);
    size_ += count;
    runs_.push_back({size_, type});
  }

  ArenaVector<ValType> dense_;
  ArenaVector<Run> runs_;
  std::uint32_t dense_limit_;
  std::uint32_t size_ = 0, params_ = 0;
  std::uint64_t declared_ = 0;
  bool over_limit_ = false;
};

}  // namespace nebulet::wasm
