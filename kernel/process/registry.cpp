// SPDX-License-Identifier: MIT
#include "kernel/process/registry.h"

#include <boost/intrusive/set.hpp>

#include "kernel/process/process.h"
#include "kernel/process/thread.h"  // this file's debug information is what tools/gdb knows of objects

namespace nebulet::kernel {
namespace {

struct NumberOf {
  using type = std::uint64_t;
  std::uint64_t operator()(const Process& process) const { return process.id(); }
};
using Processes =
    boost::intrusive::set<Process,
                          boost::intrusive::member_hook<Process, RegistryHook, &Process::registry_hook>,
                          boost::intrusive::key_of_value<NumberOf>>;

struct Registry {
  SpinLock lock;
  Processes processes NB_GUARDED_BY(lock);
};
/// Made by the first process, when there is no other yet; never destroyed, since processes may outlive static
/// objects.
Registry& registry() {
  alignas(Registry) static std::byte bytes[sizeof(Registry)];
  static Registry* const made = new (bytes) Registry;
  return *made;
}

}  // namespace

void register_process(Process& process) {
  Registry& all = registry();
  const SpinGuard guard(all.lock);
  all.processes.insert(process);
}

void unregister_process(Process& process) {
  Registry& all = registry();
  const SpinGuard guard(all.lock);
  if (process.registry_hook.is_linked()) all.processes.erase(all.processes.iterator_to(process));
}

std::size_t running_processes(std::uint64_t after, std::span<Ref<Process>> into) {
  Registry& all = registry();
  const SpinGuard guard(all.lock);
  std::size_t count = 0;
  for (auto at = all.processes.upper_bound(after); at != all.processes.end() && count < into.size(); ++at)
    into[count++] = Ref<Process>(&*at);
  return count;
}

}  // namespace nebulet::kernel
