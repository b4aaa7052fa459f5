// SPDX-License-Identifier: MIT
// libFuzzer target: kernel calls in any order with any arguments. Each input is a process that makes some
// hundreds or thousands of them, serves doors, has threads and starts processes that do the like, on two
// CPUs. Every wait has a deadline, so all must end by itself.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>

#include "abi/generated/shapes.h"
#include "kernel/device/console.h"
#include "kernel/device/files.h"
#include "kernel/device/resource.h"
#include "kernel/loader/module.h"
#include "kernel/object/event.h"
#include "kernel/object/wait.h"
#include "kernel/process/process.h"
#include "kernel/test/world.h"
#include "tests/fuzz/call_module.h"
#include "tests/fuzz/choices.h"

namespace {

using namespace nebulet;
using namespace nebulet::kernel;
using namespace nebulet::fuzz::call_memory;
using abi::CallShape;
using abi::kCallShapes;
using fuzz::Choices;

constexpr std::uint64_t kLimit = 24 << 20;
constexpr std::uint32_t kRounds = 40;
constexpr std::uint64_t kHang = 60'000'000'000;

constexpr std::string_view kTexts[] = {"child", "main", "m", "wasi_thread_start"};
/// (module (func (export "child")))
constexpr std::uint8_t kTinyModule[] = {0,   'a', 's', 'm', 1, 0,  0, 0, 1, 4, 1,   0x60,
                                        0,   0,   3,   2,   1, 0,  7, 9, 1, 5, 'c', 'h',
                                        'i', 'l', 'd', 0,   0, 10, 4, 1, 2, 0, 0x0b};

struct Totals {
  std::uint64_t inputs = 0, calls = 0, kept = 0;
  ~Totals() {
    std::fprintf(stderr, "%llu processes made %llu calls; %llu left memory in channels\n",
                 static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(calls),
                 static_cast<unsigned long long>(kept));
  }
} g_totals;

[[noreturn]] void finding(const char* what, std::uint64_t value) {
  std::fprintf(stderr, "finding: %s: %llu\n", what, static_cast<unsigned long long>(value));
  std::abort();
}

std::size_t answer_files(void*, std::span<const std::byte> request, std::span<std::byte> reply) {
  const std::size_t size = std::min(request.size(), reply.size());
  std::memcpy(reply.data(), request.data(), size);
  return size;
}

/// The bytes of the input, then made-up ones that follow from them.
class Decisions {
 public:
  explicit Decisions(Choices& in) : in_(in) {}
  std::uint32_t below(std::uint32_t n) {
    if (!in_.done()) {
      const std::uint32_t value = in_.below(n);
      state_ = (state_ ^ value) * 0x9e3779b97f4a7c15 + 1;
      return value;
    }
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>((state_ >> 16) % n);
  }

 private:
  Choices& in_;
  std::uint64_t state_ = 0x123456789abcdef;
};

/// Which calls a region's records may be of: what threads, doors and children do makes no more of them.
enum class Part : std::uint8_t { main, other };

class Writer {
 public:
  Writer(Decisions& in, std::uint64_t now) : in_(in), now_(now) {}

  void region(std::byte* at, Part part, std::uint32_t most) {
    const std::uint32_t count = 1 + in_.below(most), rounds = 1 + in_.below(kRounds);
    std::memcpy(at, &count, sizeof count);
    std::memcpy(at + 4, &rounds, sizeof rounds);
    for (std::uint32_t i = 0; i < count; ++i) {
      const Record record = make(part);
      std::memcpy(at + 8 + i * sizeof(Record), &record, sizeof record);
    }
  }

 private:
  std::uint32_t handle() { return kHandles + 4 * in_.below(in_.below(8) == 0 ? kHandleCount : 24); }

  /// Address and size.
  void buffer(std::uint64_t* words, char kind) {
    static constexpr std::uint32_t kSizes[] = {0, 1, 4, 8, 16, 64, 100, 1000, 4096, kChildSize};
    words[0] = kind == 'I' || kind == 'O' ? handle() : kData + in_.below(0x400);
    words[1] = kind == 'I' || kind == 'O' ? in_.below(4) : kSizes[in_.below(std::size(kSizes))];
    switch (in_.below(8)) {
      case 0:
        if (kind != 'i') break;
        if (const std::uint32_t text = in_.below(std::size(kTexts) + 2); text < std::size(kTexts)) {
          words[0] = kNames + 32 * text;
          words[1] = kTexts[text].size();
        } else if (text == std::size(kTexts)) {
          words[0] = kModule;
          words[1] = sizeof kTinyModule;
        } else {
          words[0] = kChild;
          words[1] = kChildSize;
        }
        break;
      case 1: words[0] = kPages * 65536 - in_.below(80); break;
      case 2: words[in_.below(2)] = number(); break;
      default: break;
    }
  }
  std::uint64_t number() {
    static constexpr std::uint64_t kNumbers[] = {
        0,         1,       2,        3,    7,          8,          16,         64,      100,
        255,       256,     1000,     4096, 8192,       65535,      65536,      1 << 20, 2 << 20,
        4 << 20,   1 << 30, 1u << 31, ~0u,  1ull << 32, 1ull << 40, 1ull << 63, ~0ull,   0x7fffffffffffffff,
        0xfffffff0};
    return kNumbers[in_.below(std::size(kNumbers))];
  }
  std::uint64_t deadline() {
    static constexpr std::uint64_t kSoon[] = {0, 0, 0, 0, 10'000, 20'000, 50'000, 100'000};
    const std::uint64_t soon = kSoon[in_.below(8)];
    return soon == 0 ? 0 : now_ + soon;
  }

  Record make(Part part) {
    Record record = {};
    for (;;) {
      const std::uint32_t call = in_.below(std::size(kCallShapes));
      const std::string_view name = kCallShapes[call].name;
      if (part != Part::main && (name == "thread_spawn" || name == "process_start")) continue;
      if (name == "process_exit" && in_.below(32) != 31) continue;
      record.call = call + 1;  // after the function for doors
      break;
    }
    record.result = kHandles + 4 * in_.below(24);
    std::uint64_t* word = record.words;
    for (const char* kind = kCallShapes[record.call - 1].words; *kind != '\0'; ++kind, ++word) {
      switch (*kind) {
        case 'h': *word = handle(); break;
        case 'e': *word = in_.below(12); break;
        case 'd': *word = deadline(); break;
        case 'w': *word = in_.below(3) == 0 ? static_cast<std::uint32_t>(number()) : in_.below(256); break;
        case 'q': *word = number(); break;
        case 'n': break;  // written with the address
        default: buffer(word, *kind); break;
      }
    }
    return record;
  }

  Decisions& in_;
  const std::uint64_t now_;
};

Ref<Module> compile(const QuotaRef& quota) {
  const std::vector<std::uint8_t> made = fuzz::make_call_module();
  std::vector<std::byte> bytes(made.size());
  std::memcpy(bytes.data(), made.data(), made.size());
  auto source = Module::decode(quota, "calls", std::move(bytes), Charge::take(quota, made.size()).value());
  if (!source) {
    std::fprintf(stderr, "%s\n", source.error().text.c_str());
    std::abort();
  }
  auto module = Module::compile(quota, std::move(*source), {}, nullptr);
  if (!module) {
    std::fprintf(stderr, "%s\n", module.error().text.c_str());
    std::abort();
  }
  return *module;
}

void fill(wasm::Memory& memory, Decisions& in) {
  std::vector<std::byte> image(kData + 0x1000);
  const auto put = [&image](std::uint32_t at, const void* bytes, std::size_t size) {
    std::memcpy(image.data() + at, bytes, size);
  };
  for (std::size_t i = 0; i < std::size(kTexts); ++i)
    put(kNames + 32 * static_cast<std::uint32_t>(i), kTexts[i].data(), kTexts[i].size());
  put(kModule, kTinyModule, sizeof kTinyModule);
  for (std::uint32_t i = 0; i < kHandleCount; ++i) {
    const std::uint32_t value = i + 1;
    put(kHandles + 4 * i, &value, 4);
  }
  for (std::uint32_t i = 0; i < 0x1000; i += 4) {  // small numbers, which may be handles
    const std::uint32_t value = i / 4 % 29;
    put(kData + i, &value, 4);
  }
  Writer writer(in, machine::monotonic_ns());
  writer.region(image.data() + kMain, Part::main, kMainRecords);
  for (const std::uint32_t region : {kServed, kThread, kChild})
    writer.region(image.data() + region, Part::other, kPartRecords);
  if (memory.write(0, image) != wasm::GuestResult::ok) finding("no memory", image.size());
}

/// Waits for what must come true by itself.
void expect_soon(const char* what, auto value, std::uint64_t wanted) {
  const std::uint64_t end = machine::monotonic_ns() + kHang;
  while (value() != wanted) {
    if (machine::monotonic_ns() > end) finding(what, value());
    Scheduler::yield();
  }
}

void run(Choices& in) {
  static const QuotaRef home(new Quota(256 << 20));
  static const Ref<Module> module = compile(home);
  const QuotaRef quota(new Quota(kLimit));
  HandleTable table;
  {
    const Ref<Process> process = Process::create(quota, "fuzzed", kLimit * 3 / 4).value();
    const Handle open(process, Rights(0xff));
    if (auto added = process->add("m", module); !added) {
      std::fprintf(stderr, "%s\n", added.error().text.c_str());
      std::abort();
    }
    Decisions decisions(in);
    fill(*process->program().instance(0).memory(), decisions);
    std::vector<HandleValue> handles;
    const auto give = [&](Ref<Object> object, Rights rights) {
      handles.push_back(table.insert(Handle(std::move(object), rights)).value());
    };
    give(module, Rights(0xff));
    give(make_object<Event>(quota, 0).value(), Rights(0xff));
    give(make_object<Resource>(quota, 0, ResourceKind::root, 0, Resource::kEverything).value(), Rights(0xff));
    static const Ref<Console> console(new Console);
    static const Ref<Files> files(new Files);
    give(console, Rights(0xff));
    give(files, Rights(0xff));
    if (!process->start("main", table, handles, {})) finding("the process does not start", 0);
    expect_soon(
        "it does not end", [&] { return process->signals().contains(Signal::terminated) ? 1u : 0u; }, 1);
    expect_soon("it has threads", [&] { return process->threads(); }, 0);
    ++g_totals.inputs;
    g_totals.calls += process->kernel_calls();
    if (process->handles().count() != 0) finding("handles are left", process->handles().count());
  }
  // What an end of a channel keeps that was sent to itself through others stays (docs/limits.md).
  const std::uint64_t end = machine::monotonic_ns() + 100'000'000;
  while (quota->used() != 0 && machine::monotonic_ns() < end) Scheduler::yield();
  g_totals.kept += quota->used() != 0;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  for (const int of_console : {STDIN_FILENO, STDOUT_FILENO}) dup2(open("/dev/null", O_RDWR), of_console);
  machine::prepare_hosted({.memory_bytes = 2ull << 30,
                           .cpus = 2,
                           .log_path = "/dev/null",
                           .tool_fd = open("/dev/null", O_RDWR),
                           .file_server = answer_files});
  Scheduler::initialize(2, 200'000);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices in(data, size);
  TestTask task([&in] { run(in); }, [] { Scheduler::stop(); });
  Scheduler::start(task);
  Scheduler::run_idle();
  while (!task.ended) machine::spin_hint();
  return 0;
}
