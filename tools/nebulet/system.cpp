// SPDX-License-Identifier: MIT
#include "tools/nebulet/system.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/result.h"
#include "tools/nebulet/cache.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/flags.h"
#include "tools/nebulet/initfs.h"
#include "tools/nebulet/manifest.h"
#include "wasm/compile.h"

namespace nebulet::tool {
namespace {

namespace fs = std::filesystem;

/// Behind which key a message is, or behind the process's table.
std::string source_of(const ManifestProcess& process, std::string_view key) {
  const auto found = process.sources.find(key);
  return (found == process.sources.end() ? process.sources.find("") : found)->second;
}

/// What the module says about how it wants to be run.
Result<> look_at_module(const ManifestProcess& process, init::Process& plan) {
  const auto bytes = read_module(process.file);
  if (!bytes) return fail("{}: file: {}", source_of(process, "file"), bytes.error().message);
  const auto module = wasm::decode_module(*bytes);
  if (!module)
    return fail("{}: file: {}: {}", source_of(process, "file"), process.file, module.error().message);
  plan.wasi = std::ranges::any_of(module->imports, [](const wasm::Import& import) {
    return import.module == "wasi_snapshot_preview1" || import.module == "wasi";
  });
  const auto exports = [&](std::string_view name) {
    return std::ranges::any_of(module->exports, [&](const wasm::Export& item) {
      return item.kind == wasm::ExternKind::function && item.name == name;
    });
  };
  plan.entry = exports("_start") ? "_start" : "run";
  if (!exports(plan.entry))
    return fail("{}: file: {}: it exports neither `_start` nor `run`, so there is nothing to start",
                source_of(process, "file"), process.file);
  return {};
}

/// By the meaning that `nebulet run` gives to the flags.
Result<> take_flags(const ManifestProcess& process, init::Process& plan) {
  Request request;
  TRY(apply_flags(*find_verb("run"), process.flags, request));
  const RunOptions& run = request.run;
  const auto refuse = [&](std::string_view key) {
    return fail("{}: {}: only a manifest of one process has it", source_of(process, key), key);
  };
  if (!run.invoke.empty()) return refuse("invoke");
  if (!run.code_file.empty()) return refuse("code");
  if (!run.directories.empty())
    return fail(
        "{}: dir: processes under init cannot have directories of the host yet; tmpfs makes one in memory",
        source_of(process, "dir"));
  plan.arguments = {run.argv0.empty() ? process.file : run.argv0};
  plan.arguments.insert(plan.arguments.end(), process.arguments.begin(), process.arguments.end());
  plan.environment = run.environment;
  for (const MemoryDirectory& directory : run.memory_directories)
    plan.memory_directories.push_back({directory.guest, directory.quota});
  return {};
}

Result<> check_memory(const Manifest& manifest, const init::Plan& plan, std::uint64_t memory) {
  std::uint64_t left = memory;
  for (std::size_t i = 0; i < plan.processes.size(); ++i) {
    const std::uint64_t wanted = plan.processes[i].memory;
    if (wanted >= left)
      return fail("{}: memory: the processes up to this one want more than the machine's {} MiB",
                  source_of(manifest.processes[i], "memory"), memory >> 20);
    left -= wanted;
  }
  return {};
}

}  // namespace

Result<System> make_system(const Manifest& manifest, std::uint64_t memory) {
  System system;
  std::map<std::string, std::string> names;  // of files that are there, by the host's path
  for (const ManifestProcess& process : manifest.processes) {
    init::Process& plan = system.plan.processes.emplace_back(process.plan);
    if (plan.name.empty()) plan.name = fs::path(process.file).stem().string();
    if (plan.kind != init::Kind::program && !process.sources.contains("restart"))
      plan.restart = init::Restart::on_failure;
    TRY(look_at_module(process, plan));
    TRY(take_flags(process, plan));
    std::string& name = names[process.file];
    if (name.empty()) {
      name = std::format("programs/{}/{}", names.size(), fs::path(process.file).filename().string());
      system.programs.push_back({process.file, name});
    }
    plan.file = name;
    system.needs_devices |= std::ranges::any_of(
        plan.grants, [](const init::Grant& grant) { return grant.what <= init::Grant::What::interrupt; });
  }
  if (const auto problem = init::check(system.plan)) {
    const ManifestProcess& process =
        manifest.processes[std::min(problem->process, manifest.processes.size() - 1)];
    return fail("{}: {}: {}", source_of(process, problem->key), problem->key, problem->text);
  }
  TRY(check_memory(manifest, system.plan, memory));
  return system;
}

Result<std::vector<std::byte>> make_system_initfs(const System& system, bool compile) {
  InitfsWriter writer;
  init::Plan plan = system.plan;
  for (const SystemFile& program : system.programs) {
    const auto bytes = TRY(read_module(program.host));
    writer.add(program.name, bytes);
    std::vector<std::byte> code;
    if (compile) {
      code = TRY(compile_bytes(bytes, program.host));
    } else if (const std::string cached = cached_code(bytes, program.host); !cached.empty()) {
      code = TRY(read_file(cached));
    }
    if (code.empty()) continue;
    writer.add(program.name + ".code", code);
    for (init::Process& process : plan.processes)
      if (process.file == program.name) process.code = program.name + ".code";
  }
  const std::string text = init::write_plan(plan);
  writer.add(init::kPlanFile, std::as_bytes(std::span(text)));
  return writer.finish();
}

}  // namespace nebulet::tool
