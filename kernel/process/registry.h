// SPDX-License-Identifier: MIT
// All processes that run, for who may look at the whole system.
#pragma once

#include <boost/intrusive/set_hook.hpp>
#include <cstdint>
#include <span>

#include "kernel/object/object.h"

namespace nebulet::kernel {

class Process;

/// A process is in it from its first thread on until it finishes, and somebody holds a reference as long.
using RegistryHook = boost::intrusive::set_member_hook<boost::intrusive::optimize_size<false>>;
void register_process(Process& process);
/// Nothing, if it is not there.
void unregister_process(Process& process);

/// Those with the next larger numbers than `after`; how many.
std::size_t running_processes(std::uint64_t after, std::span<Ref<Process>> into);

/// The right to look.
class System final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::system;
  explicit System(Charge charge) : Object(kType), charge_(std::move(charge)) {}

 private:
  const Charge charge_;
};

}  // namespace nebulet::kernel
