// SPDX-License-Identifier: MIT
#include "tools/nebulet/system.h"

#include <algorithm>
#include <filesystem>

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

/// Services that the tool adds when they are needed.
constexpr std::string_view kHostfs = "nebulet:hostfs", kInitfs = "nebulet:initfs";

/// What the module says about how it wants to be run.
Result<> look_at_module(const ManifestProcess& process, const std::string& file, init::Process& plan) {
  const auto bytes = read_module(file);
  if (!bytes) return fail("{}: file: {}", source_of(process, "file"), bytes.error().message);
  const auto module = wasm::decode_module(*bytes);
  if (!module) return fail("{}: file: {}: {}", source_of(process, "file"), file, module.error().message);
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
                source_of(process, "file"), file);
  return {};
}

/// By the meaning that `nebulet run` gives to the flags.
Result<> take_flags(const ManifestProcess& process, init::Process& plan, System& system) {
  Request request;
  TRY(apply_flags(*find_verb("run"), process.flags, request));
  const RunOptions& run = request.run;
  const auto refuse = [&](std::string_view key) {
    return fail("{}: {}: only a manifest of one process has it", source_of(process, key), key);
  };
  if (!run.invoke.empty()) return refuse("invoke");
  if (!run.code_file.empty()) return refuse("code");
  plan.arguments = {run.argv0.empty() ? process.file : run.argv0};
  plan.arguments.insert(plan.arguments.end(), process.arguments.begin(), process.arguments.end());
  plan.environment = run.environment;
  for (const Directory& directory : run.directories) {
    // The cookie of the door says which of the service's directories it leads to.
    system.exports.push_back({directory.host, std::format("d{}", system.exports.size())});
    plan.mounts.push_back({directory.guest, std::string(kHostfs), "", system.exports.size()});
  }
  for (const Directory& directory : process.files) {
    std::error_code error;
    if (!fs::is_directory(directory.host, error))
      return fail("{}: files: there is no directory {} on this host", source_of(process, "files"),
                  directory.host);
    system.directories.push_back({directory.host, std::format("files/{}", system.directories.size())});
    plan.mounts.push_back({directory.guest, std::string(kInitfs), "", system.directories.size()});
  }
  for (const MemoryDirectory& directory : run.memory_directories)
    plan.memory_directories.push_back({directory.guest, directory.quota});
  return {};
}

Result<> check_memory(const Manifest& manifest, const init::Plan& plan, std::uint64_t memory) {
  std::uint64_t left = memory;
  for (std::size_t i = 0; i < manifest.processes.size(); ++i) {
    const std::uint64_t wanted = plan.processes[i].memory;
    if (wanted >= left)
      return fail("{}: memory: the processes up to this one want more than the machine's {} MiB",
                  source_of(manifest.processes[i], "memory"), memory >> 20);
    left -= wanted;
  }
  return {};
}

/// The file's name in the initfs. Each is there once.
std::string add_program(System& system, const std::string& host) {
  const auto found = std::ranges::find(system.programs, host, &SystemFile::host);
  if (found != system.programs.end()) return found->name;
  const std::string name =
      std::format("programs/{}/{}", system.programs.size(), fs::path(host).filename().string());
  system.programs.push_back({host, name});
  return name;
}

/// A service that hands out directories by their names, which are its arguments.
void add_service(System& system, const Installation& installation, std::string_view service,
                 init::Grant::What source, std::vector<std::string> directories) {
  const std::string name(service.substr(kBuiltIn.size()));
  directories.insert(directories.begin(), name);
  system.plan.processes.push_back(
      {.name = std::string(service),
       .file = add_program(system, installation.module(name)),
       .kind = init::Kind::service,
       .restart = init::Restart::on_failure,
       .memory = 8 << 20,
       .arguments = std::move(directories),
       .grants = {{init::Grant::What::serve, std::string(service), "service"}, {source, "", ""}}});
}

/// After the manifest's processes, whose places are known by then.
void add_file_services(System& system, const Installation& installation) {
  std::vector<std::string> exports, directories;
  for (const Directory& directory : system.exports) exports.push_back(directory.guest);
  for (const SystemFile& directory : system.directories) directories.push_back(directory.name);
  if (!exports.empty())
    add_service(system, installation, kHostfs, init::Grant::What::files, std::move(exports));
  if (!directories.empty())
    add_service(system, installation, kInitfs, init::Grant::What::archive, std::move(directories));
}

/// Regular files and directories; a link would lead to somewhere else on the machine than here.
Result<> add_directory(InitfsWriter& writer, const SystemFile& directory) {
  std::error_code error;
  fs::recursive_directory_iterator at(directory.host, error), end;
  std::vector<fs::path> found;
  for (; !error && at != end; at.increment(error)) found.push_back(at->path());
  if (error) return fail("files: {}: {}", directory.host, error.message());
  std::ranges::sort(found);  // the same archive each time
  writer.add_directory(directory.name);
  for (const fs::path& path : found) {
    const std::string name = directory.name + "/" + fs::relative(path, directory.host, error).string();
    const auto type = fs::symlink_status(path, error).type();
    if (type == fs::file_type::directory) {
      writer.add_directory(name);
    } else if (type == fs::file_type::regular) {
      writer.add(name, TRY(read_file(path.string())));
    } else {
      return fail("files: {}: neither a file nor a directory, and only those can be copied", path.string());
    }
  }
  return {};
}

}  // namespace

Result<System> make_system(const Manifest& manifest, std::uint64_t memory) {
  const Installation installation = TRY(Installation::locate());
  System system;
  for (const ManifestProcess& process : manifest.processes) {
    init::Process& plan = system.plan.processes.emplace_back(process.plan);
    if (plan.name.empty()) plan.name = fs::path(process.file).stem().string();
    if (plan.kind != init::Kind::program && !process.sources.contains("restart"))
      plan.restart = init::Restart::on_failure;
    std::string file = process.file;
    if (file.starts_with(kBuiltIn)) {
      file = installation.module(file.substr(kBuiltIn.size()));
      if (file.empty())
        return fail("{}: file: {}: Nebulet has no such service or driver", source_of(process, "file"),
                    process.file);
    }
    TRY(look_at_module(process, file, plan));
    TRY(take_flags(process, plan, system));
    plan.file = add_program(system, file);
    system.needs_devices |=
        std::ranges::any_of(plan.grants, [](const init::Grant& grant) { return grant.is_of_machine(); });
  }
  add_file_services(system, installation);
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
  for (const SystemFile& directory : system.directories) TRY(add_directory(writer, directory));
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
