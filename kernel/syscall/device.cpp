// SPDX-License-Identifier: MIT
// resource.*, interrupt.*
#include "abi/generated/calls.h"

namespace nebulet::kernel {

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

}  // namespace nebulet::kernel
