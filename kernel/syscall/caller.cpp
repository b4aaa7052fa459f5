// SPDX-License-Identifier: MIT
#include "abi/generated/calls.h"

namespace nebulet::kernel {

Result<> sys_caller_memory_read(CallContext& context, std::uint32_t address, GuestOut bytes) {
  if (context.caller_memory == nullptr) return fail(Status::no_caller);
  if (context.memory == nullptr) return {};  // then `bytes` is empty
  return to_result(
      wasm::Memory::move(*context.memory, bytes.address(), *context.caller_memory, address, bytes.size()));
}

Result<> sys_caller_memory_write(CallContext& context, std::uint32_t address, GuestIn bytes) {
  if (context.caller_memory == nullptr) return fail(Status::no_caller);
  if (context.memory == nullptr) return {};
  return to_result(
      wasm::Memory::move(*context.caller_memory, address, *context.memory, bytes.address(), bytes.size()));
}

Result<std::uint64_t> sys_caller_memory_size(CallContext& context) {
  if (context.caller_memory == nullptr) return fail(Status::no_caller);
  return context.caller_memory->size();
}

}  // namespace nebulet::kernel
