// SPDX-License-Identifier: MIT
// process.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "kernel/syscall/text.h"

namespace nebulet::kernel {
namespace {

constexpr std::size_t kMaxStartHandles = 64;

Result<std::uint64_t> property_of(Process& process, abi::ProcessProperty property) {
  switch (property) {
    case abi::ProcessProperty::id: return process.id();
    case abi::ProcessProperty::memory_limit: return process.quota()->limit();
    case abi::ProcessProperty::handles: return process.handles().count();
    case abi::ProcessProperty::memory_used: return process.quota()->used();
    case abi::ProcessProperty::memory_peak: return process.quota()->peak();
    case abi::ProcessProperty::threads: return process.threads();
    case abi::ProcessProperty::end_reason: return static_cast<std::uint64_t>(process.how_it_ended().reason);
    case abi::ProcessProperty::end_code: return process.how_it_ended().code;
    case abi::ProcessProperty::cpu_time: return process.cpu_ns();
    case abi::ProcessProperty::priority: return static_cast<std::uint64_t>(process.share().priority());
    case abi::ProcessProperty::weight: return process.share().weight();
  }
  return fail(Status::invalid_argument);
}

}  // namespace

ProcessExit sys_process_exit(CallContext&, std::uint32_t status) { return {status}; }

Result<std::uint64_t> sys_process_info(CallContext& context, abi::ProcessProperty property) {
  return property_of(context.process, property);
}

Result<std::uint32_t> sys_process_startup(CallContext& context, GuestOut block) {
  const std::span<const std::byte> bytes = context.process.startup_block();
  TRY(block.write(0, bytes.first(std::min<std::size_t>(bytes.size(), block.size()))));
  return static_cast<std::uint32_t>(bytes.size());
}

Result<HandleValue> sys_process_create(CallContext& context, GuestIn name, std::uint64_t memory) {
  std::string text = TRY(read_text(name, Process::kMaxName));
  Ref<Process> process = TRY(Process::create(context.process.quota(), std::move(text), memory));
  process->set_share(context.process.share().priority(), context.process.share().weight());
  const Rights rights =
      Right::duplicate | Right::transfer | Right::read | Right::wait | Right::signal | Right::manage;
  return context.process.handles().insert(Handle(std::move(process), rights));
}

Result<> sys_process_add(CallContext&, HandleArg<Process, Right::manage> process,
                         HandleArg<Module, Right::read> module, GuestIn name, GuestOut message) {
  std::string text = TRY(read_text(name, Process::kMaxName));
  auto added = process->add(std::move(text), std::move(module.object));
  if (!added) return refuse(message, added.error());
  return {};
}

Result<> sys_process_start(CallContext& context, HandleArg<Process, Right::manage> process, GuestIn entry,
                           GuestArrayIn<HandleValue> handles, GuestIn startup) {
  const std::string name = TRY(read_text(entry, Process::kMaxName));
  if (handles.count() > kMaxStartHandles || startup.size() > Process::kMaxStartup)
    return fail(Status::too_large);
  std::array<HandleValue, kMaxStartHandles> values;
  const auto used = std::span(values).first(handles.count());
  TRY(handles.read(used));
  const Charge copy = TRY(Charge::take(context.process.quota(), startup.size()));
  std::vector<std::byte> block(startup.size());
  TRY(startup.read(0, block));
  return process->start(name, context.process.handles(), used, std::move(block));
}

Result<> sys_process_kill(CallContext&, HandleArg<Process, Right::manage> process) {
  process->end(EndReason::killed, 0);
  return {};
}

Result<> sys_process_set_share(CallContext& context, HandleArg<Process, Right::manage> process,
                               abi::Priority priority, std::uint32_t weight) {
  static_assert(static_cast<Priority>(abi::Priority::high) == Priority::high);
  if (weight == 0 || weight > Share::kMaxWeight) return fail(Status::invalid_argument);
  const Share& own = context.process.share();
  const auto level = static_cast<Priority>(priority);
  if (level > own.priority() || weight > own.weight()) return fail(Status::access_denied);
  process->set_share(level, weight);
  return {};
}

Result<std::uint64_t> sys_process_inspect(CallContext&, HandleArg<Process, Right::read> process,
                                          abi::ProcessProperty property) {
  return property_of(*process.object, property);
}

}  // namespace nebulet::kernel
