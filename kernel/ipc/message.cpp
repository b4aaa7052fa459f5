// SPDX-License-Identifier: MIT
#include "kernel/ipc/message.h"

#include <memory>
#include <new>

#include "base/assert.h"

namespace nebulet::kernel {

static_assert(alignof(Message) >= alignof(Handle));

Result<Message::Pointer> Message::make(const QuotaRef& quota, std::uint32_t bytes, std::uint32_t handles) {
  NB_ASSERT(bytes <= kMaxMessageBytes && handles <= kMaxMessageHandles);
  const std::size_t size = sizeof(Message) + handles * sizeof(Handle) + bytes;
  auto charge = Charge::take(quota, size);
  if (!charge) return fail(charge.error());
  void* const memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) return fail(Status::out_of_memory);
  Pointer message(new (memory) Message(std::move(*charge), bytes, handles));
  std::uninitialized_value_construct_n(reinterpret_cast<Handle*>(message.get() + 1), handles);
  std::uninitialized_value_construct_n(message->bytes().data(), bytes);
  return message;
}

void Message::Delete::operator()(Message* message) const {
  std::destroy(message->handles().begin(), message->handles().end());
  message->~Message();
  ::operator delete(message);
}

}  // namespace nebulet::kernel
