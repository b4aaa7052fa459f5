// SPDX-License-Identifier: MIT
// module.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "kernel/syscall/text.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kPiece = 64 * 1024;  ///< of a copy between two looks at the scheduler

Result<HandleValue> give(CallContext& context, Ref<Module> module) {
  return context.process.handles().insert(
      Handle(std::move(module), Right::duplicate | Right::transfer | Right::read));
}

/// `read` copies the module's bytes, a piece at a time.
template <class Read>
Result<HandleValue> create(CallContext& context, std::uint64_t size, const GuestOut& message, Read read) {
  const QuotaRef& quota = context.process.quota();
  Charge charge = TRY(Charge::take(quota, size));
  std::vector<std::byte> copy(size);
  for (std::uint64_t done = 0; done < size;) {
    if (!may_go_on(context)) return fail(Status::timed_out);  // the process is ending
    const std::uint64_t length = std::min(size - done, kPiece);
    TRY(read(done, std::span(copy).subspan(done, length)));
    done += length;
  }
  auto source = Module::decode(quota, "module", std::move(copy), std::move(charge));
  if (!source) return refuse(message, source.error());
  auto module = Module::compile(quota, std::move(*source), {}, &context.process.exiting());
  if (!module) return refuse(message, module.error());
  return give(context, std::move(*module));
}

}  // namespace

Result<HandleValue> sys_module_create(CallContext& context, GuestIn bytes, GuestOut message) {
  return create(context, bytes.size(), message, [&](std::uint64_t at, std::span<std::byte> into) -> Result<> {
    return bytes.read(static_cast<std::uint32_t>(at), into);
  });
}

Result<HandleValue> sys_module_create_from(CallContext& context, HandleArg<MemoryObject, Right::read> memory,
                                           std::uint64_t offset, std::uint64_t size, GuestOut message) {
  if (!memory->contains(offset, size)) return fail(Status::invalid_argument);
  return create(context, size, message, [&](std::uint64_t at, std::span<std::byte> into) -> Result<> {
    memory->read(offset + at, into);
    return {};
  });
}

Result<HandleValue> sys_module_of(CallContext& context, GuestIn instance) {
  const std::string name = TRY(read_text(instance, Process::kMaxName));
  const Program& program = *context.binding.program;
  if (name.empty()) return give(context, program.module(context.binding.index));
  const Ref<Module>* module = program.find_module(name);
  if (module == nullptr) return fail(Status::not_found);
  return give(context, *module);
}

}  // namespace nebulet::kernel
