// SPDX-License-Identifier: MIT
// CLI11 cuts the words into flags and operands; what they mean is in the table (flags.h). CLI11 reports
// errors by exceptions, which stay in this file.
#include "tools/nebulet/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/result.h"
#include "tools/nebulet/flags.h"
#include "tools/nebulet/manifest.h"
#include "tools/nebulet/suggest.h"
#include "tools/nebulet/system.h"

namespace nebulet::tool {
namespace {

struct Words {
  std::vector<GivenFlag> flags;
  std::vector<std::string> operands;
  bool help = false;
};

std::vector<std::string_view> flag_names(const VerbSpec& verb) {
  std::vector<std::string_view> names = {"help"};
  for (const Flag& flag : verb.flags) names.push_back(flag.name);
  return names;
}

std::unexpected<Failure> unknown_flag(const VerbSpec& verb, std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  const auto bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  return fail("{} {}: no such flag{}; nebulet {} --help lists them", verb.name, name,
              did_you_mean(bare, flag_names(verb), "--"), verb.name);
}

/// Only the flags before the first operand are the tool's where the rest is passed on.
Result<Words> split(const VerbSpec& verb, std::span<const std::string> words) {
  Words found;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.prefix_command(verb.passes_rest);
  app.add_flag_callback("-h,--help", [&] { found.help = true; });
  for (const Flag& flag : verb.flags) {
    const std::string name =
        std::format("{}--{}", flag.letter ? std::format("-{},", flag.letter) : "", flag.name);
    const auto take = [&found, &flag](const std::string& value) {
      found.flags.push_back({.name = std::string(flag.name), .value = value, .source = {}});
    };
    if (flag.value.empty()) {
      app.add_flag_callback(name, [take] { take({}); });
    } else {
      app.add_option_function<std::vector<std::string>>(
             name, [take](const std::vector<std::string>& values) { std::ranges::for_each(values, take); })
          ->type_size(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::ArgumentMismatch& error) {
    // "--name: 1 required …": the flag is last, or what follows looks like a flag.
    const std::string text = error.what();
    return fail("{} {}: it needs a value; nebulet {} --help says which", verb.name,
                text.substr(0, text.find(':')), verb.name);
  } catch (const CLI::ParseError& error) {
    return fail("{}: {}; nebulet {} --help lists its flags", verb.name, error.what(), verb.name);
  }
  found.operands = app.remaining();
  return found;
}

std::vector<std::string_view> choices(std::string_view list) {
  std::vector<std::string_view> words;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find('|'), list.size());
    words.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

/// A list of words, not a name in capitals.
bool is_choice(std::string_view value) { return !value.empty() && value[0] >= 'a' && value[0] <= 'z'; }

Result<> choose(std::string_view list, const std::string& word) {
  const auto known = choices(list);
  if (std::ranges::contains(known, word)) return {};
  std::string text;
  for (std::size_t i = 0; i < known.size(); ++i)
    text += std::format("{}{}", i == 0 ? "" : i + 1 == known.size() ? " or " : ", ", known[i]);
  return fail("want {}{}", text, did_you_mean(word, known));
}

Result<std::string> one_file(const VerbSpec& verb, const std::vector<std::string>& operands) {
  if (operands.empty()) return fail("{}: which file? usage: nebulet {} {}", verb.name, verb.name, verb.usage);
  if (operands.size() > 1)
    return fail("{} {}: one file at a time; {} is too much", verb.name, operands[0], operands[1]);
  return operands[0];
}

void take_program(const ManifestProcess& process, RunOptions& run) {
  run.file = process.file;
  if (run.arguments.empty()) run.arguments = process.arguments;
}

/// Which of the programs would they be for?
Result<> no_words_for_programs(const VerbSpec& verb, const Words& words, const RunOptions& run) {
  if (!run.arguments.empty())
    return fail("{} {}: it starts its programs with arguments of its own; {} is too much", verb.name,
                run.file, run.arguments[0]);
  for (const GivenFlag& given : words.flags) {
    if (find_flag(verb, given.name)->of_program)
      return fail("{} --{}: {} says it of each program", verb.name, given.name, run.file);
  }
  return {};
}

Result<> take_system(const Manifest& manifest, RunOptions& run) {
  auto system = std::make_shared<System>(TRY(make_system(manifest, run.memory)));
  run.devices |= system->needs_devices;
  run.argv0 = "init";
  run.arguments.clear();
  run.environment.clear();
  run.memory_directories.clear();
  run.directories = system->exports;
  run.system = std::move(system);
  return {};
}

Result<Request> make_run(const VerbSpec& verb, Words& words, Request request) {
  RunOptions& run = request.run;
  constexpr const char* kManifest = "nebulet.toml";
  if (words.operands.empty() && ::access(kManifest, F_OK) == 0) words.operands = {kManifest};
  if (words.operands.empty()) return fail("run: which program? usage: nebulet run {}", verb.usage);
  run.file = words.operands[0];
  run.arguments.assign(words.operands.begin() + 1, words.operands.end());
  if (run.file.ends_with(".toml")) {
    const Manifest manifest = TRY(read_manifest(run.file));
    TRY(apply_flags(verb, manifest.flags, request));
    if (!manifest.needs_init()) {
      take_program(manifest.processes[0], run);
      TRY(apply_flags(verb, manifest.processes[0].flags, request));
    } else {
      TRY(no_words_for_programs(verb, words, run));
    }
    TRY(apply_flags(verb, words.flags, request));
    if (manifest.needs_init()) TRY(take_system(manifest, run));
  } else {
    TRY(apply_flags(verb, words.flags, request));
  }
  if (run.perf_map && !run.hosted)
    return fail("run --profile=perfmap: perf cannot look into a virtual machine; add --hosted");
  if (run.gdb && run.hosted && !run.dry_run)
    return fail("run --gdb: gdb starts a Linux process itself; --hosted --dry-run prints its command");
  if (run.devices && run.hosted)
    return fail("run {}: a Linux process has no devices to give; leave out --hosted",
                run.system ? run.file : "--devices");
  return request;
}

/// A program with directories becomes a system, whose archive has a copy of them.
Manifest with_files(ManifestProcess process, const RunOptions& run) {
  process.file = run.file;
  process.arguments = run.arguments;
  process.files = run.directories;
  process.plan.input = init::Process::kConsole;
  std::erase_if(process.flags, [](const GivenFlag& flag) {
    const Flag* const known = find_flag(*find_verb("run"), flag.name);
    return known == nullptr || !known->of_program || flag.name == "dir";
  });
  return {.processes = {std::move(process)}};
}

/// What it says of the machine is for `run` and of no use here, but for what the kernel is told.
Result<Manifest> image_manifest(const VerbSpec& verb, const Words& words, Request& request) {
  RunOptions& run = request.run;
  Manifest manifest = TRY(read_manifest(run.file));
  const VerbSpec& run_verb = *find_verb("run");
  TRY(apply_flags(run_verb, manifest.flags, request));
  if (manifest.needs_init()) {
    TRY(no_words_for_programs(verb, words, run));
    for (const ManifestProcess& process : manifest.processes) {
      const auto dir = process.sources.find("dir");
      if (dir != process.sources.end())
        return fail("{}: dir: an image has no directories of this host; `files` copies one into it",
                    dir->second);
    }
    return manifest;
  }
  take_program(manifest.processes[0], run);
  TRY(apply_flags(run_verb, manifest.processes[0].flags, request));
  manifest.processes[0].flags.insert(manifest.processes[0].flags.end(), words.flags.begin(),
                                     words.flags.end());
  return manifest;
}

Result<Request> make_build(const VerbSpec& verb, Words& words, Request request) {
  if (words.operands.empty() && words.flags.empty()) {
    request.verb = Verb::checkout;
    request.words = {"build"};
    return request;
  }
  if (words.operands.empty()) return fail("build: which program? usage: nebulet build {}", verb.usage);
  BuildOptions& build = request.build;
  RunOptions& run = request.run;
  run.file = words.operands[0];
  run.arguments.assign(words.operands.begin() + 1, words.operands.end());
  Manifest manifest{.processes = {{.flags = words.flags}}};
  manifest.processes[0].sources.emplace("", "build " + run.file);
  if (run.file.ends_with(".toml")) manifest = TRY(image_manifest(verb, words, request));
  TRY(apply_flags(verb, words.flags, request));
  if (build.output.empty()) {
    return fail("build {}: --output is missing: X.iso, X.img or a directory, in front of the program",
                run.file);
  }
  if (manifest.needs_init()) {
    TRY(take_system(manifest, run));
  } else if (!run.directories.empty()) {
    TRY(take_system(with_files(std::move(manifest.processes[0]), run), run));
  }
  run.text_console = true;
  build.run = run;
  build.format = build.wanted                     ? *build.wanted
                 : build.output.ends_with(".iso") ? ImageFormat::iso
                 : build.output.ends_with(".img") ? ImageFormat::disk
                                                  : ImageFormat::elf;
  return request;
}

}  // namespace

Result<> apply_flags(const VerbSpec& verb, std::span<const GivenFlag> flags, Request& request) {
  for (const GivenFlag& given : flags) {
    const Flag& flag = *find_flag(verb, given.name);
    Result<> done;
    if (is_choice(flag.value)) done = choose(flag.value, given.value);
    if (done) done = flag.set(request, given.value);
    if (done) continue;
    if (!given.source.empty())
      return fail("{}{} {}: {}", given.source, given.name, given.value, done.error().message);
    return fail("{} --{} {}: {}", verb.name, given.name, given.value, done.error().message);
  }
  return {};
}

Result<Request> parse_command_line(std::span<const std::string> words) {
  Request request;
  const std::string first = words.empty() ? "--help" : words[0];
  if (first == "--help" || first == "-h" || first == "help") {
    const VerbSpec* const about = words.size() > 1 ? find_verb(words[1]) : nullptr;
    if (words.size() > 1 && about == nullptr)
      return fail("help {}: no such verb; nebulet --help lists them", words[1]);
    std::fputs(help_text(about).c_str(), stdout);
    return request;
  }
  if (first == "--version") {
    std::puts("nebulet 0.1.0");
    return request;
  }
  const VerbSpec* const verb = find_verb(first);
  if (verb == nullptr) {
    if (first.ends_with(".wasm") || first.ends_with(".toml"))
      return fail("{}: no such verb; to run the program: nebulet run {}", first, first);
    std::vector<std::string_view> names;
    for (const VerbSpec& each : verbs()) names.push_back(each.name);
    return fail("{}: no such verb{}; nebulet --help lists them", first, did_you_mean(first, names));
  }
  Words split_words = TRY(split(*verb, words.subspan(1)));
  if (split_words.help) {
    std::fputs(help_text(verb).c_str(), stdout);
    return request;
  }
  if (verb->verb == Verb::checkout) {
    request.verb = Verb::checkout;
    request.words.assign(words.begin(), words.end());
    return request;
  }
  auto& operands = split_words.operands;
  const auto flag =
      std::ranges::find_if(operands, [](const std::string& w) { return w.size() > 1 && w[0] == '-'; });
  if (flag != operands.end() && (!verb->passes_rest || flag == operands.begin()))
    return unknown_flag(*verb, *flag);
  request.verb = verb->verb;
  if (verb->verb == Verb::run) return make_run(*verb, split_words, std::move(request));
  if (verb->verb == Verb::build) return make_build(*verb, split_words, std::move(request));
  TRY(apply_flags(*verb, split_words.flags, request));
  const std::string operand = TRY(one_file(*verb, operands));
  request.compile.file = request.inspect.file = request.shell = operand;
  if (is_choice(verb->operand)) {
    if (const auto known = choose(verb->operand, operand); !known)
      return fail("{} {}: {}", verb->name, operand, known.error().message);
  }
  return request;
}

}  // namespace nebulet::tool
