// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {

Result<> sys_entropy_read(CallContext& context, GuestOut bytes) {
  std::array<std::byte, 256> piece;
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const auto part = std::span(piece).first(std::min<std::size_t>(bytes.size() - done, piece.size()));
    if (!machine::random_bytes(part)) return fail(Status::not_supported);
    TRY(bytes.write(done, part));
    done += static_cast<std::uint32_t>(part.size());
  }
  return {};
}

}  // namespace nebulet::kernel
