// SPDX-License-Identifier: MIT
// system.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"

namespace nebulet::kernel {

Result<std::uint32_t> sys_system_processes(CallContext&, HandleArg<System, Right::read>, std::uint64_t after,
                                           GuestArrayOut<abi::ProcessEntry> entries) {
  constexpr std::size_t kMost = 64;
  if (entries.count() == 0) return fail(Status::invalid_argument);
  std::array<Ref<Process>, kMost> processes;
  std::array<abi::ProcessEntry, kMost> told;
  const std::size_t count =
      running_processes(after, std::span(processes).first(std::min<std::size_t>(entries.count(), kMost)));
  for (std::size_t i = 0; i < count; ++i) {
    Process& process = *processes[i];
    told[i] = {.id = process.id(),
               .cpu_time = process.cpu_ns(),
               .memory_used = process.quota()->used(),
               .memory_limit = process.quota()->limit(),
               .calls = process.kernel_calls(),
               .handles = process.handles().count(),
               .threads = process.threads()};
  }
  TRY(entries.write(std::span(told).first(count)));
  return static_cast<std::uint32_t>(count);
}

Result<std::uint32_t> sys_system_process_name(CallContext&, HandleArg<System, Right::read>, std::uint64_t id,
                                              GuestOut name) {
  Ref<Process> process;
  if (id == 0 || running_processes(id - 1, {&process, 1}) == 0 || process->id() != id)
    return fail(Status::not_found);
  const auto text = std::as_bytes(std::span(process->name()));
  TRY(name.write(0, text.first(std::min<std::size_t>(text.size(), name.size()))));
  return static_cast<std::uint32_t>(text.size());
}

}  // namespace nebulet::kernel
