// SPDX-License-Identifier: MIT
// Copies between the program's memory and the library's.
#include "user/wasi/caller.h"

#include <algorithm>
#include <limits>

#include "abi/sdk/nebulet.h"
#include "user/sdk/ninep.h"
#include "user/wasi/utf8.h"

namespace nebulet::wasi {

Result<> read_caller(Address from, std::span<std::byte> into) {
  if (nb_caller_memory_read(from, into.data(), into.size()) < 0) return fail(Errno::fault);
  return {};
}

Result<> write_caller(Address to, std::span<const std::byte> from) {
  if (nb_caller_memory_write(to, from.data(), from.size()) < 0) return fail(Errno::fault);
  return {};
}

Result<> check_caller(Address at, std::uint64_t length) {
  const int64_t size = nb_caller_memory_size();
  if (size < 0 || length > static_cast<std::uint64_t>(size) || at > static_cast<std::uint64_t>(size) - length)
    return fail(Errno::fault);
  return {};
}

Result<std::string> load_path(Address from, std::uint32_t length) {
  if (length > ninep::kMaxPath) return fail(Errno::nametoolong);
  std::string path(length, '\0');
  TRY(read_caller(from, std::as_writable_bytes(std::span(path))));
  if (path.find('\0') != std::string::npos || !is_utf8(path)) return fail(Errno::ilseq);
  return path;
}

Result<> Vectors::load(Address array, std::uint32_t count) {
  // Before memory is taken for them, which the process pays.
  TRY(check_caller(array, std::uint64_t{count} * sizeof(Iovec)));
  if (count > few_.size()) many_.resize(count);
  left_ = count > few_.size() ? std::span(many_) : std::span(few_).first(count);
  TRY(read_caller(array, std::as_writable_bytes(left_)));
  std::uint64_t sum = 0;
  for (const Iovec& vector : left_) {
    if (vector.length == 0) continue;
    TRY(check_caller(vector.buffer, vector.length));
    sum += vector.length;
    if (sum > std::numeric_limits<std::uint32_t>::max()) return fail(Errno::inval);
  }
  total_ = static_cast<std::uint32_t>(sum);
  return {};
}

template <class Copy>
Result<std::size_t> Vectors::walk(std::size_t size, Copy copy) {
  std::size_t done = 0;
  while (done < size && !left_.empty()) {
    Iovec& vector = left_.front();
    const auto piece = static_cast<std::uint32_t>(std::min<std::size_t>(size - done, vector.length));
    if (piece != 0) TRY(copy(vector.buffer, done, piece));
    vector.buffer += piece;
    vector.length -= piece;
    done += piece;
    if (vector.length == 0) left_ = left_.subspan(1);
  }
  return done;
}

Result<std::size_t> Vectors::gather(std::span<std::byte> into) {
  return walk(into.size(), [&](Address at, std::size_t done, std::size_t count) {
    return read_caller(at, into.subspan(done, count));
  });
}

Result<std::size_t> Vectors::scatter(std::span<const std::byte> from) {
  return walk(from.size(), [&](Address at, std::size_t done, std::size_t count) {
    return write_caller(at, from.subspan(done, count));
  });
}

}  // namespace nebulet::wasi
