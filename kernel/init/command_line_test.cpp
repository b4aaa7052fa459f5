// SPDX-License-Identifier: MIT
#include "kernel/init/command_line.h"

#include <gtest/gtest.h>

namespace nebulet::kernel {
namespace {

TEST(CommandLine, ReadsEveryKey) {
  const auto line = parse_command_line(
      "arg=prog arg=a%20b%25 env=K%3DV env=L=W preopen=/data invoke=f operand=i32:7 memory=1048576 stats=1 "
      "console=link "
      "log=debug hz=1000 devices=1 terminals=5");
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->arguments, (std::vector<std::string>{"prog", "a b%"}));
  EXPECT_EQ(line->environment, (std::vector<std::string>{"K=V", "L=W"}));
  EXPECT_EQ(line->preopens, (std::vector<std::string>{"/data"}));
  EXPECT_EQ(line->invoke, "f");
  EXPECT_EQ(line->operands, std::vector<std::string>{"i32:7"});
  EXPECT_EQ(line->memory, 1048576u);
  EXPECT_TRUE(line->stats);
  EXPECT_TRUE(line->link);
  EXPECT_EQ(line->log, abi::LogLevel::debug);
  EXPECT_EQ(line->hz, 1000u);
  EXPECT_TRUE(line->devices);
  EXPECT_EQ(line->terminals, 5u);
}

TEST(CommandLine, SkipsWordsOfBootLoadersAndEmptyOnes) {
  const auto line = parse_command_line("  nebulet.elf \t arg=x quiet  ");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->arguments, std::vector<std::string>{"x"});
}

TEST(CommandLine, NamesTheWordThatIsWrong) {
  for (const char* bad : {"colour=1", "hz=0", "hz=1000000", "memory=12x", "memory=", "stats=yes", "log=loud",
                          "arg=%", "arg=%4", "arg=%zz", "memory=99999999999999999999", "console=tv",
                          "devices=2", "terminals=8", "tmpfs=/tmp", "tmpfs=0:/tmp", "tmpfs=9:"}) {
    const auto line = parse_command_line(std::string("arg=ok ") + bad);
    ASSERT_FALSE(line) << bad;
    EXPECT_EQ(line.error(), bad);
  }
}

TEST(CommandLine, FormatIsTheInverseOfParse) {
  CommandLine line;
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  line.arguments = {"p", "", all};
  line.environment = {"A=B C"};
  line.preopens = {"/", "/a b"};
  line.memory_directories = {{"/tmp", 4096}, {"a:b", 1ull << 40}};
  line.invoke = "fn(1)";
  line.operands = {"i32:1", "f64:0"};
  line.memory = 77;
  line.stats = line.link = true;
  line.log = abi::LogLevel::error;
  line.hz = 250;
  const std::string text = format_command_line(line);
  const auto again = parse_command_line(text);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->arguments, line.arguments);
  EXPECT_EQ(again->environment, line.environment);
  EXPECT_EQ(again->preopens, line.preopens);
  EXPECT_EQ(again->invoke, line.invoke);
  EXPECT_EQ(again->memory_directories, line.memory_directories);
  EXPECT_EQ(again->memory, line.memory);
  EXPECT_EQ(again->log, line.log);
  EXPECT_EQ(format_command_line(*again), text);
}

}  // namespace
}  // namespace nebulet::kernel
