// SPDX-License-Identifier: MIT
// memory.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint32_t kPiece = 4096;  ///< of a copy through the kernel stack

}  // namespace

Result<HandleValue> sys_memory_create(CallContext& context, std::uint64_t size) {
  if (size == 0 || size > MemoryObject::kMaxSize) return fail(Status::invalid_argument);
  return context.process.handles().insert(
      Handle(TRY(MemoryObject::create(context.process.quota(), size)),
             Right::duplicate | Right::transfer | Right::read | Right::write | Right::wait | Right::signal));
}

Result<std::uint64_t> sys_memory_size(CallContext&, HandleArg<MemoryObject, Right::read> memory) {
  return memory->size();
}

Result<> sys_memory_read(CallContext& context, HandleArg<MemoryObject, Right::read> memory,
                         std::uint64_t offset, GuestOut bytes) {
  if (!memory->contains(offset, bytes.size())) return fail(Status::invalid_argument);
  std::array<std::byte, kPiece> piece;
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const auto part = std::span(piece).first(std::min(bytes.size() - done, kPiece));
    memory->read(offset + done, part);
    TRY(bytes.write(done, part));
    done += static_cast<std::uint32_t>(part.size());
  }
  return {};
}

Result<> sys_memory_write(CallContext& context, HandleArg<MemoryObject, Right::write> memory,
                          std::uint64_t offset, GuestIn bytes) {
  if (!memory->contains(offset, bytes.size())) return fail(Status::invalid_argument);
  std::array<std::byte, kPiece> piece;
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const auto part = std::span(piece).first(std::min(bytes.size() - done, kPiece));
    TRY(bytes.read(done, part));
    TRY(memory->write(offset + done, part));
    done += static_cast<std::uint32_t>(part.size());
  }
  return {};
}

}  // namespace nebulet::kernel
