// SPDX-License-Identifier: MIT
// The program's memory, as the library sees it: every access is a checked copy by the kernel, and a range
// outside the program's memory is `fault`.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "user/wasi/types.h"

namespace nebulet::wasi {

Result<> read_caller(Address from, std::span<std::byte> into);
Result<> write_caller(Address to, std::span<const std::byte> from);
/// That the range lies in the program's memory, which never shrinks. Calls that have effects ask before them
/// for the ranges that they will store to.
Result<> check_caller(Address at, std::uint64_t length);

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

/// Reads a path argument; `nametoolong` beyond 4096 bytes, `ilseq` if it is not UTF-8 or holds a NUL.
Result<std::string> load_path(Address from, std::uint32_t length);

/// The bytes that an array of iovecs in the program's memory describes. The array is read once.
class Vectors {
 public:
  Vectors() = default;
  Vectors(const Vectors&) = delete;
  Vectors& operator=(const Vectors&) = delete;

  /// `fault` unless the array and all that it describes lie in the program's memory; `inval` if that is more
  /// than a 32-bit number of bytes.
  Result<> load(Address array, std::uint32_t count);
  /// How many bytes they describe altogether.
  std::uint32_t total() const { return total_; }

  /// Copies the program's next bytes into `into` until it is full or the vectors end; returns how many.
  Result<std::size_t> gather(std::span<std::byte> into);
  /// Copies `from` to the program's next bytes until one of them ends; returns how many.
  Result<std::size_t> scatter(std::span<const std::byte> from);

 private:
  /// Calls `copy` for the pieces of the next `size` bytes, as far as there are vectors.
  template <class Copy>
  Result<std::size_t> walk(std::size_t size, Copy copy);

  std::array<Iovec, 16> few_;
  std::vector<Iovec> many_;
  std::span<Iovec> left_;
  std::uint32_t total_ = 0;
};

}  // namespace nebulet::wasi
