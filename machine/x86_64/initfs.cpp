// SPDX-License-Identifier: MIT
#include "machine/x86_64/initfs.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace nebulet::machine {
namespace {

constexpr std::string_view kMagic = "070701", kMagicWithSum = "070702", kTrailer = "TRAILER!!!";
constexpr std::size_t kHeaderSize = 110;
constexpr std::uint32_t kTypeMask = 0170000, kRegularFile = 0100000;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Field `index` of the header: 8 hexadecimal digits.
std::optional<std::uint32_t> field(std::span<const std::byte> header, std::size_t index) {
  const std::string_view digits = text_of(header.subspan(6 + 8 * index, 8));
  std::uint32_t value;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

bool ArchiveReader::is_archive(std::span<const std::byte> bytes) {
  const std::string_view start = text_of(bytes.first(std::min(bytes.size(), kMagic.size())));
  return start == kMagic || start == kMagicWithSum;
}

/// `size` bytes, and the padding behind them.
std::optional<std::span<const std::byte>> ArchiveReader::take(std::size_t size) {
  if (size > rest_.size()) return std::nullopt;
  const auto taken = rest_.first(size);
  const std::size_t padded = size + (4 - (at_ + size) % 4) % 4;
  rest_ = rest_.subspan(std::min(padded, rest_.size()));
  at_ += padded;
  return taken;
}

std::optional<ArchiveEntry> ArchiveReader::next() {
  for (;;) {
    if (rest_.size() < kHeaderSize || !is_archive(rest_)) return std::nullopt;
    const auto header = rest_.first(kHeaderSize);
    const auto mode = field(header, 1), size = field(header, 6), name_size = field(header, 11);
    if (!mode || !size || !name_size || *name_size == 0) return std::nullopt;
    const auto head = take(kHeaderSize + *name_size);
    if (!head) return std::nullopt;
    const std::string_view name = text_of(head->subspan(kHeaderSize, *name_size - 1));
    if (name == kTrailer) return std::nullopt;
    const auto bytes = take(*size);
    if (!bytes) return std::nullopt;
    if ((*mode & kTypeMask) == kRegularFile) return ArchiveEntry{name, *bytes};
  }
}

}  // namespace nebulet::machine
