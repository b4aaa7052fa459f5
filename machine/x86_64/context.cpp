// SPDX-License-Identifier: MIT
#include "machine/include/machine/context.h"

#include <cstring>

extern "C" void switch_stacks(void** save_sp, void* new_sp);
extern "C" void start_context();

namespace nebulet::machine {
namespace {

/// What switch_stacks pops.
struct Saved {
  std::uint32_t mxcsr = 0x1f80;
  std::uint32_t x87_control = 0x37f;
  std::uint64_t gs_base = 0;
  std::uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, rbx = 0, rbp = 0;
  void (*return_address)() = start_context;
};

}  // namespace

// With its guard one of 64 in the 2 MiB of a page table. The deepest call of the system tests takes less than
// 7 KiB; a preempted thread's registers are here too.
const StackSize kThreadStack = {.size = 28 * 1024, .call = 11 * 1024};

void make_context(Context& context, std::byte* stack, std::size_t size, void (*entry)(void*),
                  void* argument) {
  const std::uint64_t top = (reinterpret_cast<std::uint64_t>(stack) + size) & ~15ull;
  auto* saved = reinterpret_cast<Saved*>(top - sizeof(Saved));  // after the return, rsp is `top`
  *saved = Saved{};
  saved->r12 = reinterpret_cast<std::uint64_t>(entry);
  saved->r13 = reinterpret_cast<std::uint64_t>(argument);
  context.sp = saved;
}

void forget_context(std::byte*, std::size_t) {}

void switch_context(Context& from, Context& to) { switch_stacks(&from.sp, to.sp); }

}  // namespace nebulet::machine
