// SPDX-License-Identifier: MIT
// resource.*, interrupt.*, dma.*
#include <algorithm>
#include <span>

#include "abi/generated/calls.h"
#include "kernel/syscall/exchange.h"

namespace nebulet::kernel {
namespace {

/// Copies between a device's memory and a guest's, from which others are let run now and then.
template <class Copy>
Result<> in_pieces(CallContext& context, std::span<std::byte> bytes, Copy copy) {
  constexpr std::size_t kPiece = 64 << 10;
  for (std::size_t done = 0; done < bytes.size() && may_go_on(context);) {
    const auto piece = bytes.subspan(done, std::min(bytes.size() - done, kPiece));
    TRY(copy(static_cast<std::uint32_t>(done), piece));
    done += piece.size();
  }
  return {};
}

}  // namespace

Result<HandleValue> sys_resource_create(CallContext& context, HandleArg<Resource, Right::manage> resource,
                                        ResourceKind kind, std::uint64_t base, std::uint64_t count) {
  Ref<Resource> part = TRY(resource->part(context.process.quota(), kind, base, count));
  return context.process.handles().insert(Handle(
      std::move(part), Right::duplicate | Right::transfer | Right::read | Right::write | Right::manage));
}

Result<std::uint32_t> sys_resource_read(CallContext&, HandleArg<Resource, Right::read> resource,
                                        std::uint64_t offset, std::uint32_t bytes) {
  return resource->read(offset, bytes);
}

Result<> sys_resource_write(CallContext&, HandleArg<Resource, Right::write> resource, std::uint64_t offset,
                            std::uint32_t bytes, std::uint32_t value) {
  return resource->write(offset, bytes, value);
}

Result<> sys_resource_configure(CallContext&, HandleArg<Resource, Right::manage> resource,
                                std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) {
  return resource->configure(offset, bytes, value);
}

Result<HandleValue> sys_interrupt_create(CallContext& context, HandleArg<Resource, Right::manage> resource,
                                         std::uint32_t line, abi::InterruptTrigger trigger) {
  using Trigger = abi::InterruptTrigger;
  machine::InterruptTrigger wanted{.low = trigger == Trigger::falling || trigger == Trigger::low,
                                   .level = trigger == Trigger::high || trigger == Trigger::low};
  if (trigger == Trigger::isa) {
    if (line > 15) return fail(Status::invalid_argument);
    line = machine::isa_interrupt_line(line, wanted);
  }
  if (!resource->has_line(line)) return fail(Status::invalid_argument);
  Ref<Interrupt> interrupt = TRY(Interrupt::connect(context.process.quota(), line, wanted));
  return context.process.handles().insert(
      Handle(std::move(interrupt), Right::duplicate | Right::transfer | Right::wait | Right::manage));
}

Result<> sys_interrupt_acknowledge(CallContext&, HandleArg<Interrupt, Right::manage> interrupt) {
  interrupt->acknowledge();
  return {};
}

Result<HandleValue> sys_interrupt_create_message(CallContext& context,
                                                 HandleArg<Resource, Right::manage> resource,
                                                 std::uint32_t index) {
  const auto function = resource->function();
  if (!function) return fail(Status::invalid_argument);
  Ref<Interrupt> interrupt = TRY(Interrupt::connect_message(context.process.quota(), *function, index));
  return context.process.handles().insert(
      Handle(std::move(interrupt), Right::duplicate | Right::transfer | Right::wait | Right::manage));
}

Result<HandleValue> sys_dma_create(CallContext& context, HandleArg<Resource, Right::write> resource,
                                   std::uint64_t size) {
  Ref<DmaMemory> memory = TRY(DmaMemory::create(context.process.quota(), *resource, size));
  return context.process.handles().insert(
      Handle(std::move(memory), Right::duplicate | Right::transfer | Right::read | Right::write));
}

Result<std::uint64_t> sys_dma_address(CallContext&, HandleArg<DmaMemory, Right::read> dma) {
  return dma->address();
}

Result<std::uint32_t> sys_dma_load(CallContext&, HandleArg<DmaMemory, Right::read> dma, std::uint64_t offset,
                                   std::uint32_t bytes) {
  return dma->load(offset, bytes);
}

Result<> sys_dma_store(CallContext&, HandleArg<DmaMemory, Right::write> dma, std::uint64_t offset,
                       std::uint32_t bytes, std::uint32_t value) {
  return dma->store(offset, bytes, value);
}

Result<> sys_dma_read(CallContext& context, HandleArg<DmaMemory, Right::read> dma, std::uint64_t offset,
                      GuestOut bytes) {
  if (!dma->contains(offset, bytes.size())) return fail(Status::invalid_argument);
  return in_pieces(context, dma->bytes().subspan(offset, bytes.size()),
                   [&](std::uint32_t done, std::span<std::byte> piece) { return bytes.write(done, piece); });
}

Result<> sys_dma_write(CallContext& context, HandleArg<DmaMemory, Right::write> dma, std::uint64_t offset,
                       GuestIn bytes) {
  if (!dma->contains(offset, bytes.size())) return fail(Status::invalid_argument);
  return in_pieces(context, dma->bytes().subspan(offset, bytes.size()),
                   [&](std::uint32_t done, std::span<std::byte> piece) { return bytes.read(done, piece); });
}

Result<> sys_dma_take_request(CallContext& context, HandleArg<DmaMemory, Right::write> dma,
                              std::uint64_t offset, std::uint32_t request_offset, std::uint32_t size) {
  const DoorCall& call = *TRY(current_exchange(context));
  if (!dma->contains(offset, size)) return fail(Status::invalid_argument);
  if (request_offset > call.request_size || size > call.request_size - request_offset)
    return fail(Status::too_large);
  const std::uint64_t from = std::uint64_t{call.request} + request_offset;
  return in_pieces(context, dma->bytes().subspan(offset, size),
                   [&](std::uint32_t done, std::span<std::byte> piece) {
                     return to_result(call.memory->read(from + done, piece));
                   });
}

Result<> sys_dma_give_reply(CallContext& context, HandleArg<DmaMemory, Right::read> dma, std::uint64_t offset,
                            std::uint32_t reply_offset, std::uint32_t size) {
  const DoorCall& call = *TRY(current_exchange(context));
  if (!dma->contains(offset, size)) return fail(Status::invalid_argument);
  if (reply_offset > call.reply_size || size > call.reply_size - reply_offset) return fail(Status::too_large);
  const std::uint64_t to = std::uint64_t{call.reply} + reply_offset;
  return in_pieces(context, dma->bytes().subspan(offset, size),
                   [&](std::uint32_t done, std::span<std::byte> piece) {
                     return to_result(call.memory->write(to + done, piece));
                   });
}

Result<> sys_dma_quiesced(CallContext&, HandleArg<Resource, Right::write> resource) {
  return DmaMemory::quiesced(*resource);
}

}  // namespace nebulet::kernel
