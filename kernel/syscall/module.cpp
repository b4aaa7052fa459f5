// SPDX-License-Identifier: MIT
// module.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "kernel/syscall/text.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint32_t kPiece = 1 << 20;  ///< of a copy between two looks at the scheduler

Result<HandleValue> give(CallContext& context, Ref<Module> module) {
  return context.process.handles().insert(
      Handle(std::move(module), Right::duplicate | Right::transfer | Right::read));
}

}  // namespace

Result<HandleValue> sys_module_create(CallContext& context, GuestIn bytes, GuestOut message) {
  const QuotaRef& quota = context.process.quota();
  Charge charge = TRY(Charge::take(quota, bytes.size()));
  std::vector<std::byte> copy(bytes.size());
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const std::uint32_t length = std::min(bytes.size() - done, kPiece);
    TRY(bytes.read(done, std::span(copy).subspan(done, length)));
    done += length;
  }
  auto source = Module::decode(quota, "module", std::move(copy), std::move(charge));
  if (!source) return refuse(message, source.error());
  auto module = Module::compile(quota, std::move(*source), {}, &context.process.exiting());
  if (!module) return refuse(message, module.error());
  return give(context, std::move(*module));
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
