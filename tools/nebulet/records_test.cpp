// SPDX-License-Identifier: MIT
// Traces and profiles of records that no kernel sent: names cut by packets, code that is replaced, what was
// lost, and what is no record.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/nebulet/profile_file.h"
#include "tools/nebulet/trace_file.h"

namespace nebulet::tool {
namespace {

namespace trace = kernel::trace;

std::vector<std::byte> packet(std::uint32_t cpu, std::span<const Record> records) {
  const trace::PacketHead head = {cpu, static_cast<std::uint32_t>(records.size())};
  std::vector<std::byte> bytes(sizeof head + records.size_bytes());
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, records.data(), records.size_bytes());
  return bytes;
}

Record record(trace::Kind kind, std::uint32_t thread, std::uint64_t value, std::uint8_t detail = 0,
              std::uint16_t call = 0) {
  static std::uint64_t time = 1000;
  return {.time = ++time, .kind = kind, .detail = detail, .call = call, .thread = thread, .value = value};
}

/// A process and its name, in two records.
std::vector<Record> named(std::uint64_t id, std::string_view name) {
  std::vector<Record> records(3);
  records[0] = record(trace::Kind::process, 0, id, static_cast<std::uint8_t>(name.size()));
  std::memcpy(&records[1], name.data(), name.size());
  return records;
}

std::string path_of(const char* name) { return (std::filesystem::path(testing::TempDir()) / name).string(); }
std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Records, KeepANameThatTwoPacketsCut) {
  const std::string path = path_of("cut.json");
  auto file = TraceFile::create(path);
  ASSERT_TRUE(file);
  RecordConsumer* const consumers[] = {&*file};
  RecordReader reader;
  const std::string name = "a \"name\" of more than a record";
  const std::vector<Record> records = named(1, name);
  reader.take(packet(0, std::span(records).first(2)), consumers);
  const std::vector<Record> other = {record(trace::Kind::thread, 1, 1),
                                     record(trace::Kind::call_begin, 1, 0, 0, 0x301)};
  reader.take(packet(1, std::span(other).first(1)), consumers);  // another CPU's do not belong to it
  reader.take(packet(0, std::span(records).subspan(2)), consumers);
  reader.take(packet(1, std::span(other).subspan(1)), consumers);
  reader.take(packet(1, std::vector{record(trace::Kind::lost, 0, 7)}), consumers);
  ASSERT_TRUE(file->finish());
  const std::string text = content(path);
  EXPECT_NE(text.find(R"("args":{"name":"a \"name\" of more than a record"})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("args":{"name":"a \"name\" of more than a record/1"})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("cat":"call","name":"thread_yield")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("lost":"7")"), std::string::npos) << text;
}

TEST(Records, NameFunctionsByWhatLayThereLast) {
  const std::string path = path_of("folded");
  auto file = ProfileFile::create(path);
  ASSERT_TRUE(file);
  RecordConsumer* const consumers[] = {&*file};
  RecordReader reader;
  reader.take(packet(0, named(1, "program")), consumers);
  const auto sample = [&](std::uint64_t inner, std::uint64_t outer, std::uint16_t in) {
    std::vector<Record> records = {record(trace::Kind::sample, 1, 1, 2, in), Record{}};
    const std::uint64_t functions[] = {inner, outer};
    std::memcpy(&records[1], functions, sizeof functions);
    reader.take(packet(0, records), consumers);
  };
  file->take_names("1000 100 outer\n1100 100 inner;f\nnonsense\n1200 0 empty\n");
  sample(0x1100, 0x1000, trace::kInWasm);
  sample(0x1100, 0x1000, trace::kInWasm);
  sample(0x1100, 0x1000, 0x301);
  file->take_names("1080 100 newer\n");  // over both
  sample(0x1100, 0x1000, trace::kInKernel);
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(
      content(path),
      "program;?;newer;kernel_[k] 1\nprogram;outer;inner:f 2\nprogram;outer;inner:f;thread_yield_[k] 1\n");
}

TEST(Records, MayBeAnything) {
  auto trace_file = TraceFile::create(path_of("any.json"));
  auto profile = ProfileFile::create(path_of("any"));
  ASSERT_TRUE(trace_file && profile);
  RecordConsumer* const consumers[] = {&*trace_file, &*profile};
  RecordReader reader;
  std::uint64_t noise = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> bytes(noise % 200);
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>((noise = noise * 6364136223846793005 + 1442695040888963407) >> 56);
    if (bytes.size() >= 8 && i % 4 != 0)
      std::memset(bytes.data(), i % 3, 4), bytes[1] = bytes[2] = bytes[3] = {};
    if (i % 2 == 0) bytes.resize(8 + bytes.size() / sizeof(Record) * sizeof(Record));
    reader.take(bytes, consumers);
  }
  EXPECT_TRUE(trace_file->finish());
  EXPECT_TRUE(profile->finish());
}

}  // namespace
}  // namespace nebulet::tool
