// SPDX-License-Identifier: MIT
// A kernel that tests the machine below it and prints TAP. "test=…" on the command line picks one of the
// endings that cannot be survived: panic, fault, overflow.
#include <array>
#include <atomic>
#include <cstring>
#include <format>
#include <map>
#include <string>
#include <vector>

#include "base/assert.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/memory.h"
#include "machine/include/machine/time.h"
#include "machine/include/machine/upcalls.h"
#include "machine/x86_64/clock.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/page_tables.h"

extern "C" {
int probe_read(const void*);
int probe_write(const void*);
int probe_execute(const void*);
int probe_divide(const void*);
int probe_ud2(const void*);
int probe_noncanonical(const void*);
extern const char probe_fault[], probe_end[];
std::uint64_t probe_overflow(void* stack);
extern const char probe_overflow_end[], probe_overflow_fault[];
void probe_registers(const std::byte* patterns, const std::atomic<std::uint64_t>* counter,
                     std::uint64_t target, std::byte* out, void* stack);
extern const char probe_registers_begin[], probe_registers_end[];
void spoil_vectors();
}

namespace nebulet::kernel {
namespace {

using namespace machine;

int g_tests = 0, g_failures = 0;
FaultFrame g_fault;
std::atomic<std::uint64_t> g_fault_count = 0;
std::atomic<std::byte*> g_lazy_begin = nullptr;
std::atomic<std::byte*> g_lazy_end = nullptr;
std::atomic<std::uint64_t> g_preemptions = 0;
std::atomic<std::uint64_t> g_timers = 0;
std::byte* g_preempt_stack = nullptr;
std::atomic<bool> g_keep_preempting = false;
constexpr std::uint64_t kSlice = 100'000;

template <class... Args>
void print(std::format_string<Args...> format, Args&&... args) {
  std::array<char, 300> text;
  const auto end = std::format_to_n(text.data(), text.size(), format, std::forward<Args>(args)...).out;
  console_write(ConsoleStream::out,
                std::as_bytes(std::span(text).first(static_cast<std::size_t>(end - text.data()))));
}

void check(bool ok, std::string_view name) {
  ++g_tests;
  g_failures += !ok;
  print("{} {} - {}\n", ok ? "ok" : "not ok", g_tests, name);
}

std::uint64_t address(const void* at) { return reinterpret_cast<std::uint64_t>(at); }
bool within(std::uint64_t at, const void* begin, const void* end) {
  return at >= address(begin) && at < address(end);
}
bool lies_in_probes(std::uint64_t pc) {
  return within(pc, reinterpret_cast<const void*>(&probe_read), probe_end);
}

using Cause = FaultFrame::Cause;
/// Whether the probe faults with this cause at `at`.
bool faults(int (*probe)(const void*), const void* at, Cause cause, bool write = false) {
  const std::uint64_t before = g_fault_count;
  if (probe(at) != 1 || g_fault_count != before + 1 || g_fault.cause != cause) return false;
  return cause != Cause::memory || (g_fault.address == address(at) && g_fault.write == write);
}

void test_protection() {
  check(faults(probe_read, nullptr, Cause::memory), "reading address 0 faults");
  check(faults(probe_read, reinterpret_cast<void*>(0x200000), Cause::memory),
        "the loader's identity map is gone");
  check(faults(probe_write, reinterpret_cast<void*>(&probe_read), Cause::memory, true),
        "writing the kernel's text faults");
  check(faults(probe_write, reinterpret_cast<std::byte*>(&probe_read) - kKernelBase + kDirectMap,
               Cause::memory, true),
        "writing the kernel's text through the direct map faults");
  static const char constant[] = "constant";
  check(faults(probe_write, constant, Cause::memory, true), "writing a constant faults");
  static char data[16] = {static_cast<char>(0xc3)};
  check(faults(probe_execute, data, Cause::memory), "executing data faults");
  check(faults(probe_execute, constant, Cause::memory), "executing a constant faults");
  check(faults(probe_execute, direct(direct_to_physical(new char)), Cause::memory),
        "executing the heap faults");
  check(faults(probe_divide, nullptr, Cause::divide), "a division by 0 is reported");
  check(faults(probe_ud2, nullptr, Cause::invalid_opcode), "ud2 is reported");
  check(faults(probe_noncanonical, nullptr, Cause::other), "a non-canonical address is reported");
}

/// The entry of the page at `at`, whose tables exist, for mistakes on purpose.
std::uint64_t& entry_of(const void* at) {
  PhysicalAddress table = page_table_root();
  for (unsigned level = 3;; --level) {
    auto* entries = reinterpret_cast<std::uint64_t*>(direct(table));
    std::uint64_t& entry = entries[address(at) >> (12 + 9 * level) & 511];
    if (level == 0) return entry;
    table = entry & 0x000f'ffff'ffff'f000;
  }
}

void test_audit() {
  constexpr std::uint64_t kNoExecute = 1ull << 63;
  std::byte* slot = reserve(1 << 21, 1 << 21);
  commit(slot, 4096, Protection::read_write);
  entry_of(slot) ^= kNoExecute;
  check(audit_page_tables() == 1, "a page that is writable and executable is found");
  entry_of(slot) ^= kNoExecute;
  entry_of(slot + 4096) = 0x1000;
  check(audit_page_tables() == 1, "an entry that is not present and not zero is found");
  check(count_entries(address(slot) + 4096, (1 << 21) - 4096) == 1, "and where it is");
  entry_of(slot + 4096) = 0;
  release(slot, 1 << 21);
}

void test_sharing() {
  const std::uint64_t free_before = free_memory();
  std::byte* shared = reserve_shareable(1 << 16);
  std::byte* slot = reserve(1 << 21, 1 << 21);
  check(commit(shared, 1 << 16, Protection::read_write) == 1 << 16, "memory that can be shown is committed");
  std::memset(shared, 0x11, 1 << 16);
  check(show(slot, shared, 8192, Sharing::read), "it is shown for reading");
  check(show(slot + 8192, shared, 8192, Sharing::read_write), "and for writing");
  check(show(slot + 16384, shared, 16384, Sharing::copy), "and to be copied");
  check(faults(probe_write, slot, Cause::memory, true) && slot[8191] == std::byte{0x11},
        "what is shown for reading cannot be written");
  slot[8192] = std::byte{0x22};
  check(shared[0] == std::byte{0x22} && slot[0] == std::byte{0x22} && slot[16384] == std::byte{0x22},
        "a write is seen everywhere");
  check(faults(probe_write, slot + 16384, Cause::memory, true), "what is to be copied cannot be written yet");
  check(commit(slot + 16384, 4096, Protection::read_write) == 0, "a copy is no page that had no memory");
  slot[16385] = std::byte{0x33};
  check(shared[1] == std::byte{0x11} && slot[16384] == std::byte{0x22}, "the copy is written alone");
  check(audit_page_tables() == 0, "no entry breaks the rules");
  check(decommit(slot, 16384) == 0, "what is shown has no memory of its own");
  check(faults(probe_read, slot + 8192, Cause::memory) && shared[0] == std::byte{0x22},
        "it goes from where it was shown only");
  check(decommit(slot + 16384, 16384) == 16384, "copies were promised memory");
  check(count_entries(address(slot), 1 << 21) == 0, "nothing is left");
  release(slot, 1 << 21);
  release(shared, 1 << 16);
  check(free_memory() + (64 << 10) >= free_before, "all memory is free again");
}

void test_memory() {
  const std::uint64_t free_before = free_memory();
  std::byte* slot = reserve(8ull << 30, 8ull << 30);
  check(slot && address(slot) % (8ull << 30) == 0, "a wasm memory's slot is reserved and aligned");
  check(faults(probe_read, slot + 4096, Cause::memory), "reserved memory is inaccessible");
  std::byte* at = slot + (2ull << 30);
  check(commit(at, 1 << 20, Protection::read_write) == 1 << 20, "a MiB is committed");
  bool zero = true;
  for (std::size_t i = 0; i < 1 << 20; ++i) zero &= at[i] == std::byte{0};
  check(zero, "committed memory is zero");
  check(faults(probe_read, at + (1 << 20), Cause::memory), "the page behind it is a guard");
  check(faults(probe_read, at - 1, Cause::memory), "the page before it is a guard");
  std::memset(at, 0x5a, 1 << 20);
  protect(at, 4096, Protection::read);
  check(faults(probe_write, at, Cause::memory, true) && at[0] == std::byte{0x5a},
        "protect takes writing away");
  const std::byte patch[] = {std::byte{1}, std::byte{2}};
  write_protected(at + 4095, patch);
  check(at[4095] == std::byte{1} && at[4096] == std::byte{2}, "write_protected crosses pages");
  protect(at, 4096, Protection::none);
  check(faults(probe_read, at, Cause::memory), "protect takes reading away");
  protect(at, 4096, Protection::read_write);
  check(at[0] == std::byte{0x5a}, "contents survive inaccessibility");
  decommit(at, 8192);
  check(faults(probe_read, at, Cause::memory) && at[8192] == std::byte{0x5a},
        "decommit takes just its pages");
  check(commit(at, 8192, Protection::read_write) && at[0] == std::byte{0}, "committed again, they are zero");

  std::byte* code = slot + (3ull << 30);
  const std::byte returns_42[] = {std::byte{0xb8}, std::byte{42}, std::byte{0},
                                  std::byte{0},    std::byte{0},  std::byte{0xc3}};
  check(commit(code, 4096, Protection::execute).has_value(), "code memory is committed");
  write_protected(code, returns_42);
  check(reinterpret_cast<int (*)()>(code)() == 42, "written code runs");
  check(faults(probe_write, code, Cause::memory, true), "code is not writable");

  g_lazy_begin = slot + (4ull << 30);
  g_lazy_end = slot + (4ull << 30) + (1 << 20);
  for (std::byte* page = g_lazy_begin; page < g_lazy_end; page += 4096) *page = std::byte{7};
  g_lazy_begin = nullptr;
  g_lazy_end = nullptr;
  check(slot[(4ull << 30) + 4096] == std::byte{7}, "pages are committed on first touch");
  release(slot, 8ull << 30);
  check(faults(probe_read, at, Cause::memory), "released memory is inaccessible");
  check(free_memory() + (64 << 10) >= free_before, "released memory is free again");
  check(reserve(8ull << 30, 8ull << 30) == slot, "released addresses are used again");
}

void test_heap() {
  std::vector<std::unique_ptr<std::string>> strings;
  std::map<int, std::string> map;
  for (int i = 0; i < 20000; ++i) {
    strings.push_back(
        std::make_unique<std::string>(static_cast<std::size_t>(i % 3000), static_cast<char>('a' + i % 26)));
    map[i * 7919 % 20000] = std::to_string(i);
  }
  bool intact = map.size() == 20000;
  for (int i = 0; i < 20000; ++i) {
    const std::string& s = *strings[static_cast<std::size_t>(i)];
    intact &= s.size() == static_cast<std::size_t>(i % 3000);
    intact &= s.empty() || (s.front() == 'a' + i % 26 && s.back() == 'a' + i % 26);
  }
  check(intact, "many small and middle objects keep their contents");
  const std::uint64_t before = free_memory();
  {
    std::vector<char> large(20 << 20, 'x');
    asm volatile("" ::"r"(large.data()) : "memory");  // or the compiler leaves the allocation out
    check(large.back() == 'x' && before - free_memory() >= 20 << 20, "20 MiB come from pages of their own");
  }
  check(free_memory() + (1 << 20) >= before, "and go back");
  struct alignas(64) Line {
    char bytes[64];
  };
  bool aligned = true;
  for (int i = 0; i < 100; ++i) aligned &= address(new Line) % 64 == 0;
  check(aligned, "aligned new is aligned");
  bool copies = true;
  for (std::size_t size : {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 100, 511, 512, 513, 5000}) {
    std::vector<unsigned char> buffer(size + 100), expected;
    for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = static_cast<unsigned char>(i * 31);
    for (int shift : {-50, -16, -3, 0, 1, 13, 49}) {
      auto moved = buffer;
      std::memmove(moved.data() + 50 + shift, moved.data() + 50, size);
      for (std::size_t i = 0; i < size; ++i)
        copies &= moved[static_cast<std::size_t>(50 + shift) + i] == buffer[50 + i];
    }
  }
  check(copies, "memmove is right for all sizes and overlaps");
}

void test_stack_overflow() {
  std::byte* stack = reserve(1 << 20, 1 << 20);
  commit(stack + (1 << 19), 1 << 19, Protection::read_write);
  const std::uint64_t end = probe_overflow(stack + (1 << 20));
  check(end == address(stack) + (1 << 19) && g_fault.cause == Cause::memory && g_fault.write,
        "a stack overflow is a fault, not the end");
}

void test_time() {
  std::uint64_t last = monotonic_ns();
  bool ascending = true;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now = monotonic_ns();
    ascending &= now >= last;
    last = now;
  }
  check(ascending, "the clock does not go back");
  print("# TSC {} kHz by {}\n", tsc_frequency() / 1000, clock_reference());
  check(realtime_ns() > 1'700'000'000ull * 1'000'000'000, "the date is after 2023");
  for (const std::uint64_t wait : {1'000'000ull, 20'000'000ull}) {
    const std::uint64_t from = monotonic_ns(), timers = g_timers;
    set_timer(from + wait);
    while (g_timers == timers && monotonic_ns() - from < 2'000'000'000) {
      disable_interrupts();
      if (g_timers == timers) wait_for_interrupt();
      enable_interrupts();
    }
    const std::uint64_t waited = monotonic_ns() - from;
    print("# timer of {} us came after {} us\n", wait / 1000, waited / 1000);
    check(g_timers == timers + 1 && waited >= wait && waited < wait + 200'000'000,
          "a timer comes when it should");
  }
  const std::uint64_t from = monotonic_ns();
  set_timer(from + 2'000'000);
  set_timer(from + 3'600'000'000'000);
  const std::uint64_t timers = g_timers;  // the host may have taken its time before the replacement
  while (monotonic_ns() - from < 5'000'000) spin_hint();
  check(g_timers == timers, "a replaced timer does not come");
  std::array<std::byte, 32> a{}, b{};
  check(random_bytes(a) && random_bytes(b) && a != b, "random bytes differ");
}

void test_preemption() {
  g_preempt_stack = reserve(1 << 16, 1 << 16);
  std::byte* wasm_stack = reserve(1 << 16, 1 << 16);
  commit(g_preempt_stack, 1 << 16, Protection::read_write);
  commit(wasm_stack, 1 << 16, Protection::read_write);
  g_preempt_stack += 1 << 16;
  std::array<std::byte, 512> patterns;
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::byte>(i * 37 + 11);
  std::array<std::byte, 576> out{};
  const std::uint64_t target = g_preemptions + 50;
  g_keep_preempting = true;
  set_timer(monotonic_ns() + kSlice);
  probe_registers(patterns.data(), &g_preemptions, target, out.data(), wasm_stack + (1 << 16));
  g_keep_preempting = false;
  set_timer(~0ull);
  check(std::memcmp(patterns.data(), out.data(), patterns.size()) == 0,
        "50 preemptions keep the vector registers");
  std::array<std::uint64_t, 8> gpr;
  std::memcpy(gpr.data(), out.data() + 512, sizeof gpr);
  bool kept = true;
  for (std::uint64_t i = 0; i < 8; ++i) kept &= gpr[i] == 0x1111 * (i + 1);
  check(kept, "and the integer registers");
}

Context g_main_context, g_other_context;
std::uint64_t g_other_gs = 1;
void set_gs_base(std::uint64_t base) { asm volatile("wrgsbaseq %0" ::"r"(base)); }
std::uint64_t gs_base() {
  std::uint64_t base;
  asm volatile("rdgsbaseq %0" : "=r"(base));
  return base;
}
void other_thread(void* argument) {
  g_other_gs = gs_base();
  for (;;) {
    set_gs_base(0x5000);
    ++*static_cast<int*>(argument);
    switch_context(g_other_context, g_main_context);
  }
}

void test_contexts() {
  static std::byte stack[16384];
  int runs = 0;
  make_context(g_other_context, stack, sizeof stack, other_thread, &runs);
  set_gs_base(0x1234000);
  const InterruptGuard guard;
  for (int i = 0; i < 10; ++i) switch_context(g_main_context, g_other_context);
  check(runs == 10, "contexts switch there and back");
  check(g_other_gs == 0 && gs_base() == 0x1234000, "each context has its GS base");
}

/// What a CPU besides the first one does: counts the rounds in which it could still read a page after the
/// first CPU had taken the page away, and takes pages of its own away meanwhile.
struct Helper {
  std::atomic<std::uint64_t> round = 0;  ///< the last one that it finished
  std::atomic<std::uint64_t> stale = 0;
  std::atomic<bool> ready = false, right_cpu = false, woken = false, timer = false;
};
constexpr std::uint64_t kRounds = 20;
std::array<Helper, 64> g_helpers;
std::byte* g_shared_page = nullptr;
std::atomic<std::uint64_t> g_round = 0;       ///< the page is there; the helpers read it
std::atomic<std::uint64_t> g_gone_round = 0;  ///< the page of this round is gone for sure

void help(void* argument) {
  auto& self = *static_cast<Helper*>(argument);
  set_cpu_local(&self);
  self.right_cpu = &g_helpers[current_cpu()] == &self && cpu_local() == &self && interrupts_enabled();
  self.ready = true;
  std::byte* own = reserve(1 << 20, 1 << 20);
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    while (g_round < round) spin_hint();
    while (g_gone_round < round) probe_read(g_shared_page);  // keeps the translation in use
    if (probe_read(g_shared_page) != 1) ++self.stale;
    commit(own, 64 << 10, Protection::read_write);
    own[round * 64 % (64 << 10)] = std::byte{1};
    if (round % 2) protect(own, 64 << 10, Protection::read);
    decommit(own, 64 << 10);
    if (probe_read(own) != 1) ++self.stale;
    delete[] new char[round * 100];
    self.round = round;
  }
  const std::uint64_t timers = g_timers, from = monotonic_ns();
  set_timer(from + 1'000'000);
  while (g_timers == timers && monotonic_ns() - from < 2'000'000'000) spin_hint();
  self.timer = true;
  for (;;) {
    disable_interrupts();
    wait_for_interrupt();
    self.woken = true;
  }
}

template <class Condition>
bool all_helpers(std::uint32_t cpus, Condition condition) {
  for (const std::uint64_t from = monotonic_ns(); monotonic_ns() - from < 20'000'000'000;) {
    bool all = true;
    for (std::uint32_t i = 1; i < cpus; ++i) all &= condition(g_helpers[i]);
    if (all) return true;
    spin_hint();
  }
  return false;
}

void test_cpus(std::uint32_t cpus) {
  print("# {} CPUs\n", cpus);
  if (cpus == 1) return;
  g_shared_page = reserve(4096, 4096);
  const std::uint64_t from = monotonic_ns();
  for (std::uint32_t i = 1; i < cpus; ++i) start_cpu(i, help, &g_helpers[i]);
  check(all_helpers(cpus, [](Helper& h) { return h.ready.load(); }), "every CPU starts");
  check(all_helpers(cpus, [](Helper& h) { return h.right_cpu.load(); }), "each knows which it is");
  bool in_time = true;
  for (std::uint64_t round = 1; round <= kRounds && in_time; ++round) {
    commit(g_shared_page, 4096, Protection::read_write);
    g_round = round;
    for (int i = 0; i < 100; ++i) spin_hint();
    if (round % 2) {
      decommit(g_shared_page, 4096);
    } else {
      protect(g_shared_page, 4096, Protection::none);
    }
    g_gone_round = round;
    in_time = all_helpers(cpus, [&](Helper& h) { return h.round >= round; });
    decommit(g_shared_page, 4096);
  }
  print("# {} rounds took {} us\n", kRounds, (monotonic_ns() - from) / 1000);
  check(in_time, "CPUs that take pages away at the same time do not wait for each other");
  check(all_helpers(cpus, [](Helper& h) { return h.stale == 0; }), "no CPU reads a page that was taken away");
  check(all_helpers(cpus, [](Helper& h) { return h.timer.load(); }), "each has a timer");
  for (std::uint32_t i = 1; i < cpus; ++i) wake_cpu(i);
  check(all_helpers(cpus, [](Helper& h) { return h.woken.load(); }), "wake_cpu wakes it");
}

[[gnu::noinline]] void inner_mistake() { panic("a mistake of the test"); }
[[gnu::noinline]] void outer_mistake() {
  inner_mistake();
  asm volatile("");
}

volatile int g_floor = -1;
int fall(int depth) {
  volatile char frame[1000] = {static_cast<char>(depth)};
  return depth == g_floor ? 0 : fall(depth + 1) + frame[0];
}

/// Input to output until the input ends.
int echo() {
  std::vector<std::byte> bytes(10'000);
  for (;;) {
    const auto length = console_read(bytes);
    if (!length) {
      disable_interrupts();
      wait_for_interrupt();
      continue;
    }
    if (*length == 0) return 0;
    console_write(ConsoleStream::out, std::span(bytes).first(*length));
  }
}

/// The host sends every request back.
int ask_files() {
  std::vector<std::byte> request(100'000), reply(128 << 10);
  for (int round = 1; round <= 3; ++round) {
    for (std::size_t i = 0; i < request.size(); ++i)
      request[i] = static_cast<std::byte>(i * static_cast<unsigned>(round) >> 4);
    if (!files_send(request)) return 2;
    std::optional<std::size_t> length;
    while (!(length = files_receive(reply))) {
      disable_interrupts();
      wait_for_interrupt();
    }
    if (*length != request.size() || std::memcmp(reply.data(), request.data(), *length) != 0) return 3;
  }
  return 0;
}

/// What the host said of time and randomness.
int tell_host_facts() {
  std::array<std::uint32_t, 4> a{}, b{};
  const std::uint64_t now = realtime_ns();
  const bool random = random_bytes(std::as_writable_bytes(std::span(a))) &&
                      random_bytes(std::as_writable_bytes(std::span(b))) && a != b;
  print("# time {} random {} {:08x}{:08x} {:08x}{:08x}\n", now, random, a[0], a[1], b[0], b[1]);
  return 0;
}

bool has(std::string_view line, std::string_view word) { return line.find(word) != line.npos; }

}  // namespace

int kernel_main(const BootInfo& boot) {
  print("# command line \"{}\", {} MiB, {} modules, {} us after the clock started\n", boot.command_line,
        boot.memory_bytes >> 20, boot.modules.size(), monotonic_ns() / 1000);
  if (has(boot.command_line, "test=panic")) outer_mistake();
  if (has(boot.command_line, "test=fault")) *reinterpret_cast<volatile int*>(0x1234) = 1;
  if (has(boot.command_line, "test=overflow")) return fall(0);
  if (has(boot.command_line, "test=echo")) return echo();
  if (has(boot.command_line, "test=files")) return ask_files();
  if (has(boot.command_line, "test=host")) return tell_host_facts();
  if (has(boot.command_line, "test=rate")) {
    const std::vector<char> text(1 << 20, 'x');
    const std::uint64_t from = monotonic_ns();
    console_write(ConsoleStream::out, std::as_bytes(std::span(text)));
    print("\n# {} KiB/s\n", 1024 * 1'000'000'000ull / (monotonic_ns() - from));
    return 0;
  }
  test_audit();
  struct Test {
    void (*run)(std::uint32_t cpus);
    std::string_view name;
  };
  for (const Test& test :
       {Test{[](std::uint32_t) { test_protection(); }, "protection"},
        Test{[](std::uint32_t) { test_memory(); }, "memory"},
        Test{[](std::uint32_t) { test_sharing(); }, "sharing"},
        Test{[](std::uint32_t) { test_heap(); }, "heap"},
        Test{[](std::uint32_t) { test_stack_overflow(); }, "stack overflow"},
        Test{[](std::uint32_t) { test_time(); }, "time"},
        Test{[](std::uint32_t) { test_preemption(); }, "preemption"},
        Test{[](std::uint32_t) { test_contexts(); }, "contexts"}, Test{test_cpus, "processors"}}) {
    test.run(boot.cpus);
    check(audit_page_tables() == 0, std::string("the page tables keep the rules after: ").append(test.name));
  }
  for (const BootModule& module : boot.modules) {
    print("# module {} of {} bytes: {}\n", module.name, module.bytes.size(),
          std::string_view(reinterpret_cast<const char*>(module.bytes.data()),
                           std::min<std::size_t>(module.bytes.size(), 16)));
  }
  print("1..{}\n# {} failed\n", g_tests, g_failures);
  return g_failures ? 1 : 0;
}

FaultAction on_fault(FaultFrame& frame) {
  auto* at = reinterpret_cast<std::byte*>(frame.address);
  if (frame.cause == Cause::memory && at >= g_lazy_begin && at < g_lazy_end) {
    return commit(reinterpret_cast<std::byte*>(frame.address & ~0xfffull), 4096, Protection::read_write)
               ? FaultAction::retry
               : FaultAction::fatal;
  }
  g_fault = frame;
  ++g_fault_count;
  if (within(frame.pc, reinterpret_cast<const void*>(&probe_overflow), probe_overflow_end)) {
    frame.pc = address(probe_overflow_fault);
    return FaultAction::resume;
  }
  if (lies_in_probes(frame.pc) ||
      (frame.cause == Cause::memory && frame.pc == frame.address && frame.pc != 0)) {
    frame.pc = address(probe_fault);
    return FaultAction::resume;
  }
  return FaultAction::fatal;
}

bool on_timer(const machine::Interrupted& at) {
  ++g_timers;
  if (g_keep_preempting) set_timer(monotonic_ns() + kSlice);
  return within(at.pc, probe_registers_begin, probe_registers_end);
}

void* preempt_stack(std::uint64_t) { return g_preempt_stack; }

void on_interrupt(std::uint32_t) {}
void on_dma_fault(std::uint32_t, std::uint64_t, bool) {}
void preempt() {
  ++g_preemptions;
  spoil_vectors();
}

}  // namespace nebulet::kernel
