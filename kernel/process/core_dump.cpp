// SPDX-License-Identifier: MIT
#include "kernel/process/core_dump.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <vector>

#include "kernel/log/log.h"
#include "kernel/sched/scheduler.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/memory.h"
#include "machine/include/machine/time.h"
#include "wasm/binary/reader.h"

namespace nebulet::kernel {
namespace {

constexpr std::size_t kPage = machine::kPageSize;
/// Bytes of memory in a dump, and pieces that they lie in.
constexpr std::uint64_t kMostMemory = 1ull << 30;
constexpr std::size_t kMostRuns = 1 << 15;
constexpr std::uint64_t kLongestRun = 1 << 20;
/// How long other threads have to end.
constexpr std::uint64_t kPatience = 2'000'000'000;

std::atomic<bool> wanted = false;

void add_unsigned(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}
void add_signed(std::string& to, std::int64_t value) {
  for (; value < -64 || value > 63; value >>= 7) to += static_cast<char>((value & 0x7f) | 0x80);
  to += static_cast<char>(value & 0x7f);
}
void add_name(std::string& to, std::string_view name) {
  add_unsigned(to, name.size());
  to += name;
}
void add_bits(std::string& to, std::uint64_t bits, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to += static_cast<char>(bits >> 8 * i);
}

/// Bytes to the console's core stream, in pieces.
class Output {
 public:
  ~Output() { flush(); }
  void put(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= kPiece) flush();
  }
  /// A section's head; its content follows.
  void section(std::uint8_t id, std::uint64_t size) {
    std::string head(1, static_cast<char>(id));
    add_unsigned(head, size);
    put(head);
  }
  void section(std::uint8_t id, std::string_view content) {
    section(id, content.size());
    put(content);
  }
  void custom(std::string_view name, std::string_view content) {
    std::string text;
    add_name(text, name);
    section(0, text.size() + content.size());
    put(text);
    put(content);
  }

 private:
  static constexpr std::size_t kPiece = 32 * 1024;
  void flush() {
    machine::console_write(machine::ConsoleStream::core, std::as_bytes(std::span(buffer_)));
    buffer_.clear();
  }
  std::string buffer_;
};

/// The distinct memories of the instances, and what of them is not zero.
class Memories {
 public:
  explicit Memories(const Program& program) {
    for (std::size_t i = 0; i < program.size(); ++i)
      for (std::uint32_t k = 0; wasm::Memory* memory = program.instance(i).memory(k); ++k)
        if (std::ranges::find(all_, memory) == all_.end()) all_.push_back(memory);
    for (std::size_t i = 0; i < all_.size(); ++i) scan(i);
  }
  std::size_t index_of(const wasm::Memory* memory) const {
    return static_cast<std::size_t>(std::ranges::find(all_, memory) - all_.begin());
  }
  std::uint64_t bytes() const { return bytes_; }
  bool is_cut() const { return is_cut_; }

  void write(Output& out) const {
    std::string types;
    add_unsigned(types, all_.size());
    for (const wasm::Memory* memory : all_) {
      types += memory->is_64() ? '\x04' : '\0';
      add_unsigned(types, (memory->size() + wasm::kWasmPage - 1) / wasm::kWasmPage);
    }
    out.section(kMemorySection, types);
  }
  void write_data(Output& out) const {
    std::string count;
    add_unsigned(count, runs_.size());
    std::uint64_t size = count.size();
    for (const Run& run : runs_) size += head_of(run).size() + run.size;
    out.section(kDataSection, size);
    out.put(count);
    std::array<std::byte, kPage> page;
    for (const Run& run : runs_) {
      out.put(head_of(run));
      for (std::uint64_t done = 0; done < run.size; done += kPage) {
        const std::uint64_t part = std::min<std::uint64_t>(kPage, run.size - done);
        // What another process unmapped meanwhile is zeros: the section's size is settled.
        if (!read(*all_[run.memory], run.at + done, std::span(page).first(part)))
          std::memset(page.data(), 0, part);
        out.put({reinterpret_cast<const char*>(page.data()), part});
      }
      let_others_run();
    }
  }

 private:
  static constexpr std::uint8_t kMemorySection = 5, kDataSection = 11;
  struct Run {
    std::size_t memory;
    std::uint64_t at, size;
  };

  static void let_others_run() {
    if (Scheduler::wants_reschedule()) Scheduler::yield();
  }
  /// False: nobody has touched this page, and it is not committed for us: the quota is closed.
  static bool read(const wasm::Memory& memory, std::uint64_t at, std::span<std::byte> into) {
    return memory.read(at, into) == wasm::GuestResult::ok;
  }
  void scan(std::size_t index) {
    const wasm::Memory& memory = *all_[index];
    const std::uint64_t end = memory.size();
    std::array<std::byte, kPage> page;
    for (std::uint64_t at = 0; at < end; at += kPage) {
      if (at % kLongestRun == 0) let_others_run();
      const auto part = std::span(page).first(std::min<std::uint64_t>(kPage, end - at));
      if (!read(memory, at, part) || std::ranges::all_of(part, [](std::byte b) { return b == std::byte{}; }))
        continue;
      if (bytes_ + part.size() > kMostMemory || runs_.size() == kMostRuns) {
        is_cut_ = true;
        return;
      }
      bytes_ += part.size();
      if (!runs_.empty() && runs_.back().memory == index && runs_.back().at + runs_.back().size == at &&
          runs_.back().size < kLongestRun) {
        runs_.back().size += part.size();
      } else {
        runs_.push_back({index, at, part.size()});
      }
    }
  }
  /// An active segment without its bytes.
  std::string head_of(const Run& run) const {
    std::string head;
    if (run.memory == 0) {
      head += '\0';
    } else {
      head += '\x02';
      add_unsigned(head, run.memory);
    }
    if (all_[run.memory]->is_64()) {
      head += '\x42';  // i64.const
      add_signed(head, static_cast<std::int64_t>(run.at));
    } else {
      head += '\x41';  // i32.const
      add_signed(head, static_cast<std::int32_t>(run.at));
    }
    head += '\x0b';
    add_unsigned(head, run.size);
    return head;
  }

  std::vector<wasm::Memory*> all_;
  std::vector<Run> runs_;
  std::uint64_t bytes_ = 0;
  bool is_cut_ = false;
};

/// As an immutable global with this value. References mean nothing outside of their store: they are null.
void add_global(std::string& to, const wasm::ValType& type, const wasm::Value& value) {
  const auto constant = [&](char code, char instruction) { to += {code, '\0', instruction}; };
  if (type == wasm::kI32) {
    constant('\x7f', '\x41');
    add_signed(to, static_cast<std::int32_t>(value.low));
  } else if (type == wasm::kI64) {
    constant('\x7e', '\x42');
    add_signed(to, static_cast<std::int64_t>(value.low));
  } else if (type == wasm::kF32) {
    constant('\x7d', '\x43');
    add_bits(to, value.low, 4);
  } else if (type == wasm::kF64) {
    constant('\x7c', '\x44');
    add_bits(to, value.low, 8);
  } else if (type == wasm::kV128) {
    constant('\x7b', '\xfd');
    add_unsigned(to, 12);  // v128.const
    add_bits(to, value.low, 8);
    add_bits(to, value.high, 8);
  } else {
    constant('\x6f', '\xd0');  // externref, ref.null
    to += '\x6f';
  }
  to += '\x0b';
}

/// Globals, and the instances that have them.
void write_instances(Output& out, const Program& program, const Memories& memories) {
  std::string globals, instances, modules;
  std::uint64_t count = 0;
  add_unsigned(modules, program.size());
  add_unsigned(instances, program.size());
  for (std::size_t i = 0; i < program.size(); ++i) {
    wasm::Instance& instance = program.instance(i);
    const wasm::Module& module = instance.module();
    modules += '\0';
    add_name(modules, program.module(i)->name());
    instances += '\0';
    add_unsigned(instances, i);
    add_unsigned(instances, module.memories.size());
    for (std::uint32_t k = 0; k < module.memories.size(); ++k)
      add_unsigned(instances, memories.index_of(instance.memory(k)));
    add_unsigned(instances, module.globals.size());
    for (std::uint32_t k = 0; k < module.globals.size(); ++k) {
      add_unsigned(instances, count++);
      add_global(globals, module.globals[k].type.type, instance.global_cell(k));
    }
  }
  std::string all;
  add_unsigned(all, count);
  constexpr std::uint8_t kGlobalSection = 6;
  out.section(kGlobalSection, all + globals);
  out.custom("coremodules", modules);
  out.custom("coreinstances", instances);
}

/// Parameters and other locals of a function.
std::uint64_t locals_of(const wasm::Module& module, std::uint32_t function) {
  const wasm::FunctionDecl& decl = module.functions[function];
  wasm::Reader reader(module.bytes, decl.body_begin, decl.body_end);
  std::uint64_t count = module.type_of(function).params.size();
  // Of a type only its length matters; the module is valid.
  for (std::uint32_t groups = reader.u32(); groups > 0 && reader.ok(); --groups) {
    count += reader.u32();
    const std::int64_t type = reader.s33();
    constexpr std::int64_t kRef = -0x1c, kRefNull = -0x1d;
    if (type == kRef || type == kRefNull) reader.s33();
  }
  return count;
}

/// The stack; the values are missing: no register that holds them survives a trap, and the compiler does not
/// say where frames hold which.
void write_stack(Output& out, const Program& program, std::span<const wasm::Frame> frames) {
  std::string stack(1, '\0');
  add_name(stack, "the thread that trapped");
  add_unsigned(stack, frames.size());
  for (const wasm::Frame& frame : frames) {
    const wasm::Module& module = frame.code->module();
    std::size_t instance = 0;
    while (instance + 1 < program.size() && &program.instance(instance).code() != frame.code) ++instance;
    const std::uint32_t begin = module.functions[frame.function].body_begin;
    stack += '\0';
    add_unsigned(stack, instance);
    add_unsigned(stack, frame.function);
    add_unsigned(stack, frame.position > begin ? frame.position - begin : 0);
    const std::uint64_t locals = locals_of(module, frame.function);
    add_unsigned(stack, locals);
    stack.append(locals, '\x01');  // missing
    add_unsigned(stack, 0);
  }
  out.custom("corestack", stack);
}

}  // namespace

void want_core_dump() { wanted.store(true, std::memory_order_relaxed); }

void dump_core(Process& process, const Program& program, const wasm::Outcome& outcome,
               std::span<const std::string> report) {
  if (!wanted.exchange(false, std::memory_order_relaxed)) return;
  const std::uint64_t deadline = machine::monotonic_ns() + kPatience;
  while (process.threads() > 1 && machine::monotonic_ns() < deadline)
    Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);
  process.quota()->close();  // reading brings no pages

  Output out;
  out.put({"\0asm\1\0\0\0", 8});
  std::string name(1, '\0'), lines;
  add_name(name, process.name());
  out.custom("core", name);
  add_unsigned(lines, report.size());
  for (const std::string& line : report) add_name(lines, line);
  out.custom("nebulet.report", lines);
  const Memories memories(program);
  memories.write(out);
  write_instances(out, program, memories);
  write_stack(out, program, outcome.backtrace);
  memories.write_data(out);
  if (memories.is_cut())
    log(LogLevel::warn, "{}: its core dump lacks memory beyond {} MiB or {} pieces", process.name(),
        kMostMemory >> 20, kMostRuns);
  log(LogLevel::info, "{}: core dumped with {} KiB of memory", process.name(), memories.bytes() >> 10);
}

}  // namespace nebulet::kernel
