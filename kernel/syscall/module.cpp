// SPDX-License-Identifier: MIT
// module.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "kernel/loader/compile_tasks.h"
#include "kernel/syscall/text.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kPiece = 64 * 1024;  ///< of a copy between two looks at the scheduler

Result<HandleValue> give(CallContext& context, Ref<Module> module) {
  return context.process.handles().insert(
      Handle(std::move(module), Right::duplicate | Right::transfer | Right::read));
}

struct Copy {
  std::vector<std::byte> bytes;
  Charge charge;
};

/// `read` copies them a piece at a time.
template <class Read>
Result<Copy> copy(CallContext& context, std::uint64_t size, Read read) {
  Charge charge = TRY(Charge::take(context.process.quota(), size));
  std::vector<std::byte> bytes(size);
  for (std::uint64_t done = 0; done < size;) {
    if (!may_go_on(context)) return fail(Status::timed_out);  // the process is ending
    const std::uint64_t length = std::min(size - done, kPiece);
    TRY(read(done, std::span(bytes).subspan(done, length)));
    done += length;
  }
  return Copy{std::move(bytes), std::move(charge)};
}

Result<Copy> copy(CallContext& context, MemoryObject& memory, std::uint64_t offset, std::uint64_t size) {
  return copy(context, size, [&](std::uint64_t at, std::span<std::byte> into) -> Result<> {
    memory.read(offset + at, into);
    return {};
  });
}

Result<HandleValue> create(CallContext& context, Copy module_bytes, std::span<const std::byte> code,
                           const GuestOut& message) {
  const QuotaRef& quota = context.process.quota();
  Loaded<Ref<Module>> module;
  const bool ran = run_on_large_stack([&] {
    auto source =
        Module::decode(quota, "module", std::move(module_bytes.bytes), std::move(module_bytes.charge));
    if (source) {
      module = Module::compile(quota, std::move(*source), code, &context.process.exiting());
    } else {
      module = std::unexpected(std::move(source.error()));
    }
  });
  if (!ran) return fail(Status::out_of_memory);
  if (!module) return refuse(message, module.error());
  return give(context, std::move(*module));
}

}  // namespace

Result<HandleValue> sys_module_create(CallContext& context, GuestIn bytes, GuestOut message) {
  auto module = TRY(copy(context, bytes.size(), [&](std::uint64_t at, std::span<std::byte> into) -> Result<> {
    return bytes.read(static_cast<std::uint32_t>(at), into);
  }));
  return create(context, std::move(module), {}, message);
}

Result<HandleValue> sys_module_create_from(CallContext& context, HandleArg<MemoryObject, Right::read> memory,
                                           std::uint64_t offset, std::uint64_t size, GuestOut message) {
  if (!memory->contains(offset, size)) return fail(Status::invalid_argument);
  return create(context, TRY(copy(context, *memory.object, offset, size)), {}, message);
}

Result<HandleValue> sys_module_create_with_code(CallContext& context,
                                                HandleArg<MemoryObject, Right::read> memory,
                                                std::uint64_t offset, std::uint64_t size,
                                                std::uint64_t code_offset, std::uint64_t code_size,
                                                GuestOut message) {
  if (!memory->contains(offset, size) || !memory->contains(code_offset, code_size))
    return fail(Status::invalid_argument);
  Copy module = TRY(copy(context, *memory.object, offset, size));
  const Copy code = TRY(copy(context, *memory.object, code_offset, code_size));
  return create(context, std::move(module), code.bytes, message);
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
