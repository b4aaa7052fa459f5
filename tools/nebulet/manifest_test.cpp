// SPDX-License-Identifier: MIT
#include "tools/nebulet/manifest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

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
      {"[[process]]\nfile = \"p\"\n[[process]]\nfile = \"q\"\n",
       ":3: process: this version runs one process from a manifest, and here is another"},
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

TEST_F(ManifestTest, AMissingOneIsNamed) {
  const std::vector<std::string> words = {"run", folder_ + "/none.toml"};
  const auto request = parse_command_line(words);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message, folder_ + "/none.toml: No such file or directory");
}

}  // namespace
}  // namespace nebulet::tool
