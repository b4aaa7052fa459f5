// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "tools/nebulet/command_line.h"
#include "tools/nebulet/initfs.h"
#include "tools/nebulet/link.h"
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
