// SPDX-License-Identifier: MIT
#include "kernel/loader/loader.h"

#include <algorithm>
#include <format>

#include "kernel/log/log.h"
#include "kernel/sched/scheduler.h"
#include "kernel/syscall/table.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/memory.h"
#include "machine/include/machine/profile.h"
#include "machine/include/machine/time.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"

namespace nebulet::kernel {
namespace {

using wasm::ExternKind;
template <class T = void>
using Loaded = std::expected<T, LoadError>;

constexpr std::string_view kKernelModule = "nebulet";
constexpr std::string_view kWasiModule = "wasi_snapshot_preview1";

std::string_view kind_name(wasm::Error::Kind kind) {
  switch (kind) {
    case wasm::Error::Kind::malformed: return "malformed module";
    case wasm::Error::Kind::invalid: return "invalid module";
    case wasm::Error::Kind::limit: return "beyond a limit";
    case wasm::Error::Kind::unlinkable: return "cannot be linked";
    case wasm::Error::Kind::rejected: return "compiled code was refused";
    case wasm::Error::Kind::out_of_memory: return "out of memory";
    case wasm::Error::Kind::cancelled: return "cancelled";
  }
  return "error";
}

std::unexpected<LoadError> error_of(std::string_view name, const wasm::Error& error) {
  return std::unexpected(LoadError{
      std::format("{}: {} at byte {:#x}: {}", name, kind_name(error.kind), error.offset, error.message)});
}

std::string_view extern_name(ExternKind kind) {
  switch (kind) {
    case ExternKind::function: return "function";
    case ExternKind::table: return "table";
    case ExternKind::memory: return "memory";
    case ExternKind::global: return "global";
    case ExternKind::tag: return "tag";
  }
  return "item";
}

/// A module in the making: its name in messages, and its parts as far as they exist.
struct Unit {
  std::string_view name;
  wasm::Module module;
  wasm::Instance* instance = nullptr;
};

/// Memory that must stay free while modules are compiled, beside what is estimated for the next step.
constexpr std::uint64_t kCompileReserve = 8 << 20;
/// Bytes that the decoder needs for each byte of an ordinary module.
constexpr std::uint64_t kBytesPerModuleByte = 1;
/// The code so far is copied when its buffer grows; its tables are about as large as itself.
constexpr std::uint64_t kBytesPerCodeByte = 3;

wasm::Result<> enough_memory(std::uint64_t bytes, std::uint32_t offset) {
  const std::uint64_t free = machine::free_memory();
  if (bytes + kCompileReserve <= free) return {};
  return std::unexpected(wasm::Error{wasm::Error::Kind::out_of_memory, offset,
                                     std::format("compiling it takes about {} MiB, and {} MiB are free",
                                                 (bytes + kCompileReserve) >> 20, free >> 20)});
}

/// One compilation; tells the host's tool how far it is.
class Compilation {
 public:
  explicit Compilation(const Unit& unit) : unit_(unit), told_ns_(machine::monotonic_ns()) {}
  ~Compilation() {
    if (told_) tell("\n");
  }
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;

  /// Between two functions: lets others run, and stops before the kernel's own heap would be out of memory.
  wasm::Result<> before(const wasm::CompileProgress& progress) {
    if (Scheduler::wants_reschedule()) Scheduler::yield();
    const wasm::Module& module = unit_.module;
    const std::uint32_t at = module.functions[progress.function].body_begin;
    if (const std::uint64_t now = machine::monotonic_ns(); now - told_ns_ > kTellEvery) {
      told_ns_ = now;
      const std::uint64_t begin = module.functions[module.imported_functions].body_begin;
      const std::uint64_t whole = std::max<std::uint64_t>(module.functions.back().body_end - begin, 1);
      tell(std::format("compiling {}: {} %", unit_.name.substr(0, 256), (at - begin) * 100 / whole));
      told_ = true;
    }
    return enough_memory(wasm::compile_memory(progress.body_bytes) + progress.code_bytes * kBytesPerCodeByte,
                         at);
  }

 private:
  static constexpr std::uint64_t kTellEvery = 250'000'000;
  static void tell(std::string_view text) {
    machine::console_write(machine::ConsoleStream::progress, std::as_bytes(std::span(text)));
  }
  const Unit& unit_;
  std::uint64_t told_ns_;
  bool told_ = false;
};

wasm::Result<> before_function(void* compilation, const wasm::CompileProgress& progress) {
  return static_cast<Compilation*>(compilation)->before(progress);
}

/// While something takes long.
wasm::Result<> let_others_run(void*) {
  if (Scheduler::wants_reschedule()) Scheduler::yield();
  return {};
}
constexpr wasm::Pause kPause{.ask = let_others_run};

Loaded<Unit> decode(std::string_view name, std::span<const std::byte> bytes) {
  if (auto enough = enough_memory(bytes.size() * kBytesPerModuleByte, 0); !enough)
    return error_of(name, enough.error());
  auto module = wasm::decode_module(bytes);
  if (!module) return error_of(name, module.error());
  return Unit{.name = name, .module = std::move(*module)};
}

bool exports_function(const wasm::Module& module, std::string_view name) {
  return std::ranges::any_of(module.exports, [&](const wasm::Export& e) {
    return e.name == name && e.kind == ExternKind::function;
  });
}

/// Whether something provides every import; types are looked at when the module is instantiated.
Loaded<> check_imports(const Unit& unit, const Unit* library, bool library_missing) {
  for (const wasm::Import& import : unit.module.imports) {
    if (import.kind == ExternKind::function) {
      if (import.module == kKernelModule && find_call(import.name) != nullptr) continue;
      if (library != nullptr && import.module == kWasiModule &&
          exports_function(library->module, import.name))
        continue;
      if (library_missing && import.module == kWasiModule)
        return std::unexpected(LoadError{
            std::format("{}: needs WASI ({}), but no module `wasi` was loaded", unit.name, import.name)});
    }
    return std::unexpected(LoadError{std::format("{}: nothing provides the imported {} {}.{}", unit.name,
                                                 extern_name(import.kind), import.module, import.name)});
  }
  return {};
}

/// From the code file if there is one that fits, else by compiling.
wasm::Result<std::unique_ptr<wasm::CodeObject>> code_of(Unit& unit, std::span<const std::byte> code_file,
                                                        wasm::CompileStats& stats) {
  if (!code_file.empty()) {
    auto code = wasm::read_code_file(code_file, unit.module, kPause);
    if (code) return code;
    log(LogLevel::warn, "{}: its code file is not used: {}", unit.name, code.error().message);
  }
  Compilation compilation(unit);
  return wasm::compile_module(unit.module, &stats,
                              {.before_function = before_function, .state = &compilation, .pause = kPause});
}

void name_for_profilers(const wasm::ModuleCode& code) {
  if (!machine::is_profiled()) return;
  const wasm::Module& module = code.module();
  for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
    const std::uint32_t index = module.imported_functions + i;
    const wasm::CodeFunction& function = code.code().functions[i];
    const std::string_view name = code.function_name(index);
    machine::name_code(
        code.entry(index), function.end - function.begin,
        name.empty() ? std::format("wasm function {}", index) : std::string(name.substr(0, 256)));
  }
}

Loaded<wasm::ModuleCodeRef> compile(Process& process, Unit& unit, std::span<const std::byte> code_file,
                                    LoadStats& stats) {
  const std::uint64_t begin = machine::monotonic_ns();
  wasm::CompileStats compiled;
  auto code = code_of(unit, code_file, compiled);
  if (!code) return error_of(unit.name, code.error());
  auto mapped = wasm::ModuleCode::create(process.memory(), {}, std::move(unit.module), std::move(**code));
  if (!mapped) return error_of(unit.name, mapped.error());
  name_for_profilers(**mapped);
  stats.compile_ns += machine::monotonic_ns() - begin;
  stats.functions += compiled.functions;
  stats.wasm_bytes += compiled.wasm_bytes;
  stats.code_bytes += compiled.code_bytes;
  return std::move(*mapped);
}

Loaded<> instantiate(Process& process, Unit& unit, wasm::ModuleCodeRef code, CallBinding* binding,
                     wasm::Instance* library) {
  std::vector<wasm::Extern> imports;
  for (const wasm::Import& import : code->module().imports) {
    if (import.module == kKernelModule) {
      const CallEntry* call = find_call(import.name);
      auto function = process.store().host_function(call->type(), call->code, binding);
      if (!function) return error_of(unit.name, function.error());
      imports.push_back(*function);
    } else {
      imports.push_back(*library->find_export(import.name));  // check_imports found it
    }
  }
  auto made = process.store().instantiate(std::move(code), imports);
  if (!made) return error_of(unit.name, made.error());
  if (made->trap)
    return std::unexpected(LoadError{std::format("{}: trap while its {} was copied: {}", unit.name,
                                                 made->segment, wasm::ir::trap_text(*made->trap))});
  unit.instance = made->instance;
  return {};
}

void add_initializers(LoadedProgram& loaded, wasm::Instance& instance, std::string_view entry) {
  if (instance.module().start) loaded.initializers.push_back(&instance.function(*instance.module().start));
  if (entry == "_initialize") return;
  if (const auto found = instance.find_export("_initialize"); found && found->kind == ExternKind::function)
    loaded.initializers.push_back(found->function);
}

/// For a message: what could be invoked.
std::string exported_functions(const wasm::Instance& instance) {
  constexpr std::size_t kMost = 8;
  std::string names;
  std::size_t count = 0;
  for (const wasm::Export& item : instance.module().exports) {
    if (item.kind != ExternKind::function) continue;
    if (++count <= kMost) names += std::format("{}{}", names.empty() ? "" : ", ", item.name.substr(0, 64));
  }
  if (names.empty()) return {};
  return std::format("; what it has can be invoked: {}{}", names, count > kMost ? " …" : "");
}

Loaded<> find_entry(LoadedProgram& loaded, const Unit& unit, std::string_view entry) {
  const auto found = unit.instance->find_export(entry);
  if (!found || found->kind != ExternKind::function)
    return std::unexpected(LoadError{std::format("{}: has no exported function `{}` to run{}", unit.name,
                                                 entry, exported_functions(*unit.instance))});
  loaded.entry = found->function;
  return {};
}

}  // namespace

std::expected<LoadedProgram, LoadError> load_program(Process& process, const ProgramImage& image) {
  LoadedProgram loaded{.name = image.name};
  Unit program = TRY(decode(image.name, image.program));
  const bool needs_wasi = std::ranges::any_of(program.module.imports,
                                              [](const wasm::Import& i) { return i.module == kWasiModule; });
  std::optional<Unit> library;
  if (needs_wasi && !image.wasi.empty()) {
    library = TRY(decode("wasi", image.wasi));
    TRY(check_imports(*library, nullptr, false));
  }
  TRY(check_imports(program, library ? &*library : nullptr, !library));

  CallBinding* library_binding = nullptr;
  if (library) {
    auto code = TRY(compile(process, *library, image.wasi_code, loaded.stats));
    library_binding =
        loaded.bindings.emplace_back(std::make_unique<CallBinding>(CallBinding{.process = &process})).get();
    TRY(instantiate(process, *library, std::move(code), library_binding, nullptr));
    add_initializers(loaded, *library->instance, {});
  }
  auto code = TRY(compile(process, program, image.program_code, loaded.stats));
  CallBinding* binding =
      loaded.bindings.emplace_back(std::make_unique<CallBinding>(CallBinding{.process = &process})).get();
  TRY(instantiate(process, program, std::move(code), binding, library ? library->instance : nullptr));
  if (library_binding != nullptr) library_binding->caller = program.instance;
  loaded.instance = program.instance;
  add_initializers(loaded, *program.instance, image.entry);
  TRY(find_entry(loaded, program, image.entry));
  return loaded;
}

}  // namespace nebulet::kernel
