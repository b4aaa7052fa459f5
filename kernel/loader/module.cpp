// SPDX-License-Identifier: MIT
#include "kernel/loader/module.h"

#include <algorithm>
#include <format>
#include <utility>

#include "kernel/loader/compile_tasks.h"
#include "kernel/log/log.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/wait_queue.h"
#include "kernel/trace/trace.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/link.h"
#include "machine/include/machine/memory.h"
#include "machine/include/machine/profile.h"
#include "machine/include/machine/time.h"
#include "wasm/object/code_file.h"

namespace nebulet::kernel {
namespace {

using Kind = wasm::Error::Kind;

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::malformed: return "malformed module";
    case Kind::invalid: return "invalid module";
    case Kind::limit: return "beyond a limit";
    case Kind::unlinkable: return "cannot be linked";
    case Kind::rejected: return "compiled code was refused";
    case Kind::out_of_memory: return "out of memory";
    case Kind::cancelled: return "cancelled";
  }
  return "error";
}

Status status_of(Kind kind) {
  switch (kind) {
    case Kind::malformed:
    case Kind::invalid: return Status::invalid_module;
    case Kind::limit: return Status::limit_reached;
    case Kind::unlinkable: return Status::unlinkable;
    case Kind::rejected: return Status::not_supported;
    case Kind::out_of_memory: return Status::out_of_memory;
    case Kind::cancelled: return Status::timed_out;
  }
  return Status::not_supported;
}

std::unexpected<LoadError> out_of_memory(std::string_view name) {
  return std::unexpected(LoadError{Status::out_of_memory, std::format("{}: out of memory", name)});
}

/// Memory that must stay free while modules are compiled, beside what is estimated for the next step.
constexpr std::uint64_t kCompileReserve = 8 << 20;
/// Bytes that the decoder needs for each byte of an ordinary module.
constexpr std::uint64_t kBytesPerModuleByte = 1;
/// The code so far is copied when its buffer grows; its tables are about as large as itself.
constexpr std::uint64_t kBytesPerCodeByte = 3;
/// The tables of finished code (trap and call sites), for each of its bytes.
constexpr std::uint64_t kTableBytesPerCodeByte = 1;

/// What compilations are about to take beyond what they have: several may run at a time.
std::atomic<std::uint64_t> promised = 0;

/// One compilation. Stops it before the kernel's own heap would be out of memory; tells the host's tool how
/// far it is, if it is to.
class Compilation {
 public:
  enum class Progress : std::uint8_t { silent, told };
  explicit Compilation(const std::atomic<bool>* cancelled, Progress progress = Progress::silent)
      : cancelled_(cancelled), progress_(progress) {}
  ~Compilation() {
    promise(0);
    if (told_) tell("\n");
  }
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;

  wasm::CompileHook hook(const ModuleSource& source) {
    source_ = &source;
    find_helpers(source.module);
    return {.before_function = before_function,
            .state = this,
            .pause = pause(),
            .workers = {.run = run_tasks, .state = &helpers_}};
  }
  wasm::Pause pause() { return {.ask = let_others_run, .state = this}; }

  /// Whether `bytes` are there, for now; waits for what others may give back.
  wasm::Result<> enough_memory(std::uint64_t bytes, std::uint32_t offset) {
    for (;;) {
      promise(bytes);
      const std::uint64_t free = machine::free_memory(), others = promised.load() - mine_;
      if (bytes + kCompileReserve + others <= free) return {};
      promise(0);  // who waits keeps nobody waiting
      if (others == 0 || bytes + kCompileReserve > free)
        return std::unexpected(wasm::Error{Kind::out_of_memory, offset,
                                           std::format("compiling it takes about {} MiB, and {} MiB are free",
                                                       (bytes + kCompileReserve) >> 20, free >> 20)});
      TRY(let_others_run(this));
      Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);
    }
  }

 private:
  void promise(std::uint64_t bytes) {
    promised += bytes - mine_;
    mine_ = bytes;
  }
  /// On each CPU a task, if there is memory for all of them at once.
  void find_helpers(const wasm::Module& module) {
    std::uint64_t largest = 0, all = 0;
    for (const wasm::FunctionDecl& function : module.functions) {
      const std::uint64_t bytes = function.body_end - function.body_begin;
      largest = std::max(largest, bytes);
      all += bytes;
    }
    each_ = wasm::compile_memory(largest) + kernel_stack_size(StackKind::large);
    // Code is up to three times as large as the bodies.
    const std::uint64_t rest = all * 3 * kBytesPerCodeByte + kCompileReserve + promised.load();
    const std::uint64_t free = machine::free_memory();
    const std::uint64_t fit = free < rest ? 0 : (free - rest) / each_;
    helpers_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fit, 1, Scheduler::cpus())) - 1;
  }
  static wasm::Result<> let_others_run(void* self) {
    if (Scheduler::wants_reschedule()) Scheduler::yield();
    const auto* cancelled = static_cast<Compilation*>(self)->cancelled_;
    if (cancelled == nullptr || !cancelled->load(std::memory_order_relaxed)) return {};
    return std::unexpected(wasm::Error{Kind::cancelled, 0, "its process is ending"});
  }
  static wasm::Result<> before_function(void* raw, const wasm::CompileProgress& progress) {
    auto& self = *static_cast<Compilation*>(raw);
    TRY(let_others_run(raw));
    const MutexGuard guard(self.mutex_);  // there may be helpers
    const std::uint32_t at = self.source_->module.functions[progress.function].body_begin;
    if (self.progress_ == Progress::told) self.tell_progress(at);
    const std::uint64_t work =
        self.helpers_ == 0 ? wasm::compile_memory(progress.body_bytes) : (self.helpers_ + 1) * self.each_;
    return self.enough_memory(work + progress.code_bytes * kBytesPerCodeByte, at);
  }
  void tell_progress(std::uint32_t at) {
    constexpr std::uint64_t kTellEvery = 250'000'000;
    const std::uint64_t now = machine::monotonic_ns();
    if (now - told_ns_ <= kTellEvery) return;
    told_ns_ = now;
    told_ = true;
    const wasm::Module& module = source_->module;
    const std::uint64_t begin = module.functions[module.imported_functions].body_begin;
    const std::uint64_t whole = std::max<std::uint64_t>(module.functions.back().body_end - begin, 1);
    tell(std::format("compiling {}: {} %", source_->name.substr(0, 256), (at - begin) * 100 / whole));
  }
  static void tell(std::string_view text) {
    machine::console_write(machine::ConsoleStream::progress, std::as_bytes(std::span(text)));
  }

  const std::atomic<bool>* const cancelled_;
  const Progress progress_;
  const ModuleSource* source_ = nullptr;
  std::uint32_t helpers_ = 0;
  std::uint64_t each_ = 0;  ///< what one task may take
  Mutex mutex_;             ///< of what follows, while tasks compile
  std::uint64_t mine_ = 0;
  std::uint64_t told_ns_ = machine::monotonic_ns();
  bool told_ = false;
};

/// From the code file if there is one that fits, else by compiling.
wasm::Result<std::unique_ptr<wasm::CodeObject>> code_of(const ModuleSource& source,
                                                        std::span<const std::byte> code_file,
                                                        Compilation& compilation, wasm::CompileStats& stats) {
  if (!code_file.empty()) {
    auto code = wasm::read_code_file(code_file, source.module, compilation.pause());
    if (code) return code;
    log(LogLevel::warn, "{}: its code file is not used: {}", source.name, code.error().message);
  }
  return wasm::compile_module(source.module, &stats, compilation.hook(source));
}

void name_for_profilers(const wasm::ModuleCode& code) {
  if (!machine::is_profiled() && !trace::is_sampling()) return;
  std::string lines;
  const wasm::Module& module = code.module();
  for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
    const std::uint32_t index = module.imported_functions + i;
    const wasm::CodeFunction& function = code.code().functions[i];
    const std::string_view name = code.function_name(index);
    std::string shown =
        name.empty() ? std::format("wasm function {}", index) : std::string(name.substr(0, 256));
    std::ranges::replace_if(shown, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
    const std::uint64_t size = function.end - function.begin;
    if (machine::is_profiled()) machine::name_code(code.entry(index), size, shown);
    if (!trace::is_sampling()) continue;
    lines += std::format("{:x} {:x} {}\n", code.entry(index), size, shown);
    if (lines.size() < machine::link::kMaxStreamPayload / 2) continue;
    trace::code_names(std::exchange(lines, {}));
  }
  if (!lines.empty()) trace::code_names(lines);
}

}  // namespace

LoadError load_error(std::string_view name, const wasm::Error& error) {
  return {status_of(error.kind),
          std::format("{}: {} at byte {:#x}: {}", name, kind_name(error.kind), error.offset, error.message)};
}

Loaded<ModuleSource> Module::decode(const QuotaRef& quota, std::string name,
                                    std::span<const std::byte> bytes) {
  auto charge = Charge::take(quota, bytes.size() * kBytesPerModuleByte);
  if (!charge) return out_of_memory(name);
  if (auto enough = Compilation(nullptr).enough_memory(bytes.size() * kBytesPerModuleByte, 0); !enough)
    return std::unexpected(load_error(name, enough.error()));
  auto module = wasm::decode_module(bytes);
  if (!module) return std::unexpected(load_error(name, module.error()));
  return ModuleSource{
      .name = std::move(name), .bytes = {}, .module = std::move(*module), .charge = std::move(*charge)};
}

Loaded<ModuleSource> Module::decode(const QuotaRef& quota, std::string name, std::vector<std::byte> bytes,
                                    Charge charge) {
  auto source = decode(quota, std::move(name), std::span<const std::byte>(bytes));
  if (!source) return source;
  source->bytes = std::move(bytes);
  source->charge.add(std::move(charge));
  return source;
}

Loaded<Ref<Module>> Module::compile(const QuotaRef& quota, ModuleSource source,
                                    std::span<const std::byte> code_file, const std::atomic<bool>* cancelled,
                                    LoadStats* stats) {
  const std::uint64_t begin = machine::monotonic_ns();
  wasm::CompileStats compiled;
  auto code = [&] {
    using Progress = Compilation::Progress;
    Compilation compilation(cancelled, stats != nullptr ? Progress::told : Progress::silent);
    return code_of(source, code_file, compilation, compiled);
  }();
  if (!code) return std::unexpected(load_error(source.name, code.error()));
  auto tables = Charge::take(quota, (*code)->text.size() * kTableBytesPerCodeByte +
                                        source.module.exports.size() * 2 * sizeof(*exports_.begin()));
  if (!tables) return out_of_memory(source.name);
  source.charge.add(std::move(*tables));
  auto made = make_object<Module>(quota, 0, quota, source.name, std::move(source.charge));
  if (!made) return out_of_memory(source.name);
  Module& module = **made;
  auto mapped = wasm::ModuleCode::create(module.memory_, std::move(source.bytes), std::move(source.module),
                                         std::move(**code));
  if (!mapped) return std::unexpected(load_error(module.name_, mapped.error()));
  module.code_ = std::move(*mapped);
  for (const wasm::Export& item : module.module().exports) module.exports_.emplace(item.name, &item);
  name_for_profilers(*module.code_);
  if (stats != nullptr) {
    stats->compile_ns += machine::monotonic_ns() - begin;
    stats->functions += compiled.functions;
    stats->wasm_bytes += compiled.wasm_bytes;
    stats->code_bytes += compiled.code_bytes;
  }
  return std::move(*made);
}

const wasm::Export* Module::find_export(std::string_view name) const {
  const auto found = exports_.find(name);
  return found != exports_.end() ? found->second : nullptr;
}

}  // namespace nebulet::kernel
