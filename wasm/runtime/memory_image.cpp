// SPDX-License-Identifier: MIT
#include "wasm/runtime/memory_image.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "wasm/binary/opcodes.h"
#include "wasm/binary/reader.h"

namespace nebulet::wasm {
namespace {

/// Less is copied in the time that showing pages and the first faults on them take.
constexpr std::uint64_t kLeast = 16 * 1024;
/// What may lie between segments, beside as much as they have: it is memory that each image takes.
constexpr std::uint64_t kMostGaps = 64 * 1024;

/// The value of `i32.const` or `i64.const` alone.
std::optional<std::uint64_t> constant(const Module& module, const ConstExpr& expression) {
  Reader reader(module.bytes, expression.begin, expression.end);
  const std::uint8_t opcode = reader.byte();
  std::uint64_t value = 0;
  if (opcode == static_cast<std::uint8_t>(Opcode::i32_const)) {
    value = static_cast<std::uint32_t>(reader.s32());
  } else if (opcode == static_cast<std::uint8_t>(Opcode::i64_const)) {
    value = static_cast<std::uint64_t>(reader.s64());
  } else {
    return std::nullopt;
  }
  const bool alone = reader.byte() == static_cast<std::uint8_t>(Opcode::end) && reader.at_end();
  return reader.ok() && alone ? std::optional(value) : std::nullopt;
}

}  // namespace

std::unique_ptr<MemoryImage> MemoryImage::create(Host& host, const Module& module) {
  if (module.imported_memories != 0 || module.memories.empty() || module.memories[0].limits.shared)
    return nullptr;
  const MemoryType& type = module.memories[0];
  // `min` pages were validated to be no more than the memory's addresses, 2^64 bytes at most.
  const std::uint64_t pages = std::min<std::uint64_t>(type.limits.min, (1ull << 36) >> type.page_log2);
  const std::uint64_t memory_size = pages << type.page_log2;
  std::uint64_t begin = memory_size, end = 0, bytes = 0;
  for (const DataSegment& segment : module.data) {
    if (!segment.active) continue;
    const std::uint64_t size = segment.end - segment.begin;
    const auto at = constant(module, segment.offset);
    if (segment.memory != 0 || !at || *at > memory_size || size > memory_size - *at) return nullptr;
    if (size == 0) continue;
    begin = std::min(begin, *at);
    end = std::max(end, *at + size);
    bytes += size;
  }
  begin &= ~(kHostPage - 1);
  end = (end + kHostPage - 1) & ~(kHostPage - 1);
  if (bytes < kLeast || end > memory_size || end - begin > 2 * bytes + kMostGaps) return nullptr;

  const std::uint64_t size = end - begin;
  if (!host.charge(size)) return nullptr;
  std::unique_ptr<MemoryImage> image(new MemoryImage(host, begin, size));
  image->bytes_ = host.reserve_shareable(size);
  if (!image->bytes_ || !host.commit(image->bytes_, size, Host::Protection::read_write)) return nullptr;
  for (const DataSegment& segment : module.data) {  // in their order: the last one wins
    if (!segment.active || segment.begin == segment.end) continue;
    std::memcpy(image->bytes_ + (*constant(module, segment.offset) - begin),
                module.bytes.data() + segment.begin, segment.end - segment.begin);
  }
  host.protect(image->bytes_, size, Host::Protection::read);
  return image;
}

MemoryImage::~MemoryImage() {
  if (bytes_) host_.release(bytes_, size_);
  host_.uncharge(size_);
}

}  // namespace nebulet::wasm
