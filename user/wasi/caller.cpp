// SPDX-License-Identifier: MIT
// Copies between the program's memory and the library's.
#include "user/wasi/caller.h"

#include <algorithm>
#include <limits>

#include "abi/sdk/nebulet.h"
#include "user/sdk/ninep.h"

namespace nebulet::wasi {

Result<> read_caller(Address from, std::span<std::byte> into) {
  if (nb_caller_memory_read(from, into.data(), into.size()) < 0) return fail(Errno::fault);
  return {};
}

Result<> write_caller(Address to, std::span<const std::byte> from) {
  if (nb_caller_memory_write(to, from.data(), from.size()) < 0) return fail(Errno::fault);
  return {};
}

Result<std::string> load_path(Address from, std::uint32_t length) {
  if (length > ninep::kMaxPath) return fail(Errno::nametoolong);
  std::string path(length, '\0');
  TRY(read_caller(from, std::as_writable_bytes(std::span(path))));
  if (path.find('\0') != std::string::npos) return fail(Errno::ilseq);
  return path;
}

Result<bool> IovecCursor::advance() {
  while (true) {
    for (; index_ < loaded_; index_++) {
      if (current().length != 0) return true;
    }
    if (left_ == 0) return false;
    loaded_ = std::min(left_, kBatch);
    index_ = 0;
    TRY(read_caller(array_, std::as_writable_bytes(std::span(batch_, loaded_))));
    array_ += loaded_ * sizeof(Iovec);
    left_ -= loaded_;
  }
}

Result<std::size_t> IovecCursor::gather(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size() && TRY(advance())) {
    const auto piece = into.subspan(done, std::min<std::size_t>(into.size() - done, current().length));
    TRY(read_caller(current().buffer, piece));
    consume(static_cast<std::uint32_t>(piece.size()));
    done += piece.size();
  }
  return done;
}

Result<std::size_t> IovecCursor::scatter(std::span<const std::byte> from) {
  std::size_t done = 0;
  while (done < from.size() && TRY(advance())) {
    const auto piece = from.subspan(done, std::min<std::size_t>(from.size() - done, current().length));
    TRY(write_caller(current().buffer, piece));
    consume(static_cast<std::uint32_t>(piece.size()));
    done += piece.size();
  }
  return done;
}

Result<std::uint32_t> IovecCursor::total(Address array, std::uint32_t count) {
  std::uint64_t sum = 0;
  IovecCursor cursor(array, count);
  while (TRY(cursor.advance())) {
    sum += cursor.current().length;
    if (sum > std::numeric_limits<std::uint32_t>::max()) return fail(Errno::inval);
    cursor.index_++;
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace nebulet::wasi
