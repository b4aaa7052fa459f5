// SPDX-License-Identifier: MIT
#include "kernel/device/files.h"

#include <optional>

#include "kernel/sched/device_wait.h"
#include "machine/include/machine/console.h"

namespace nebulet::kernel {

Result<std::span<const std::byte>> Files::Transaction::send(std::size_t length) {
  if (!machine::files_send(std::span(files_.request_).first(length))) return fail(Status::not_supported);
  std::optional<std::size_t> received;
  // Not cancellable: the answer would meet the next request.
  device_waiters().wait([&] { return (received = machine::files_receive(files_.reply_)).has_value(); });
  if (*received == 0 || *received > kMaxMessage) return fail(Status::io_error);
  return std::span<const std::byte>(files_.reply_).first(*received);
}

}  // namespace nebulet::kernel
