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

Result<> sys_memory_map(CallContext& context, HandleValue memory, std::uint64_t offset, std::uint32_t size,
                        std::uint32_t address, abi::MemoryAccess access) {
  using MapResult = wasm::Memory::MapResult;
  const bool writable = access == abi::MemoryAccess::read_write;
  const Rights rights = writable ? Right::read | Right::write : Rights(Right::read);
  const Ref<Object> found = TRY(context.process.handles().get(memory, MemoryObject::kType, rights));
  auto& object = static_cast<MemoryObject&>(*found);
  if (offset % wasm::kWasmPage != 0 || size % wasm::kWasmPage != 0 || size == 0 ||
      offset > object.mapped_size() || size > object.mapped_size() - offset)
    return fail(Status::invalid_argument);
  if (context.memory == nullptr || !context.memory->contains(address, size)) return fail(Status::bad_address);
  // In pieces, since the range may be gigabytes; what was brought stays the object's.
  constexpr std::uint64_t kBrought = 1 << 20;
  for (std::uint64_t done = 0; done < size; done += kBrought) {
    TRY(object.bring_all(offset + done, std::min<std::uint64_t>(kBrought, size - done)));
    if (!may_go_on(context)) return {};
  }
  const std::byte* const bytes = TRY(object.bring_all(offset, 0));
  switch (context.memory->map(address, bytes, size, writable, object)) {
    case MapResult::ok: return {};
    case MapResult::misaligned: return fail(Status::invalid_argument);
    case MapResult::outside: return fail(Status::bad_address);
    case MapResult::occupied: return fail(Status::bad_state);
    case MapResult::shared: return fail(Status::not_supported);
    case MapResult::too_many: return fail(Status::limit_reached);
    case MapResult::out_of_memory: return fail(Status::out_of_memory);
  }
  return fail(Status::invalid_argument);
}

Result<> sys_memory_unmap(CallContext& context, std::uint32_t address) {
  if (context.memory == nullptr || !context.memory->unmap(address)) return fail(Status::not_found);
  return {};
}

}  // namespace nebulet::kernel
