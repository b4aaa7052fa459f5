// SPDX-License-Identifier: MIT
// Small things with files and descriptors, and where the parts of Nebulet lie.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/nebulet/error.h"

namespace nebulet::tool {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  void reset();

 private:
  int fd_;
};

Result<std::vector<std::byte>> read_file(const std::string& path);
/// A WebAssembly module: refuses what begins as something else, and says what to do. `path` may be -,
/// standard input.
Result<std::vector<std::byte>> read_module(const std::string& path);
Result<> write_file(const std::string& path, std::span<const std::byte> bytes);
/// Writes all of it, through interruptions and short writes.
bool write_all(int fd, const void* bytes, std::size_t size);

/// Built artefacts, found beside the running program. `root` is the checkout.
struct Installation {
  std::string root, hosted_kernel, kernel, wasi, wasi_code, init, init_code;
  /// A service or driver of Nebulet's own (user/services, user/drivers); empty: there is none.
  std::string module(std::string_view name) const;
  static Result<Installation> locate();
  /// Fails with what to do if one of these is not there.
  Result<> require(std::initializer_list<std::string> paths) const;
};

}  // namespace nebulet::tool
