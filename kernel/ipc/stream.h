// SPDX-License-Identifier: MIT
// Bytes in order from one end to the other, through a ring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "kernel/object/object.h"

namespace nebulet::kernel {

/// One end, for reading or for writing. Signals: at the reading end `readable` while there are bytes, at the
/// writing end `writable` while there is room; `peer_closed` at either.
class Stream final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::stream;
  static constexpr std::uint32_t kMinCapacity = 4096, kMaxCapacity = 1 << 20;

  /// The reading end and the writing end of a ring of `capacity` bytes, kMinCapacity … kMaxCapacity.
  static Result<std::pair<Ref<Stream>, Ref<Stream>>> create(const QuotaRef& quota, std::uint32_t capacity);

  bool is_reader() const { return is_reader_; }
  /// Takes what is there, at most as much as fits. 0: the writer closed and all was read, or `into` is empty.
  /// Fails with should_wait.
  Result<std::size_t> read(std::span<std::byte> into);
  /// Stores as much as there is room for. Fails with should_wait (no room at all) and peer_closed.
  Result<std::size_t> write(std::span<const std::byte> bytes);

 private:
  /// Its lock comes before those of objects.
  struct Ring : boost::intrusive_ref_counter<Ring, boost::thread_safe_counter> {
    SpinLock lock;
    Stream* reader = nullptr;  ///< nullptr: closed
    Stream* writer = nullptr;
    std::unique_ptr<std::byte[]> bytes;
    std::uint32_t capacity = 0, first = 0, count = 0;
    Charge charge;
  };

  template <std::derived_from<Object> T, class... Args>
  friend Result<Ref<T>> make_object(const QuotaRef&, std::uint64_t, Args&&...);
  Stream(Charge charge, Ref<Ring> ring, bool is_reader)
      : Object(kType), charge_(std::move(charge)), ring_(std::move(ring)), is_reader_(is_reader) {}
  ~Stream() override;
  void no_handles(DropList& list) override;

  const Charge charge_;
  const Ref<Ring> ring_;
  const bool is_reader_;
};

}  // namespace nebulet::kernel
