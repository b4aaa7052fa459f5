// SPDX-License-Identifier: MIT
#include <algorithm>

#include "abi/generated/calls.h"

namespace nebulet::kernel {

ProcessExit sys_process_exit(CallContext&, std::uint32_t status) { return {status}; }

Result<std::uint64_t> sys_process_info(CallContext& context, abi::ProcessProperty property) {
  switch (property) {
    case abi::ProcessProperty::id: return context.process.id();
    case abi::ProcessProperty::memory_limit: return context.process.quota()->limit();
    case abi::ProcessProperty::handles: return context.process.handles().count();
  }
  return fail(Status::invalid_argument);
}

Result<std::uint32_t> sys_process_startup(CallContext& context, GuestOut block) {
  const std::span<const std::byte> bytes = context.process.startup_block();
  TRY(block.write(0, bytes.first(std::min<std::size_t>(bytes.size(), block.size()))));
  return static_cast<std::uint32_t>(bytes.size());
}

}  // namespace nebulet::kernel
