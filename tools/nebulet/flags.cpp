// SPDX-License-Identifier: MIT
#include "tools/nebulet/flags.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "base/result.h"

namespace nebulet::tool {
namespace {

constexpr std::uint64_t kLeastMemory = 16 << 20;

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::uint64_t kMostMemory = 1ull << 44;

Result<> set_memory(Request& request, const std::string& text) {
  const auto size = parse_size(text);
  if (!size || *size < kLeastMemory)
    return fail("want a size of at least 16M and at most 16384G, like 512M or 2G");
  request.run.memory = *size;
  return {};
}

Result<> add_memory_directory(Request& request, const std::string& text) {
  constexpr std::uint64_t kLeast = 64 << 10, kUsual = 64 << 20;
  const auto colon = text.rfind(':');
  const auto size =
      colon == std::string::npos ? kUsual : parse_size(std::string_view(text).substr(colon + 1));
  const std::string guest = text.substr(0, colon);
  if (guest.empty() || !size || *size < kLeast)
    return fail(
        "want GUEST or GUEST:SIZE, a directory's name for the program and at least 64K, like /tmp:64M");
  request.run.memory_directories.push_back({guest, *size});
  return {};
}

Result<> add_directory(Request& request, const std::string& text) {
  const auto separator = text.find("::");
  Directory directory{text.substr(0, separator),
                      separator == std::string::npos ? text : text.substr(separator + 2)};
  if (directory.host.empty() || directory.guest.empty())
    return fail("want HOST or HOST::GUEST, a directory here and its name for the program");
  std::error_code error;
  if (!std::filesystem::exists(directory.host, error))
    return fail("there is no directory {} on this host; create it first", directory.host);
  if (!std::filesystem::is_directory(directory.host, error))
    return fail("{} is a file; a program gets whole directories", directory.host);
  if (::access(directory.host.c_str(), R_OK | X_OK) != 0)
    return fail("{} cannot be read by this user", directory.host);
  request.run.directories.push_back(std::move(directory));
  return {};
}

Result<> add_variable(Request& request, const std::string& text) {
  const auto equals = text.find('=');
  if (text.empty() || equals == 0) return fail("want NAME=VALUE, or NAME to pass on this shell's value");
  if (equals != std::string::npos) {
    request.run.environment.push_back(text);
    return {};
  }
  const char* value = std::getenv(text.c_str());
  if (value == nullptr) return fail("it is not set here; give a value with --env {}=VALUE", text);
  request.run.environment.push_back(text + "=" + value);
  return {};
}

Result<> set_cpus(Request& request, const std::string& text) {
  const auto number = parse_number<std::uint32_t>(text);
  if (!number || *number < 1 || *number > 64) return fail("want a number from 1 to 64");
  request.run.cpus = *number;
  return {};
}

Result<> set_machine(Request& request, const std::string& text) {
  request.run.machine = text == "pc" ? Machine::pc : text == "microvm" ? Machine::microvm : Machine::q35;
  return {};
}

Result<> set_timeout(Request& request, const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != 0 || !(seconds > 0 && seconds < 1e9))
    return fail("want a number of seconds, like 10 or 0.5");
  request.run.timeout = seconds;
  return {};
}

Result<> set_timer(Request& request, const std::string& text) {
  const auto number = parse_number<std::uint32_t>(text);
  if (!number || *number < 1 || *number > 100'000) return fail("want a number from 1 to 100000");
  request.run.timer_hz = *number;
  return {};
}

template <auto kMember>
Result<> set_run(Request& request, const std::string& text) {
  auto& member = request.run.*kMember;
  if constexpr (std::is_same_v<std::remove_reference_t<decltype(member)>, bool>) {
    member = true;
  } else if constexpr (requires { member.push_back(text); } &&
                       !std::is_same_v<std::remove_reference_t<decltype(member)>, std::string>) {
    member.push_back(text);
  } else {
    if (text.empty()) return fail("the value is empty");
    member = text;
  }
  return {};
}

Result<> set_profile(Request& request, const std::string& text) {
  constexpr std::string_view kFolded = "folded:";
  if (text == "perfmap") {
    request.run.perf_map = true;
  } else if (text.starts_with(kFolded) && text.size() > kFolded.size()) {
    request.run.profile_file = text.substr(kFolded.size());
  } else {
    return fail("want folded:FILE, for flame graphs, or perfmap, for perf");
  }
  return {};
}

Result<> set_profile_rate(Request& request, const std::string& text) {
  const auto number = parse_number<std::uint32_t>(text);
  if (!number || *number < 1 || *number > 10'000) return fail("want a number from 1 to 10000");
  request.run.profile_hz = *number;
  return {};
}

Result<> set_format(Request& request, const std::string& text) {
  request.build.wanted = text == "iso"    ? ImageFormat::iso
                         : text == "disk" ? ImageFormat::disk
                                          : ImageFormat::elf;
  return {};
}

Result<> set_output(Request& request, const std::string& text) {
  if (text.empty()) return fail("the value is empty; want the name of a file");
  request.build.output = text;
  request.compile.output = text;
  return {};
}

Result<> set_times(Request& request, const std::string&) {
  request.compile.times = true;
  return {};
}

Result<> set_function(Request& request, const std::string& text) {
  request.inspect.function = text;
  return {};
}

Result<> set_after(Request& request, const std::string& text) {
  request.inspect.after = text;
  return {};
}

constexpr Flag kRunFlags[] = {
    {"hosted", 0, "", "run in a Linux process, not in a virtual machine", set_run<&RunOptions::hosted>},
    {"dir", 0, "DIR[::GUEST]", "a directory that the program may use; repeatable", add_directory, true, true},
    {"tmpfs", 0, "GUEST[:SIZE]", "a directory in memory [64M]; repeatable", add_memory_directory, true, true},
    {"env", 0, "NAME[=VALUE]", "a variable, or this shell's value; repeatable", add_variable, true, true},
    {"argv0", 0, "NAME", "the program's own name, argv[0]", set_run<&RunOptions::argv0>, true},
    {"invoke", 0, "NAME", "call an export with the ARGUMENTS", set_run<&RunOptions::invoke>, true},
    {"code", 0, "FILE", "its code, which `nebulet compile` wrote", set_run<&RunOptions::code_file>, true},
    {"memory", 'm', "SIZE", "memory of the machine, like 64M or 2G [512M]", set_memory},
    {"cpus", 'c', "N", "number of processors [1]", set_cpus},
    {"machine", 0, "pc|q35|microvm", "the virtual machine [q35]", set_machine},
    {"timeout", 0, "SECONDS", "end the program then, with exit code 124", set_timeout},
    {"devices", 0, "", "the program is a driver: it may use all devices", set_run<&RunOptions::devices>},
    {"stats", 0, "", "say at the end what it took", set_run<&RunOptions::stats>},
    {"log", 0, "error|warn|info|debug", "what the kernel reports [warn]", set_run<&RunOptions::log_level>},
    {"log-file", 0, "FILE", "append the kernel's log to a file", set_run<&RunOptions::log_file>},
    {"trace", 0, "FILE", "record calls and switches, for ui.perfetto.dev", set_run<&RunOptions::trace_file>},
    {"core", 0, "FILE", "what is left of a process that traps", set_run<&RunOptions::core_file>},
    {"profile", 0, "FORM", "folded:FILE, for flame graphs; perfmap, for perf", set_profile},
    {"profile-hz", 0, "N", "how often folded stacks are sampled [997]", set_profile_rate, false, false, true},
    {"timer-hz", 0, "N", "rate of the preemption timer [100]", set_timer, false, false, true},
    {"dry-run", 0, "", "print the command that would run, and stop", set_run<&RunOptions::dry_run>, false,
     false, true},
    {"gdb", 0, "", "wait for gdb on port 1234 at the beginning", set_run<&RunOptions::gdb>},
    {"qemu", 0, "WORD", "add a word to QEMU's command line; repeatable", set_run<&RunOptions::qemu>, false,
     true, true},
};

constexpr Flag kBuildFlags[] = {
    {"output", 'o', "FILE", "X.iso, X.img (a raw disk), or a directory", set_output},
    {"format", 0, "elf|iso|disk", "what to make, whatever the name says", set_format},
    {"dir", 0, "DIR[::GUEST]", "copy a directory for the program; repeatable", add_directory, true, true},
    {"tmpfs", 0, "GUEST[:SIZE]", "a directory in memory [64M]; repeatable", add_memory_directory, true, true},
    {"env", 0, "NAME[=VALUE]", "a variable, or this shell's value; repeatable", add_variable, true, true},
    {"argv0", 0, "NAME", "the program's own name, argv[0]", set_run<&RunOptions::argv0>, true},
    {"log", 0, "error|warn|info|debug", "what the kernel reports [warn]", set_run<&RunOptions::log_level>},
};

constexpr Flag kCompileFlags[] = {
    {"output", 'o', "FILE", "the code file [FILE.wasm.code]", set_output},
    {"times", 0, "", "print the CPU time of each stage of the compiler", set_times},
};

constexpr Flag kInspectFlags[] = {
    {"func", 0, "NAME|INDEX", "one function", set_function},
    {"after", 0, "STAGE", "show it after this stage of the compiler [code]", set_after},
};

constexpr VerbSpec kVerbs[] = {
    {Verb::run, "run", "[FLAGS] FILE.wasm|FILE.toml|- [ARGUMENTS]",
     "Run a WASI program, in a virtual machine or hosted.", kRunFlags, "*.wasm", true,
     "Exit codes: 124 time-out, 125 usage, 126 machine, 134 trap, 137 limit reached."},
    {Verb::compile, "compile", "[FLAGS] FILE.wasm",
     "Compile a module ahead of time, for `nebulet run --code`.", kCompileFlags, "*.wasm"},
    {Verb::build, "build", "-o OUT [FLAGS] FILE.wasm|FILE.toml [ARGUMENTS]",
     "Make an image that boots and runs a program, or a manifest's.", kBuildFlags, "*.wasm", true,
     "OUT.iso is for CDs and USB sticks, OUT.img a raw disk; BIOS and UEFI boot both.\n"
     "A directory gets nebulet.elf and initfs.cpio, for -kernel and -initrd. The\n"
     "program's streams are the first serial port. Without words, build makes\n"
     "Nebulet itself."},
    {Verb::inspect, "inspect", "[FLAGS] FILE.wasm|CORE",
     "Show a module, how a function is compiled, or a core dump.", kInspectFlags, "*.wasm"},
    {Verb::checkout,
     "wast",
     "[--hosted] FILE.wast …",
     "Run scripts of the official WebAssembly test suite.",
     {},
     "*.wast",
     true},
    {Verb::checkout,
     "test",
     "[GROUP … | --wasi DIR]",
     "Run the tests, all or some groups of them.",
     {},
     "",
     true},
    {Verb::checkout, "bench", "[NAME …]", "Run the benchmarks, beside their peers.", {}, "", true},
    {Verb::checkout, "doctor", "", "Say what this host has and lacks.", {}, "", true},
    {Verb::completion,
     "completion",
     "bash|zsh|fish",
     "Print a shell's completion script.",
     {},
     "bash|zsh|fish",
     false,
     "bash: source <(./nebulet completion bash)\nzsh:  source <(./nebulet completion zsh)\n"
     "fish: ./nebulet completion fish | source"},
};

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number<std::uint64_t>(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  constexpr std::string_view kUnits[] = {"bB", "kK", "mM", "gG"};
  const auto found = std::ranges::find_if(
      kUnits, [&](std::string_view u) { return unit.size() == 1 && u.contains(unit[0]); });
  const unsigned shift = unit.empty() ? 0 : 10 * static_cast<unsigned>(found - std::begin(kUnits));
  if (!number || (!unit.empty() && found == std::end(kUnits)) || *number > kMostMemory >> shift)
    return std::nullopt;
  return *number << shift;
}

std::span<const VerbSpec> verbs() { return kVerbs; }

const VerbSpec* find_verb(std::string_view name) {
  const auto found = std::ranges::find(kVerbs, name, &VerbSpec::name);
  return found == std::end(kVerbs) ? nullptr : found;
}

const Flag* find_flag(const VerbSpec& verb, std::string_view name) {
  const auto found = std::ranges::find(verb.flags, name, &Flag::name);
  return found == verb.flags.end() ? nullptr : &*found;
}

std::string help_text(const VerbSpec* verb) {
  std::string text;
  const auto row = [&](std::string_view left, std::string_view right) {
    text += std::format("  {:<27} {}\n", left, right);
  };
  if (verb == nullptr) {
    text = "Nebulet runs WebAssembly programs in ring 0.\n\nusage: nebulet VERB [FLAGS] …\n\n";
    for (const VerbSpec& each : kVerbs) text += std::format("  {:<11} {}\n", each.name, each.text);
    return text + "\n`nebulet VERB --help` shows a verb's flags, `nebulet --version` the version.\n";
  }
  text = std::format("usage: nebulet {} {}\n{}\n", verb->name, verb->usage, verb->text);
  if (!verb->flags.empty()) text += '\n';
  for (const Flag& flag : verb->flags) {
    if (flag.hidden) continue;
    const std::string letter = flag.letter ? std::format("-{}, ", flag.letter) : std::string();
    row(std::format("{}--{} {}", letter, flag.name, flag.value), flag.text);
  }
  if (!verb->footer.empty()) text += std::format("\n{}\n", verb->footer);
  return text;
}

}  // namespace nebulet::tool
