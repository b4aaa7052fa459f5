// SPDX-License-Identifier: MIT
// What goes through a channel: bytes and handles, in one allocation.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <memory>
#include <span>

#include "kernel/object/object.h"

namespace nebulet::kernel {

constexpr std::uint32_t kMaxMessageBytes = 64 * 1024;
constexpr std::uint32_t kMaxMessageHandles = 64;

class Message {
 public:
  struct Delete {
    void operator()(Message* message) const;
  };
  using Pointer = std::unique_ptr<Message, Delete>;

  /// Zeroed, with empty handles, charged to `quota`. The counts are at most the limits above.
  static Result<Pointer> make(const QuotaRef& quota, std::uint32_t bytes, std::uint32_t handles);
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  std::span<std::byte> bytes() { return {reinterpret_cast<std::byte*>(handles().data() + handles_), bytes_}; }
  std::span<Handle> handles() { return {reinterpret_cast<Handle*>(this + 1), handles_}; }
  /// The handles go to `list`.
  void drop_handles(DropList& list) {
    for (Handle& handle : handles()) list.add(std::move(handle));
  }

  boost::intrusive::list_member_hook<> hook;

 private:
  Message(Charge charge, std::uint32_t bytes, std::uint32_t handles)
      : charge_(std::move(charge)), bytes_(bytes), handles_(handles) {}
  ~Message() = default;

  Charge charge_;
  const std::uint32_t bytes_, handles_;
};

}  // namespace nebulet::kernel
