// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "user/init/plan.h"
#include "user/init/restart.h"
#include "user/sdk/cpio.h"

namespace nebulet::init {
namespace {

Process program(std::string name) {
  Process process;
  process.name = std::move(name);
  process.file = "p.wasm";
  return process;
}

TEST(Plan, IsReadAsItWasWritten) {
  Plan plan;
  Process& a = plan.processes.emplace_back(program("a b\n%"));
  a.code = "p.code";
  a.entry = "run";
  a.wasi = false;
  a.kind = Kind::driver;
  a.restart = Restart::always;
  a.restarts = 7;
  a.memory = 1ull << 40;
  a.arguments = {"", "x y", "\x7f%41", "é"};
  a.environment = {"A=1", "B=\n"};
  a.memory_directories = {{"/t m p", 1 << 20}};
  a.input = "in", a.output = "out", a.errors = "err";
  a.grants = {{Grant::What::ports, "", "kbd", 0x60, 5}, {Grant::What::door, "a service", "", 0, 0}};
  a.mounts = {{"/a b", "files", "x/y", 3}, {"/c", "other", "", 0}};
  plan.processes.push_back(program("second"));
  const auto read = read_plan(write_plan(plan));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, plan);
}

TEST(Plan, MistakesInItsTextAreNamed) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"x", "line 1: this is no plan of this version"},
      {"nebulet-plan 1\nfile x", "line 2: a plan begins with a process"},
      {"nebulet-plan 1\nprocess a\n\n", "line 3: there is no key ``"},
      {"nebulet-plan 1\nprocess a\nflie x", "line 3: there is no key `flie`"},
      {"nebulet-plan 1\nprocess a%4", "line 2: not a name"},
      {"nebulet-plan 1\nprocess a\nmemory 12x", "line 3: memory: `12x` is no value of it"},
      {"nebulet-plan 1\nprocess a\nmemory 99999999999999999999",
       "line 3: memory: `99999999999999999999` is no value of it"},
      {"nebulet-plan 1\nprocess a\nkind king", "line 3: kind: `king` is no value of it"},
      {"nebulet-plan 1\nprocess a\ngrant ports x", "line 3: grant: `ports x` is no value of it"},
      {"nebulet-plan 1\nprocess a\ntmpfs 1 %zz", "line 3: tmpfs: `1 %zz` is no value of it"},
  };
  for (const auto& [text, message] : kMistakes) {
    const auto read = read_plan(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error(), message);
  }
}

/// What `check` says of a plan that `change` made of two programs, a and b.
template <class Change>
std::string problem(Change change) {
  Plan plan{{program("a"), program("b")}};
  change(plan.processes[0], plan.processes[1]);
  const auto found = check(plan);
  if (!found) return "";
  return plan.processes[found->process].name + ": " + std::string(found->key) + ": " + found->text;
}

TEST(Plan, WhatCannotWorkIsNamed) {
  using What = Grant::What;
  EXPECT_EQ(problem([](Process&, Process&) {}), "");
  EXPECT_EQ(problem([](Process& a, Process& b) { a.output = "s", b.input = "s"; }), "");
  EXPECT_EQ(problem([](Process&, Process& b) { b.name = "a"; }), "a: name: there is another process \"a\"");
  EXPECT_EQ(problem([](Process& a, Process&) { a.name.clear(); }), ": name: want a name of 1 to 256 bytes");
  EXPECT_EQ(problem([](Process& a, Process&) { a.file.clear(); }),
            "a: file: it is missing; file = \"PROGRAM.wasm\" says what to run");
  EXPECT_EQ(problem([](Process& a, Process&) { a.memory = 1; }),
            "a: memory: want a size of at least 64K and at most 16384G");
  EXPECT_EQ(problem([](Process& a, Process&) { a.output = "s"; }),
            "a: stdout: nobody reads from the stream \"s\"");
  EXPECT_EQ(problem([](Process& a, Process&) { a.input = "s"; }),
            "a: stdin: nobody writes to the stream \"s\"");
  EXPECT_EQ(problem([](Process& a, Process& b) { a.input = b.input = "s", b.output = "t"; }),
            "a: stdin: nobody writes to the stream \"s\"");
  EXPECT_EQ(problem([](Process& a, Process&) { a.input = a.output = "s"; }),
            "a: stdout: the process would read what it writes to the stream \"s\"");
  EXPECT_EQ(problem([](Process& a, Process& b) {
              a.errors = a.input = "s", b.input = "s";
              a.errors = "console", b.output = "s", b.input = "null";
              a.grants = {{What::read, "s"}};
            }),
            "a: stdin: a reads from the stream \"s\" already");
  EXPECT_EQ(problem([](Process& a, Process&) { a.grants = {{What::door, "d"}}; }),
            "a: handles: nobody serves \"d\"");
  EXPECT_EQ(problem([](Process& a, Process& b) { a.grants = b.grants = {{What::serve, "d"}}; }),
            "b: handles: a serves \"d\" already");
  EXPECT_EQ(problem([](Process& a, Process&) { a.grants = {{What::ports, "", "p", 1, 1}}; }),
            "a: handles: only a process with kind = \"driver\" gets the machine's");
  EXPECT_EQ(problem([](Process& a, Process&) {
              a.kind = Kind::driver, a.grants = {{What::ports, "", "p", 65535, 2}};
            }),
            "a: handles: that range is empty or not the machine's");
  const auto device = [](What what, const char* name, std::uint64_t index = 0, std::uint64_t bar = 0) {
    return problem(
        [&](Process& a, Process&) { a.kind = Kind::driver, a.grants = {{what, name, "", index, bar}}; });
  };
  EXPECT_EQ(device(What::pci, "8086:100e", 255, 5), "");
  EXPECT_EQ(device(What::pci, "class:020000"), "");
  EXPECT_EQ(device(What::virtio, "9p"), "");
  for (const char* name :
       {"8086", "8086:100g", "8086:100e0", "class:", "class:020", "class:02000000", "block"})
    EXPECT_EQ(device(What::pci, name), "a: handles: \"" + std::string(name) +
                                           "\" names no PCI function; want \"8086:100e\" or \"class:0200\"");
  EXPECT_EQ(device(What::virtio, "blk"),
            "a: handles: \"blk\" is no kind of virtio device; want net, block, console, rng or 9p");
  EXPECT_EQ(device(What::pci, "8086:100e", 256), "a: handles: index: want a number below 256");
  EXPECT_EQ(device(What::pci, "8086:100e", 0, 6), "a: handles: bar: want a number from 0 to 5");
  EXPECT_EQ(problem([](Process& a, Process& b) {
              a.kind = b.kind = Kind::driver;
              a.grants = b.grants = {{What::virtio, "net"}};
            }),
            "b: handles: a has that device already");
  EXPECT_EQ(problem([](Process& a, Process& b) { a.grants = b.grants = {{What::channel, "c"}}; }), "");
  EXPECT_EQ(problem([](Process& a, Process&) { a.grants = {{What::channel, "c"}}; }),
            "a: handles: nobody has the other end of the channel \"c\"");
  EXPECT_EQ(problem([](Process& a, Process&) { a.grants.resize(2, {What::channel, "c"}); }),
            "a: handles: the process would have both ends of \"c\"");
  Plan three{{program("a"), program("b"), program("c")}};
  for (Process& process : three.processes) process.grants = {{What::channel, "c"}};
  EXPECT_EQ(check(three)->text, "the channel \"c\" has two ends, and both are given");
  EXPECT_EQ(problem([](Process& a, Process&) { a.grants.resize(57, {What::write, "s"}); }),
            "a: handles: a process gets at most 56 handles");
  EXPECT_EQ(problem([](Process& a, Process&) { a.mounts = {{"/d", "files"}}; }),
            "a: mount: nobody serves \"files\"");
  EXPECT_EQ(problem([](Process& a, Process&) { a.mounts = {{"", "files"}}; }),
            "a: mount: want the name of a directory for the program");
  EXPECT_EQ(check(Plan())->text, "there is no process to start");
}

TEST(Plan, DevicesAreMeantByIdsOrPartsOfTheirClass) {
  using What = Grant::What;
  using By = DeviceName::By;
  const auto id = read_device_name({What::pci, "8086:100e"});
  ASSERT_TRUE(id && id->by == By::vendor_and_device);
  EXPECT_EQ(id->value, 0x8086100eu);
  const auto all = read_device_name({What::pci, "class:02"}),
             one = read_device_name({What::pci, "class:0c0330"});
  ASSERT_TRUE(all && one && all->by == By::class_code);
  EXPECT_EQ(all->value, 0x020000u);
  EXPECT_EQ(all->mask, 0xff0000u);
  EXPECT_EQ(one->value, 0x0c0330u);
  EXPECT_EQ(one->mask, 0xffffffu);
  const auto block = read_device_name({What::virtio, "block"});
  ASSERT_TRUE(block && block->by == By::virtio);
  EXPECT_EQ(block->value, 2u);
}

TEST(Plan, CyclesOfServicesAreNamed) {
  using What = Grant::What;
  EXPECT_EQ(problem([](Process& a, Process& b) {
              a.grants = {{What::serve, "d"}}, b.grants = {{What::door, "d"}};
            }),
            "");
  EXPECT_EQ(problem([](Process& a, Process&) { a.grants = {{What::serve, "d"}, {What::door, "d"}}; }),
            "a: handles: a cycle: a needs a");
  EXPECT_EQ(problem([](Process& a, Process& b) {
              a.grants = {{What::serve, "d"}, {What::door, "e"}};
              b.grants = {{What::serve, "e"}, {What::door, "d"}};
            }),
            "a: handles: a cycle: a needs b, which needs a");
  // Who only needs somebody on the cycle is not blamed.
  Plan plan{{program("client"), program("x"), program("y"), program("z")}};
  plan.processes[0].grants = {{What::door, "x"}};
  plan.processes[1].grants = {{What::serve, "x"}, {What::door, "y"}};
  plan.processes[2].grants = {{What::serve, "y"}, {What::door, "z"}};
  plan.processes[3].grants = {{What::serve, "z"}, {What::door, "x"}};
  const auto found = check(plan);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->process, 1u);
  EXPECT_TRUE(found->text.find("client") == std::string::npos) << found->text;
}

TEST(Plan, AThousandProcessesOnOneStreamAreCheckedQuickly) {
  Plan plan;
  for (int i = 0; i < 1000; i++) {
    Process& process = plan.processes.emplace_back(program("p" + std::to_string(i)));
    process.output = "log";
    process.grants.resize(56, {Grant::What::write, "log"});
  }
  plan.processes[0].output = "console", plan.processes[0].grants.clear(), plan.processes[0].input = "log";
  EXPECT_FALSE(check(plan));
  plan.processes.push_back(program("p1000"));
  EXPECT_EQ(check(plan)->text, "one too many: init starts at most 1000");
}

TEST(Restarts, FollowThePolicy) {
  EXPECT_FALSE(Restarts(Restart::never, 5).after(true, 0, 1));
  EXPECT_FALSE(Restarts(Restart::on_failure, 5).after(false, 0, 1));
  EXPECT_TRUE(Restarts(Restart::on_failure, 5).after(true, 0, 1));
  EXPECT_TRUE(Restarts(Restart::always, 5).after(false, 0, 1));
}

TEST(Restarts, PausesDoubleAndEnd) {
  Restarts restarts(Restart::always, 9);
  for (const std::uint64_t milliseconds : {10, 20, 40, 80, 160, 320, 640, 1000, 1000})
    EXPECT_EQ(restarts.after(true, 0, 1), milliseconds * 1'000'000);
  EXPECT_FALSE(restarts.gave_up());
  EXPECT_EQ(restarts.after(true, 0, 1), std::nullopt);
  EXPECT_TRUE(restarts.gave_up());
  Restarts other(Restart::always, 1);
  for (int i = 0; i < 3; i++) EXPECT_EQ(other.after(true, 0, Restarts::kSteady), Restarts::kFirstPause);
  EXPECT_FALSE(Restarts(Restart::always, 0).after(true, 0, 1));
}

std::string header(std::string_view name, std::size_t size) {
  char text[111];
  std::snprintf(text, sizeof text, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, 0100444,
                0, 0, 1, 0, size, 0, 0, 0, 0, name.size() + 1, 0);
  std::string out = std::string(text) + std::string(name) + '\0';
  out.resize((out.size() + 3) & ~std::size_t{3});
  return out;
}

std::expected<sdk::CpioIndex, std::string> read(const std::string& archive) {
  return sdk::CpioIndex::read(archive.size(), [&](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > archive.size() || archive.size() - offset < into.size()) return false;
    std::memcpy(into.data(), archive.data() + offset, into.size());
    return true;
  });
}

TEST(Cpio, FindsFilesAndSurvivesEveryCut) {
  const std::string archive =
      header("a/b", 3) + "xyz" + std::string(1, '\0') + header("c", 0) + header("TRAILER!!!", 0);
  const auto index = read(archive);
  ASSERT_TRUE(index) << index.error();
  ASSERT_NE(index->find("a/b"), nullptr);
  EXPECT_EQ(archive.substr(index->find("a/b")->offset, 3), "xyz");
  EXPECT_EQ(index->find("c")->size, 0u);
  EXPECT_EQ(index->find("a"), nullptr);
  for (std::size_t size = 0; size < archive.size() - 3; size++)
    EXPECT_FALSE(read(archive.substr(0, size))) << size;
  for (const std::size_t at : {0u, 56u, 99u}) {
    std::string broken = archive;
    broken[at] = 'x';
    EXPECT_FALSE(read(broken)) << at;
  }
  EXPECT_FALSE(read(header("a", 0xffffffff)));
}

}  // namespace
}  // namespace nebulet::init
