// SPDX-License-Identifier: MIT
#include "tools/nebulet/manifest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tools/nebulet/system.h"

namespace nebulet::tool {
namespace {

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() { std::filesystem::create_directory(folder_); }
  ~ManifestTest() override { std::filesystem::remove_all(folder_); }

  /// What `nebulet run MANIFEST words…` asks for.
  Result<Request> run(const std::string& text, std::vector<std::string> words = {}) {
    std::ofstream(path_) << text;
    words.insert(words.begin(), {"run"});
    words.insert(std::ranges::find(words, ""), path_);
    std::erase(words, "");
    return parse_command_line(words);
  }

  const std::string folder_ =
      (std::filesystem::temp_directory_path() / ("nebulet-manifest-" + std::to_string(::getpid()))).string();
  const std::string path_ = folder_ + "/nebulet.toml";
};

TEST_F(ManifestTest, HasTheFlagsAsKeys) {
  std::filesystem::create_directory(folder_ + "/data");
  const auto request = run(R"(
hosted = true
stats = false
cpus = 2
memory = "64M"
timeout = 1.5
[[process]]
file = "app/p.wasm"
args = ["-v", 7]
argv0 = "me"
env = { A = "1", B = "x=y" }
dir = { "/d" = "data" }
)");
  ASSERT_TRUE(request) << request.error().message;
  const RunOptions& o = request->run;
  EXPECT_TRUE(o.hosted && !o.stats);
  EXPECT_EQ(o.cpus, 2u);
  EXPECT_EQ(o.memory, 64u << 20);
  EXPECT_EQ(o.timeout, 1.5);
  EXPECT_EQ(o.file, folder_ + "/app/p.wasm");
  EXPECT_EQ(o.arguments, (std::vector<std::string>{"-v", "7"}));
  EXPECT_EQ(o.argv0, "me");
  EXPECT_EQ(o.environment, (std::vector<std::string>{"A=1", "B=x=y"}));
  ASSERT_EQ(o.directories.size(), 1u);
  EXPECT_EQ(o.directories[0].host, folder_ + "/data");
  EXPECT_EQ(o.directories[0].guest, "/d");
}

TEST_F(ManifestTest, TheCommandLineComesAfterIt) {
  const auto request = run("file = \"/p.wasm\"\nargs = [\"a\"]\ncpus = 2\nenv = [\"A=1\"]\n",
                           {"--cpus", "3", "--env", "B=2", "", "x", "--cpus"});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->run.cpus, 3u);
  EXPECT_EQ(request->run.environment, (std::vector<std::string>{"A=1", "B=2"}));
  EXPECT_EQ(request->run.arguments, (std::vector<std::string>{"x", "--cpus"}));
  EXPECT_EQ(request->run.file, "/p.wasm");
}

TEST_F(ManifestTest, NamesTheLineAndKeyOfAMistake) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"cpus = 1\nfile = \"p\"\nmemroy = 1\n",
       ":3: memroy: no such key (did you mean memory?); the keys are those flags of nebulet run --help, file "
       "and args"},
      {"file = \"p\"\nlevitate = 1\n",
       ":2: levitate: no such key; the keys are those flags of nebulet run --help, file and args"},
      {"cpus = 1\n", ": file: it is missing; file = \"PROGRAM.wasm\" says what to run"},
      {"file = 7\n", ":1: file: want the path of a module"},
      {"file = \"p\"\nargs = \"x\"\n", ":2: args: want a list, like [\"-v\", \"file\"]"},
      {"file = \"p\"\nargs = [\n  true]\n", ":3: args: want texts and numbers"},
      {"file = \"p\"\nhosted = 1\n", ":2: hosted: want true or false"},
      {"file = \"p\"\nmemory = [\"1G\"]\n", ":2: memory: want a text or a number"},
      {"file = \"p\"\ncpus = 99\n", ":2: cpus 99: want a number from 1 to 64"},
      {"file = \"p\"\nmachine = \"q53\"\n", ":2: machine q53: want pc, q35 or microvm (did you mean q35?)"},
      {"file = \"p\"\n\nenv = [\"=x\"]\n",
       ":3: env =x: want NAME=VALUE, or NAME to pass on this shell's value"},
      {"file = \"p\"\nenv = { A = [] }\n", ":2: env.A: want a text"},
      {"file = \"p\"\ndir = [\"/no/where\"]\n",
       ":2: dir /no/where: there is no directory /no/where on this host; create it first"},
      {"file = \"p\"\nfile = \"q\"\n", ":2: "},
      {"file = \n", ":1: "},
      {"argv0 = \"x\"\n[[process]]\nfile = \"p\"\n",
       ":1: argv0: it is about a program and stands in [[process]]"},
      {"[[process]]\nfile = \"p\"\ncpus = 1\n",
       ":3: cpus: it is about the machine and stands before [[process]]"},
      {"process = 1\n", ":1: process: want a table for each process, which begins with [[process]]"},
  };
  for (const auto& [text, message] : kMistakes) {
    const auto request = run(text);
    ASSERT_FALSE(request) << text;
    const std::string wanted = path_ + message;
    EXPECT_EQ(request.error().message.substr(0, wanted.ends_with(": ") ? wanted.size() : std::string::npos),
              wanted);
  }
}

/// A module without imports that exports the function `run`.
constexpr std::string_view kModule("\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\7\1\3run\0\0\x0a\4\1\2\0\x0b", 33);

TEST_F(ManifestTest, SeveralProcessesAreAPlan) {
  std::ofstream(folder_ + "/p.wasm") << kModule;
  const auto request = run(R"(
cpus = 2
[[process]]
name = "screen"
file = "p.wasm"
kind = "driver"
memory = "1M"
handles = [{ registers = 0xb8000, count = 4000, name = "cells" }, { interrupt = 1 }, { read = "shown" },
           { pci = "class:0300", bar = 2, index = 1 }]
[[process]]
file = "p.wasm"
args = ["x"]
env = { A = "1" }
tmpfs = "/tmp:1M"
stdout = "shown"
restart = "always"
restarts = 3
)");
  ASSERT_TRUE(request) << request.error().message;
  const RunOptions& o = request->run;
  ASSERT_TRUE(o.system);
  EXPECT_TRUE(o.devices);
  EXPECT_EQ(o.cpus, 2u);
  ASSERT_EQ(o.system->programs.size(), 1u);
  EXPECT_EQ(o.system->programs[0].host, folder_ + "/p.wasm");
  using What = init::Grant::What;
  init::Process screen{.name = "screen",
                       .file = o.system->programs[0].name,
                       .entry = "run",
                       .wasi = false,
                       .kind = init::Kind::driver,
                       .restart = init::Restart::on_failure,
                       .memory = 1 << 20,
                       .arguments = {folder_ + "/p.wasm"},
                       .grants = {{What::registers, "", "cells", 0xb8000, 4000},
                                  {What::interrupt, "", "", 1, 1},
                                  {What::read, "shown", "", 0, 0},
                                  {What::pci, "class:0300", "", 1, 2}}};
  init::Process other{.name = "p",
                      .file = screen.file,
                      .entry = "run",
                      .wasi = false,
                      .restart = init::Restart::always,
                      .restarts = 3,
                      .arguments = {folder_ + "/p.wasm", "x"},
                      .environment = {"A=1"},
                      .memory_directories = {{"/tmp", 1 << 20}},
                      .output = "shown"};
  EXPECT_EQ(o.system->plan, (init::Plan{{screen, other}}));
}

TEST_F(ManifestTest, NamesTheMistakeInOneOfSeveral) {
  std::ofstream(folder_ + "/p.wasm") << kModule;
  std::ofstream(folder_ + "/none.wasm") << kModule.substr(0, 8);
  const std::string first = "[[process]]\nfile = \"p.wasm\"\n[[process]]\n",
                    second = first + "file = \"p.wasm\"\nname = \"q\"\n";
  const std::pair<std::string, std::string> kMistakes[] = {
      {first, ":3: file: it is missing; file = \"PROGRAM.wasm\" says what to run"},
      {first + "file = \"p.wasm\"\n", ":3: name: there is another process \"p\""},
      {first + "file = \"q.wasm\"\n", ":4: file: " + folder_ + "/q.wasm: No such file or directory"},
      {first + "file = \"none.wasm\"\n",
       ":4: file: " + folder_ +
           "/none.wasm: it exports neither `_start` nor `run`, so there is nothing to start"},
      {second + "memroy = 1\n",
       ":6: memroy: no such key (did you mean memory?); the keys are those flags of nebulet run --help, file "
       "and args"},
      {second + "kind = \"drivr\"\n",
       ":6: kind drivr: want program, service or driver (did you mean driver?)"},
      {second + "restart = \"x\"\n", ":6: restart x: want never, on-failure or always"},
      {second + "restarts = -1\n", ":6: restarts: want a number"},
      {second + "memory = \"x\"\n", ":6: memory x: want a size, like 64M or 2G"},
      {second + "memory = \"1K\"\n", ":6: memory: want a size of at least 64K and at most 16384G"},
      {second + "memory = \"1G\"\n",
       ":6: memory: the processes up to this one want more than the machine's 512 MiB"},
      {second + "stdin = \"s\"\n", ":6: stdin: nobody writes to the stream \"s\""},
      {second + "stdout = \"null\"\n", ":6: stdout: want \"console\" or the name of a stream"},
      {second + "stdout = 7.5\nstdin = []\n", ":7: stdin: want a text"},
      {second + "invoke = \"x\"\n", ":6: invoke: only a manifest of one process has it"},
      {second + "handles = 1\n",
       ":6: handles: want a list, like [{ ports = 0x60, count = 5 }, { read = \"STREAM\" }]"},
      {second + "handles = [\n1]\n", ":7: handles: want a table, like { read = \"STREAM\" }"},
      {second + "handles = [{}]\n",
       ":6: handles: want ports, registers, interrupt, pci, virtio, read, write, channel, serve, door, "
       "system "
       "or archive in it"},
      {second + "handles = [{ prots = 1 }]\n", ":6: handles: prots: no such key (did you mean ports?)"},
      {second + "handles = [{ ports = -1 }]\n", ":6: handles: ports: want a number"},
      {second + "handles = [{ door = 1 }]\n", ":6: handles: door: want a name"},
      {second + "handles = [{ read = \"a\", write = \"b\" }]\n",
       ":6: handles: it is either read or write; want a table for each"},
      {second + "handles = [{ ports = 96 }]\n",
       ":6: handles: only a process with kind = \"driver\" gets the machine's"},
      {second + "handles = [{ pci = 1 }]\n", ":6: handles: pci: want a name"},
      {second + "handles = [{ virtio = \"net\" }]\n",
       ":6: handles: only a process with kind = \"driver\" gets the machine's"},
      {second + "handles = [{ virtio = \"net\", bar = 1 }]\n", ":6: handles: bar: virtio has none"},
      {second + "handles = [{ index = 0, ports = 1 }]\n", ":6: handles: index: ports has none"},
      {second + "handles = [{ door = \"d\", count = 1 }]\n", ":6: handles: count: door has none"},
      {second + "handles = [{ pci = \"8086:100e\", bar = -1 }]\n", ":6: handles: bar: want a number"},
      {second + "kind = \"driver\"\nhandles = [{ pci = \"class:2\" }]\n",
       ":7: handles: \"class:2\" names no PCI function; want \"8086:100e\" or \"class:0200\""},
      {second + "handles = [{ channel = \"c\" }]\n",
       ":6: handles: nobody has the other end of the channel \"c\""},
      {second + "handles = [{ system = false }]\n", ":6: handles: system: want true"},
      {second.substr(0, second.rfind("file")) + "file = \"nebulet:x\"\n",
       ":4: file: nebulet:x: Nebulet has no such service or driver"},
      {second + "mount = 1\n", ":6: mount: want a table, like { \"/data\" = \"SERVICE\" }"},
      {second + "mount = { \"/d\" = \"x\" }\n", ":6: mount: nobody serves \"x\""},
      {second + "files = { \"/d\" = 1 }\n", ":6: files./d: want a text"},
      {second + "files = { \"/d\" = \"none\" }\n",
       ":6: files: there is no directory " + folder_ + "/none on this host"},
      {"name = \"x\"\nfile = \"p.wasm\"\n", ":1: name: it is about a program and stands in [[process]]"},
  };
  for (const auto& [text, message] : kMistakes) {
    const auto request = run(text);
    ASSERT_FALSE(request) << text;
    EXPECT_EQ(request.error().message, path_ + message);
  }
  const auto words = run(second, {"", "word"});
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().message,
            "run " + path_ + ": it starts its programs with arguments of its own; word is too much");
  const auto flag = run(second, {"--env", "A=1"});
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().message, "run --env: " + path_ + " says it of each program");
}

TEST_F(ManifestTest, AMissingOneIsNamed) {
  const std::vector<std::string> words = {"run", folder_ + "/none.toml"};
  const auto request = parse_command_line(words);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message, folder_ + "/none.toml: No such file or directory");
}

}  // namespace
}  // namespace nebulet::tool
