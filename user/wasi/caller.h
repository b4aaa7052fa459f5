// SPDX-License-Identifier: MIT
// The program's memory, as the library sees it: every access is a checked copy by the kernel, and a range
// outside the program's memory is `fault`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include "base/result.h"
#include "user/wasi/types.h"

namespace nebulet::wasi {

Result<> read_caller(Address from, std::span<std::byte> into);
Result<> write_caller(Address to, std::span<const std::byte> from);

template <class T>
Result<T> load(Address from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  TRY(read_caller(from, std::as_writable_bytes(std::span(&value, 1))));
  return value;
}

template <class T>
Result<> store(Address to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return write_caller(to, std::as_bytes(std::span(&value, 1)));
}

/// Reads a path argument; `nametoolong` beyond 4096 bytes, `ilseq` if it holds a NUL.
Result<std::string> load_path(Address from, std::uint32_t length);

/// Walks over the bytes that an array of iovecs in the program's memory describes. Each element is fetched
/// once.
class IovecCursor {
 public:
  IovecCursor(Address array, std::uint32_t count) : array_(array), left_(count) {}

  /// Copies bytes of the program into `into` until it is full or the iovecs end; returns how many.
  Result<std::size_t> gather(std::span<std::byte> into);
  /// Copies `from` to the program until one of them ends; returns how many bytes.
  Result<std::size_t> scatter(std::span<const std::byte> from);

  /// How many bytes an array describes; `inval` if that is not a 32-bit number.
  static Result<std::uint32_t> total(Address array, std::uint32_t count);

 private:
  static constexpr std::uint32_t kBatch = 32;

  /// Makes `current()` a non-empty iovec; false at the end of the array.
  Result<bool> advance();
  Iovec& current() { return batch_[index_]; }
  void consume(std::uint32_t bytes) {
    current().buffer += bytes;
    current().length -= bytes;
  }

  Address array_;
  std::uint32_t left_;
  std::uint32_t index_ = 0;
  std::uint32_t loaded_ = 0;
  Iovec batch_[kBatch];
};

}  // namespace nebulet::wasi
