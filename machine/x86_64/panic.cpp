// SPDX-License-Identifier: MIT
#include "machine/x86_64/panic.h"

#include <array>
#include <atomic>
#include <format>

#include "base/assert.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/console.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/power.h"
#include "machine/x86_64/symbols.h"

namespace nebulet::machine {
namespace {

constexpr std::uint32_t kNobody = ~0u;
std::atomic<std::uint32_t> g_owner = kNobody;  ///< the CPU that panicked
int g_depth = 0;                               ///< panics of that CPU

template <class... Args>
void print(std::format_string<Args...> format, Args&&... args) {
  std::array<char, 400> text;
  const auto result = std::format_to_n(text.data(), text.size(), format, std::forward<Args>(args)...);
  const auto length = static_cast<std::size_t>(result.out - text.data());
  console_write(ConsoleStream::log, std::as_bytes(std::span(text).first(length)));
}

[[noreturn]] void stop() {
  for (;;) asm volatile("cli; hlt");
}

/// The first CPU to come prints, the others stop. A panic of the panic prints nothing.
void begin_panic() {
  disable_interrupts();
  const std::uint32_t self = current_cpu();
  std::uint32_t owner = kNobody;
  if (!g_owner.compare_exchange_strong(owner, self, std::memory_order_relaxed) && owner != self) stop();
  break_console_lock();
  switch (g_depth++) {
    case 0:
      if (cpu_at(1).online.load(std::memory_order_relaxed)) send_stop();
      break;
    case 1: send_exit_status(kPanicStatus); [[fallthrough]];
    default: power_off();
  }
}

void print_pc(std::uint32_t depth, std::uint64_t pc) {
  if (const auto symbol = find_symbol(pc)) {
    print("  #{} {:016x} {} + {:#x}\n", depth, pc, symbol->name, symbol->offset);
  } else {
    print("  #{} {:016x}\n", depth, pc);
  }
}

void print_backtrace(std::uint64_t pc, std::uint64_t frame_pointer) {
  print("backtrace:\n");
  print_pc(0, pc);
  for (std::uint32_t depth = 1; depth < 40; ++depth) {
    if (frame_pointer % 8 || !is_readable(frame_pointer) || !is_readable(frame_pointer + 15)) break;
    // SAFETY: both words were just found mapped.
    const auto* frame = reinterpret_cast<const std::uint64_t*>(frame_pointer);
    if (frame[1] == 0) break;
    print_pc(depth, frame[1]);
    if (frame[0] <= frame_pointer) break;  // stacks grow down
    frame_pointer = frame[0];
  }
}

[[noreturn]] void end_panic() {
  send_exit_status(kPanicStatus);
  power_off();
}

void handle_panic(const char* message, const char* file, unsigned line) {
  begin_panic();
  print("\nnebulet: panic: {} ({}:{}, CPU {})\n", message, file, line, current_cpu());
  const auto* frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  print_backtrace(frame[1], frame[0]);
  end_panic();
}

constexpr const char* kExceptionNames[kExceptions] = {"divide error",
                                                      "debug",
                                                      "non-maskable interrupt",
                                                      "breakpoint",
                                                      "overflow",
                                                      "bound range",
                                                      "invalid opcode",
                                                      "no coprocessor",
                                                      "double fault",
                                                      "coprocessor segment",
                                                      "invalid TSS",
                                                      "segment not present",
                                                      "stack fault",
                                                      "general protection",
                                                      "page fault",
                                                      "reserved",
                                                      "x87 error",
                                                      "alignment check",
                                                      "machine check",
                                                      "SIMD error",
                                                      "virtualization",
                                                      "control protection",
                                                      "reserved",
                                                      "reserved",
                                                      "reserved",
                                                      "reserved",
                                                      "reserved",
                                                      "reserved",
                                                      "hypervisor injection",
                                                      "VMM communication",
                                                      "security",
                                                      "reserved"};

}  // namespace

void panic_at(const InterruptFrame& frame, std::uint64_t address) {
  begin_panic();
  print("\nnebulet: panic: {} at {:016x} (CPU {}, error {:#x})\n",
        frame.vector < kExceptions ? kExceptionNames[frame.vector] : "interrupt", frame.pc, current_cpu(),
        frame.error);
  if (frame.vector == kPageFault) {
    print("  address {:016x}, {}\n", address,
          frame.error & 16  ? "execute"
          : frame.error & 2 ? "write"
                            : "read");
  }
  constexpr const char* kNames[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
  for (int i = 0; i < 16; i += 4) {
    print("  {} {:016x}  {} {:016x}  {} {:016x}  {} {:016x}\n", kNames[i], frame.gpr[i], kNames[i + 1],
          frame.gpr[i + 1], kNames[i + 2], frame.gpr[i + 2], kNames[i + 3], frame.gpr[i + 3]);
  }
  print("  flags {:x}\n", frame.flags);
  print_backtrace(frame.pc, frame.gpr[5]);
  end_panic();
}

void refuse_to_boot(std::string_view reason, std::string_view what) {
  print("nebulet: {}{}\n", reason, what);
  end_panic();
}

void stop_if_panicking() {
  const std::uint32_t owner = g_owner.load(std::memory_order_relaxed);
  if (owner != kNobody && owner != current_cpu()) stop();
}

void install_panic_handler() { set_panic_handler(handle_panic); }

}  // namespace nebulet::machine
