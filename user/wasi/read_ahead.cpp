// SPDX-License-Identifier: MIT
#include "user/wasi/read_ahead.h"

#include <algorithm>

#include "abi/sdk/nebulet.h"
#include "base/result.h"

namespace nebulet::wasi {
namespace {

std::uint64_t heard = 0;  // how often

std::uint64_t now() { return static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_MONOTONIC)); }

}  // namespace

Result<std::uint32_t> read_file(files::Fid fid, std::uint64_t offset, std::uint32_t count, Vectors& vectors) {
  std::uint32_t done = 0;
  while (done < count) {
    const auto data = files::read(fid, offset + done, count - done);
    if (!data && done == 0) return fail(data.error());
    if (!data || data->empty()) break;
    TRY(vectors.scatter(*data));
    done += static_cast<std::uint32_t>(data->size());
    if (data->size() < files::most_read(fid)) break;
  }
  return done;
}

void forget_read_ahead() { heard++; }

bool ReadAhead::is_fresh(std::uint64_t offset) const {
  return used_ < bytes_.size() && offset == next_ && heard == heard_ && now() - time_ < kLifetime;
}

Result<std::uint32_t> ReadAhead::read(files::Fid fid, std::uint64_t offset, Vectors& vectors) {
  const std::uint32_t total = vectors.total();
  std::uint32_t done = 0;
  if (is_fresh(offset)) {
    const auto piece = std::span(bytes_).subspan(used_);
    done = static_cast<std::uint32_t>(
        TRY(vectors.scatter(piece.first(std::min<std::size_t>(total, piece.size())))));
    used_ += done;
  }
  if (done < total) {
    const bool goes_on = offset == next_;
    const std::uint32_t left = total - done;
    const auto more = goes_on && left < kLarge ? fetch(fid, offset + done, left, vectors)
                                               : read_file(fid, offset + done, left, vectors);
    if (!more && done == 0) return fail(more.error());
    done += more.value_or(0);
  }
  next_ = offset + done;
  return done;
}

Result<std::uint32_t> ReadAhead::fetch(files::Fid fid, std::uint64_t offset, std::uint32_t count,
                                       Vectors& vectors) {
  // What was fetched and not used makes the next piece smaller.
  size_ = used_ < bytes_.size() ? size_ / 4 : std::max(size_, count) * 4;
  size_ = std::min({size_, kMost, files::most_read(fid)});
  bytes_.clear();
  used_ = 0;
  if (size_ <= count) return read_file(fid, offset, count, vectors);
  const std::uint64_t before = heard;
  const auto data = TRY(files::read(fid, offset, size_));
  const auto wanted = data.first(std::min<std::size_t>(data.size(), count)),
             rest = data.subspan(wanted.size());
  bytes_.assign(rest.begin(), rest.end());
  heard_ = before + 1;  // that message; if a thread heard more meanwhile, this is old already
  time_ = now();
  TRY(vectors.scatter(wanted));
  return static_cast<std::uint32_t>(wanted.size());
}

}  // namespace nebulet::wasi
