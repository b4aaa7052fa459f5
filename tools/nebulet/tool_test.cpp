// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <format>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tools/nebulet/cache.h"
#include "tools/nebulet/cli.h"
#include "tools/nebulet/command_line.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/completion.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/flags.h"
#include "tools/nebulet/initfs.h"
#include "tools/nebulet/invoke.h"
#include "tools/nebulet/link.h"
#include "tools/nebulet/progress.h"
#include "tools/nebulet/qemu.h"

namespace nebulet::tool {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST(CommandLine, EncodesWhatWouldEndAValue) {
  RunOptions options{.file = "a b.wasm", .arguments = {"x=1", "", "100%\n"}};
  options.hosted = true;
  EXPECT_EQ(kernel_command_line(options), "log=warn arg=a%20b.wasm arg=x%3D1 arg= arg=100%25%0A");
}

struct Mistake {
  std::vector<std::string> words;
  std::string message;
};

TEST(CommandLine, SaysWhatIsWrongAndWhatToDo) {
  const Mistake mistakes[] = {
      {{"rnu", "p.wasm"}, "rnu: no such verb (did you mean run?); nebulet --help lists them"},
      {{"levitate"}, "levitate: no such verb; nebulet --help lists them"},
      {{"p.wasm"}, "p.wasm: no such verb; to run the program: nebulet run p.wasm"},
      {{"help", "rnu"}, "help rnu: no such verb; nebulet --help lists them"},
      {{"run"}, "run: which program? usage: nebulet run [FLAGS] FILE.wasm|FILE.toml|- [ARGUMENTS]"},
      {{"run", "--hostde", "p.wasm"},
       "run --hostde: no such flag (did you mean --hosted?); nebulet run --help lists them"},
      {{"run", "--time=3", "p.wasm"},
       "run --time: no such flag (did you mean --timeout?); nebulet run --help lists them"},
      {{"run", "-q"}, "run -q: no such flag; nebulet run --help lists them"},
      {{"run", "--dir"}, "run --dir: it needs a value; nebulet run --help says which"},
      {{"run", "--dir", "::x", "p.wasm"},
       "run --dir ::x: want HOST or HOST::GUEST, a directory here and its name for the program"},
      {{"run", "--dir", "/no/where", "p.wasm"},
       "run --dir /no/where: there is no directory /no/where on this host; create it first"},
      {{"run", "--tmpfs", "/tmp:1k", "p.wasm"},
       "run --tmpfs /tmp:1k: want GUEST or GUEST:SIZE, a directory's name for the program and at least 64K, "
       "like /tmp:64M"},
      {{"run", "--dir", "/proc/self/exe", "p.wasm"},
       "run --dir /proc/self/exe: /proc/self/exe is a file; a program gets whole directories"},
      {{"run", "--env", "=1", "p.wasm"},
       "run --env =1: want NAME=VALUE, or NAME to pass on this shell's value"},
      {{"run", "--env", "NB_UNSET", "p.wasm"},
       "run --env NB_UNSET: it is not set here; give a value with --env NB_UNSET=VALUE"},
      {{"run", "-m", "lots", "p.wasm"},
       "run --memory lots: want a size of at least 16M and at most 16384G, like 512M or 2G"},
      {{"run", "-m", "1M", "p.wasm"},
       "run --memory 1M: want a size of at least 16M and at most 16384G, like 512M or 2G"},
      {{"run", "-m", "99999999999999999999", "p.wasm"},
       "run --memory 99999999999999999999: want a size of at least 16M and at most 16384G, like 512M or 2G"},
      {{"run", "-c", "65", "p.wasm"}, "run --cpus 65: want a number from 1 to 64"},
      {{"run", "--machine", "micorvm", "p.wasm"},
       "run --machine micorvm: want pc, q35 or microvm (did you mean microvm?)"},
      {{"run", "--timeout", "soon", "p.wasm"},
       "run --timeout soon: want a number of seconds, like 10 or 0.5"},
      {{"run", "--timer-hz", "0", "p.wasm"}, "run --timer-hz 0: want a number from 1 to 100000"},
      {{"run", "--log", "all", "p.wasm"}, "run --log all: want error, warn, info or debug"},
      {{"run", "--invoke", "", "p.wasm"}, "run --invoke : the value is empty"},
      {{"run", "--devices", "--hosted", "p.wasm"},
       "run --devices: a Linux process has no devices to give; leave out --hosted"},
      {{"run", "--profile", "perfmap", "p.wasm"},
       "run --profile=perfmap: perf cannot look into a virtual machine; add --hosted"},
      {{"compile"}, "compile: which file? usage: nebulet compile [FLAGS] FILE.wasm"},
      {{"compile", "a", "b"}, "compile a: one file at a time; b is too much"},
      {{"compile", "--ouptut", "x", "a"},
       "compile --ouptut: no such flag (did you mean --output?); nebulet compile --help lists them"},
      {{"completion", "tcsh"}, "completion tcsh: want bash, zsh or fish"},
  };
  for (const Mistake& mistake : mistakes) {
    const auto request = parse_command_line(mistake.words);
    ASSERT_FALSE(request) << mistake.message;
    EXPECT_EQ(request.error().message, mistake.message);
    EXPECT_EQ(request.error().exit_code, 125);
  }
}

TEST(CommandLine, LeavesEverythingBehindTheProgramToIt) {
  const std::vector<std::string> words = {"run", "-m64M",    "--env",  "A=1",      "--env=B=", "--cpus",
                                          "2",   "--cpus=3", "p.wasm", "--hosted", "--",       "-m"};
  const auto request = parse_command_line(words);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->run.file, "p.wasm");
  EXPECT_EQ(request->run.arguments, (std::vector<std::string>{"--hosted", "--", "-m"}));
  EXPECT_EQ(request->run.environment, (std::vector<std::string>{"A=1", "B="}));
  EXPECT_EQ(request->run.memory, 64u << 20);
  EXPECT_EQ(request->run.cpus, 3u);  // the last one counts
  EXPECT_FALSE(request->run.hosted);
}

TEST(Help, FitsOnAScreenForEveryVerb) {
  const auto fits = [](const std::string& text) {
    std::istringstream lines(text);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), 80u) << line;
    EXPECT_LE(count, 24) << text;
  };
  fits(help_text(nullptr));
  for (const VerbSpec& verb : verbs()) fits(help_text(&verb));
}

TEST(Completion, NamesEveryVerbAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell);
    for (const VerbSpec& verb : verbs()) {
      EXPECT_NE(script.find(verb.name), std::string::npos) << shell << ": " << verb.name;
      for (const Flag& flag : verb.flags)
        EXPECT_EQ(script.find(std::string(" ") +
                              (shell[0] == 'f'   ? "-l "
                               : shell[0] == 'z' ? "'*--"
                                                 : "--") +
                              std::string(flag.name)) == std::string::npos,
                  flag.hidden)
            << shell << ": " << flag.name;
    }
  }
}

/// What a shell says to `command`, with the completion script in $script.
std::string shell(const std::string& name, const std::string& command) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("nebulet-completion-" + std::to_string(::getpid()));
  std::ofstream(path) << completion_script(name);
  FILE* const pipe = ::popen(("script=" + path + " " + name + " -c '" + command + "' 2>&1").c_str(), "r");
  std::string said;
  for (int c; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) said += static_cast<char>(c);
  if (pipe != nullptr) ::pclose(pipe);
  std::filesystem::remove(path);
  return said;
}

TEST(Completion, BashCompletesVerbsFlagsAndValues) {
  const auto complete = [](const std::string& words, int at) {
    return shell("bash", "compopt() { :; }; . $script; COMP_WORDS=(" + words +
                             "); COMP_CWORD=" + std::to_string(at) + "; _nebulet; echo ${COMPREPLY[*]}");
  };
  EXPECT_EQ(complete("nebulet co", 1), "compile completion\n");
  EXPECT_EQ(complete("nebulet run --ma", 2), "--machine\n");
  EXPECT_EQ(complete("nebulet run --machine \"\"", 3), "pc q35 microvm\n");
  EXPECT_EQ(complete("nebulet run -c \"\"", 3), "\n");
  EXPECT_EQ(complete("nebulet run --hosted /proc/self/ex", 3), "/proc/self/exe\n");
  EXPECT_EQ(complete("nebulet completion z", 2), "zsh\n");
}

TEST(Completion, OtherShellsUnderstandTheirScripts) {
  for (const char* name : {"zsh", "fish"}) {
    if (shell(name, "echo here") != "here\n") continue;  // not installed
    EXPECT_EQ(shell(name, std::string(name) + " -n $script && echo fine"), "fine\n") << name;
  }
}

TEST(Progress, WaitsAndSpeaksOnlyToTerminals) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_NONBLOCK), 0);
  const auto written = [&] {
    char buffer[256];
    const ssize_t n = ::read(pipe[0], buffer, sizeof buffer);
    return std::string(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
  };
  Progress(pipe[1], true, std::chrono::hours(1)).say("too early");
  EXPECT_EQ(written(), "");
  Progress(pipe[1], false, {}).say("no terminal");
  EXPECT_EQ(written(), "");
  {
    Progress progress(pipe[1], true, {});
    progress.say("compiling a\x1b" + std::string(100, 'b'));
    EXPECT_EQ(written(), "\r\x1b[Knebulet: compiling a?" + std::string(76 - 12, 'b'));
  }
  EXPECT_EQ(written(), "\r\x1b[K");
  ::close(pipe[0]), ::close(pipe[1]);
}

TEST(Invoke, OperandsAndResultsAreInverse) {
  const std::pair<wasm::ValType, const char*> kWords[] = {
      {wasm::kI32, "-2147483648"}, {wasm::kI64, "9223372036854775807"},
      {wasm::kF32, "1e-45"},       {wasm::kF32, "3.4028235e+38"},
      {wasm::kF64, "5e-324"},      {wasm::kF64, "-0"},
      {wasm::kF64, "nan"},         {wasm::kF32, "-nan:0x1"},
      {wasm::kF64, "-inf"},        {wasm::kF64, "0.1"}};
  for (const auto& [type, word] : kWords) {
    const auto operand = make_operand(type, word);
    ASSERT_TRUE(operand) << word;
    EXPECT_EQ(format_result(*operand), word);
  }
  for (const char* bad : {"", "-", "x", "0x", "1 ", "nan:0x0", "nan:0x800000", "infinity", "--1"}) {
    EXPECT_FALSE(make_operand(wasm::kF32, bad)) << bad;
    EXPECT_FALSE(make_operand(wasm::kI32, bad)) << bad;
  }
}

TEST(Files, WritesIntoWhatIsNoRegularFile) {
  const std::string path = "/tmp/nebulet-fifo-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_TRUE(write_file(path, bytes_of("code")));
  char got[8] = {};
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 4);
  EXPECT_EQ(std::string(got), "code");
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISFIFO(status.st_mode));
  ::unlink(path.c_str());
}

/// (module (func) (data "…")), of a size that depends on `n`.
std::vector<std::byte> module_of(unsigned char n) {
  const unsigned char bytes[] = {0, 'a', 's', 'm', 1,  0, 0, 0, 1, 4,    1, 0x60, 0, 0,
                                 3, 2,   1,   0,   10, 4, 1, 2, 0, 0x0b, 0, 2,    1, n};
  const auto span = std::as_bytes(std::span(bytes));
  return {span.begin(), span.end()};
}

TEST(Cache, FindsWhatWasPutThereAndNothingElse) {
  const auto folder = std::filesystem::temp_directory_path() / std::format("nebulet-cache-{}", ::getpid());
  const CodeCache cache(folder);
  const auto program = module_of('a'), other = module_of('b');
  EXPECT_FALSE(cache.find(program));
  const auto code = compile_bytes(program, "program");
  ASSERT_TRUE(code);
  const auto path = cache.put(program, *code);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(cache.find(program), *path);
  EXPECT_FALSE(cache.find(other));
  // Each byte counts.
  for (std::size_t at = 0; at < code->size(); at += 7) {
    auto damaged = *code;
    damaged[at] ^= std::byte{1};
    ASSERT_TRUE(write_file(*path, damaged));
    EXPECT_FALSE(cache.find(program)) << at;
  }
  // What was not used for longest goes; what was put last stays, however large it is.
  ASSERT_TRUE(cache.put(program, *code));
  const CodeCache small(folder, code->size());
  ASSERT_TRUE(small.put(other, compile_bytes(other, "other").value()));
  EXPECT_TRUE(small.find(other));
  EXPECT_FALSE(small.find(program));
  std::filesystem::remove_all(folder);
}

TEST(Cache, IsWhereTheVariablesSay) {
  const CodeCache nowhere("/proc/nebulet");
  EXPECT_FALSE(nowhere.put(module_of('a'), {}));
  ::setenv("NEBULET_CACHE", "", 1);
  EXPECT_FALSE(CodeCache::of_user());
}

TEST(Initfs, PadsNamesAndDataToFourBytes) {
  InitfsWriter writer;
  writer.add("program", bytes_of("12345"));
  const auto archive = writer.finish();
  const std::string text = text_of(archive);
  EXPECT_EQ(archive.size() % 4, 0u);
  EXPECT_EQ(text.substr(0, 6), "070701");
  EXPECT_EQ(text.substr(110, 8), std::string("program\0", 8));
  EXPECT_EQ(text.substr(120, 5), "12345");
  EXPECT_NE(text.find("TRAILER!!!"), std::string::npos);
}

struct Received {
  std::vector<std::pair<Packet, std::string>> packets;
  LinkParser parser{[this](Packet kind, std::span<const std::byte> payload) {
    packets.emplace_back(kind, text_of(payload));
  }};
};

TEST(Link, SkipsFirmwareAndCutsPacketsWhereverTheBytesBreak) {
  std::string stream = "SeaBIOS\r\n\x01NEBULET-LINK1\n";
  for (const auto& packet :
       {make_packet(Packet::out, bytes_of("hello")), make_packet(Packet::exit, bytes_of("\x07"))}) {
    stream += text_of(packet);
  }
  for (std::size_t step : {1u, 3u, 1000u}) {
    Received received;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      ASSERT_TRUE(received.parser.feed(bytes_of(std::string_view(stream).substr(at, step))));
    }
    ASSERT_EQ(received.packets.size(), 2u);
    EXPECT_EQ(received.packets[0], std::pair(Packet::out, std::string("hello")));
    EXPECT_EQ(received.packets[1].first, Packet::exit);
  }
}

TEST(Link, RefusesAnUnknownKind) {
  Received received;
  EXPECT_FALSE(received.parser.feed(bytes_of(std::string_view("\x01NEBULET-LINK1\n\x7f\0\0\0", 20))));
}

TEST(Qemu, PassesMachineMemoryAndCpus) {
  const RunOptions options{.file = "p.wasm", .machine = Machine::microvm, .memory = 64 << 20, .cpus = 3};
  std::string line;
  for (const auto& word : qemu_command(options, "K", "I")) line += word + " ";
  EXPECT_NE(line.find("-machine microvm,accel="), std::string::npos);
  EXPECT_NE(line.find("-smp 3 -m 64M"), std::string::npos);
  EXPECT_NE(line.find("-kernel K -initrd I"), std::string::npos);
  EXPECT_NE(line.find("-device virtio-serial-device,max_ports=2 -device virtserialport,chardev=link,nr=1"),
            std::string::npos);
}

}  // namespace
}  // namespace nebulet::tool
