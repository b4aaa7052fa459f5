// SPDX-License-Identifier: MIT
// Contexts: stacks to switch between, and what the sanitizers must be told of it.
#include "machine/include/machine/context.h"

#include <pthread.h>

#include <cstring>
#include <new>

#include "machine/hosted/state.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#endif

extern "C" void nb_hosted_switch(void** from_sp, void* to_sp);
extern "C" void nb_hosted_entry();

namespace nebulet::machine {
namespace {

/// At the top of a context's stack (of the host thread's own stack: allocated).
struct SanitizerState {
  void* fake_stack = nullptr;  ///< ASan's, while suspended
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fiber = nullptr;  ///< TSan's
};

struct Start {
  SanitizerState sanitizer;
  void (*entry)(void*);
  void* argument;
};

void before_switch([[maybe_unused]] SanitizerState& from, [[maybe_unused]] SanitizerState& to) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
#if __has_feature(thread_sanitizer)
  hosted::Cpu& cpu = hosted::this_cpu();
  cpu.stack_bottom = reinterpret_cast<std::uintptr_t>(to.bottom);
  cpu.stack_size = to.size;
  from.fiber = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.fiber, 0);
#endif
}

void after_switch([[maybe_unused]] SanitizerState& self) {
#if __has_feature(address_sanitizer)
  __sanitizer_finish_switch_fiber(self.fake_stack, nullptr, nullptr);
#endif
}

/// The state of a context that runs on its host thread's own stack.
SanitizerState* adopt_host_stack() {
  auto* state = new SanitizerState;
  pthread_attr_t attributes;
  void* bottom = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &bottom, &state->size);
  pthread_attr_destroy(&attributes);
  state->bottom = bottom;
  return state;
}

}  // namespace

extern "C" void nb_hosted_start(Start* start) {
  after_switch(start->sanitizer);
  start->entry(start->argument);
  __builtin_trap();
}

// The C library runs on them too, and sanitizers make frames large. Linux backs only what is used.
const StackSize kThreadStack = {.size = 252 * 1024, .call = 188 * 1024};

void make_context(Context& context, std::byte* stack, std::size_t size, void (*entry)(void*),
                  void* argument) {
#if __has_feature(thread_sanitizer)
  // Stacks are zeroed when new and keep what was at their top when they are used again.
  if (void* fiber = reinterpret_cast<Start*>(stack + size - sizeof(Start))->sanitizer.fiber)
    __tsan_destroy_fiber(fiber);
#endif
  auto* start = new (stack + size - sizeof(Start))
      Start{.sanitizer = {.fake_stack = nullptr, .bottom = stack, .size = size, .fiber = nullptr},
            .entry = entry,
            .argument = argument};
#if __has_feature(thread_sanitizer)
  start->sanitizer.fiber = __tsan_create_fiber(0);
#endif
  // What nb_hosted_switch pops, from its end: return address, rbp, rbx, r12 … r15, GS base, control words.
  auto* top =
      reinterpret_cast<std::uint64_t*>((reinterpret_cast<std::uintptr_t>(start) & ~std::uintptr_t{15}) - 16);
  *--top = reinterpret_cast<std::uint64_t>(&nb_hosted_entry);
  *--top = 0;
  *--top = reinterpret_cast<std::uint64_t>(start);  // rbx
  for (int i = 0; i < 5; ++i) *--top = 0;
  constexpr std::uint64_t kMxcsr = 0x1f80, kFpuControl = 0x37f;
  *--top = kMxcsr | kFpuControl << 32;
  context.sp = top;
  context.sanitizer_state = &start->sanitizer;
}

void forget_context([[maybe_unused]] std::byte* stack, [[maybe_unused]] std::size_t size) {
#if __has_feature(thread_sanitizer)
  __tsan_destroy_fiber(reinterpret_cast<Start*>(stack + size - sizeof(Start))->sanitizer.fiber);
#endif
}

void switch_context(Context& from, Context& to) {
  if (from.sanitizer_state == nullptr) from.sanitizer_state = adopt_host_stack();
  SanitizerState& self = *static_cast<SanitizerState*>(from.sanitizer_state);
  before_switch(self, *static_cast<SanitizerState*>(to.sanitizer_state));
  nb_hosted_switch(&from.sp, to.sp);
  after_switch(self);
}

}  // namespace nebulet::machine
