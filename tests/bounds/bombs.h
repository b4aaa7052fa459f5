// SPDX-License-Identifier: MIT
// Modules that are made to be expensive to compile: one family for each way in which compilers are known to
// lose their linear time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nebulet::bounds {

using Bytes = std::vector<std::byte>;

struct Family {
  std::string_view name;
  Bytes (*make)(std::uint32_t n);  ///< about n bytes
};
std::span<const Family> families();

/// Appends parts of the binary format.
class Writer {
 public:
  Writer& byte(unsigned b) {
    bytes_.push_back(static_cast<std::byte>(b));
    return *this;
  }
  Writer& bytes(std::initializer_list<unsigned> list) {
    for (const unsigned b : list) byte(b);
    return *this;
  }
  Writer& u32(std::uint64_t value);
  Writer& s32(std::int64_t value);
  Writer& append(const Bytes& other) {
    bytes_.insert(bytes_.end(), other.begin(), other.end());
    return *this;
  }
  /// A section, or anything else that follows its size.
  Writer& sized(const Bytes& content) { return u32(content.size()).append(content); }
  Writer& section(unsigned id, const Bytes& content) { return byte(id).sized(content); }
  std::size_t size() const { return bytes_.size(); }
  const Bytes& get() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// A module with `types` (each written out), `count` functions of type 0 with the same body, and a memory, a
/// table and a mutable i32 global. `body` has the locals and the final end.
Bytes module_of(const std::vector<Bytes>& types, const Bytes& body, std::uint32_t count = 1,
                const Bytes& extra_code = {}, const Bytes& extra_types = {});

}  // namespace nebulet::bounds
