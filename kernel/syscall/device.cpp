// SPDX-License-Identifier: MIT
// resource.*, interrupt.*, dma.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint32_t kPiece = 4096;  ///< of a copy through the kernel stack

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
  std::array<std::byte, kPiece> piece;
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const auto part = std::span(piece).first(std::min(bytes.size() - done, kPiece));
    dma->read(offset + done, part);
    TRY(bytes.write(done, part));
    done += static_cast<std::uint32_t>(part.size());
  }
  return {};
}

Result<> sys_dma_write(CallContext& context, HandleArg<DmaMemory, Right::write> dma, std::uint64_t offset,
                       GuestIn bytes) {
  if (!dma->contains(offset, bytes.size())) return fail(Status::invalid_argument);
  std::array<std::byte, kPiece> piece;
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const auto part = std::span(piece).first(std::min(bytes.size() - done, kPiece));
    TRY(bytes.read(done, part));
    dma->write(offset + done, part);
    done += static_cast<std::uint32_t>(part.size());
  }
  return {};
}

Result<> sys_dma_quiesced(CallContext&, HandleArg<Resource, Right::write> resource) {
  return DmaMemory::quiesced(*resource);
}

}  // namespace nebulet::kernel
