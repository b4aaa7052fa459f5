// SPDX-License-Identifier: MIT
#include "kernel/ipc/stream.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace nebulet::kernel {

Result<std::pair<Ref<Stream>, Ref<Stream>>> Stream::create(const QuotaRef& quota, std::uint32_t capacity) {
  NB_ASSERT(capacity >= kMinCapacity && capacity <= kMaxCapacity);
  auto charge = Charge::take(quota, sizeof(Ring) + capacity);
  if (!charge) return fail(charge.error());
  Ref<Ring> ring(new (std::nothrow) Ring);
  if (!ring) return fail(Status::out_of_memory);
  ring->bytes.reset(new (std::nothrow) std::byte[capacity]);
  if (!ring->bytes) return fail(Status::out_of_memory);
  ring->capacity = capacity;
  ring->charge = std::move(*charge);
  Ref<Stream> reader = TRY(make_object<Stream>(quota, 0, ring, true));
  Ref<Stream> writer = TRY(make_object<Stream>(quota, 0, ring, false));
  ring->reader = reader.get();
  ring->writer = writer.get();
  writer->signal({}, Signal::writable);
  return std::pair(std::move(reader), std::move(writer));
}

Stream::~Stream() {
  DropList list;
  no_handles(list);
}

void Stream::no_handles(DropList&) {
  const SpinGuard guard(ring_->lock);
  Stream*& self = is_reader_ ? ring_->reader : ring_->writer;
  if (self != this) return;
  self = nullptr;
  Stream* const peer = is_reader_ ? ring_->writer : ring_->reader;
  if (peer != nullptr) peer->signal(Signal::writable, Signal::peer_closed);
}

Result<std::size_t> Stream::read(std::span<std::byte> into) {
  const SpinGuard guard(ring_->lock);
  Ring& ring = *ring_;
  if (into.empty()) return 0;
  if (ring.count == 0) {
    if (ring.writer != nullptr) return fail(Status::should_wait);
    return 0;
  }
  const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(ring.count, into.size()));
  const std::uint32_t before_wrap = std::min(count, ring.capacity - ring.first);
  std::memcpy(into.data(), ring.bytes.get() + ring.first, before_wrap);
  std::memcpy(into.data() + before_wrap, ring.bytes.get(), count - before_wrap);
  ring.first = (ring.first + count) % ring.capacity;
  ring.count -= count;
  if (ring.count == 0) signal(Signal::readable, {});
  if (ring.writer != nullptr) ring.writer->signal({}, Signal::writable);
  return count;
}

Result<std::size_t> Stream::write(std::span<const std::byte> bytes) {
  const SpinGuard guard(ring_->lock);
  Ring& ring = *ring_;
  if (ring.reader == nullptr) return fail(Status::peer_closed);
  if (bytes.empty()) return 0;
  if (ring.count == ring.capacity) return fail(Status::should_wait);
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(ring.capacity - ring.count, bytes.size()));
  const std::uint32_t end = (ring.first + ring.count) % ring.capacity;
  const std::uint32_t before_wrap = std::min(count, ring.capacity - end);
  std::memcpy(ring.bytes.get() + end, bytes.data(), before_wrap);
  std::memcpy(ring.bytes.get(), bytes.data() + before_wrap, count - before_wrap);
  ring.count += count;
  if (ring.count == ring.capacity) signal(Signal::writable, {});
  ring.reader->signal({}, Signal::readable);
  return count;
}

}  // namespace nebulet::kernel
