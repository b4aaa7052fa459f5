// SPDX-License-Identifier: MIT
#include "abi/generated/calls.h"

namespace nebulet::kernel {

Result<std::uint32_t> sys_files_transact(CallContext&, HandleArg<Files, abi::Right::transact> files,
                                         GuestIn request, GuestOut reply) {
  if (request.size() > Files::kMaxMessage) return fail(Status::too_large);
  Files::Transaction transaction(*files);
  TRY(request.read(0, transaction.request().first(request.size())));
  const std::span<const std::byte> answer = TRY(transaction.send(request.size()));
  if (answer.size() > reply.size()) return fail(Status::io_error);
  TRY(reply.write(0, answer));
  return static_cast<std::uint32_t>(answer.size());
}

}  // namespace nebulet::kernel
