// SPDX-License-Identifier: MIT
#include "kernel/loader/loader.h"

#include <algorithm>
#include <format>
#include <optional>

namespace nebulet::kernel {
namespace {

/// For a message: what could be invoked.
std::string exported_functions(const wasm::Module& module) {
  constexpr std::size_t kMost = 8;
  std::string names;
  std::size_t count = 0;
  for (const wasm::Export& item : module.exports) {
    if (item.kind != wasm::ExternKind::function) continue;
    if (++count <= kMost) names += std::format("{}{}", names.empty() ? "" : ", ", item.name.substr(0, 64));
  }
  if (names.empty()) return {};
  return std::format("; what it has can be invoked: {}{}", names, count > kMost ? " …" : "");
}

}  // namespace

Loaded<LoadedProgram> load_program(Process& process, const ProgramImage& image) {
  const QuotaRef& quota = process.quota();
  ModuleSource source = TRY(Module::decode(quota, image.name, image.program));
  const bool needs_wasi = std::ranges::any_of(source.module.imports, [](const wasm::Import& import) {
    return import.module == Program::kWasiName || import.module == "wasi";
  });
  std::optional<ModuleSource> library;
  if (needs_wasi && !image.wasi.empty()) {
    library = TRY(Module::decode(quota, "wasi", image.wasi));
    TRY(process.program().check_imports("wasi", library->module, nullptr));
  }
  TRY(process.program().check_imports(image.name, source.module, library ? &library->module : nullptr));

  LoadedProgram loaded;
  if (library) {
    auto wasi =
        TRY(Module::compile(quota, std::move(*library), image.wasi_code, &process.exiting(), &loaded.stats));
    TRY(process.add(std::string(Program::kWasiName), std::move(wasi)));
  }
  auto module =
      TRY(Module::compile(quota, std::move(source), image.program_code, &process.exiting(), &loaded.stats));
  TRY(process.add("program", std::move(module)));
  const Program& program = process.program();
  const std::size_t last = program.size() - 1;
  loaded.instance = &program.instance(last);
  loaded.initializers = program.initializers(last, image.entry, Program::Initialize::all);
  loaded.entry = program.find_function(last, image.entry);
  if (loaded.entry == nullptr)
    return std::unexpected(LoadError{
        Status::not_found, std::format("{}: has no exported function `{}` to run{}", image.name, image.entry,
                                       exported_functions(loaded.instance->module()))});
  return loaded;
}

}  // namespace nebulet::kernel
