// SPDX-License-Identifier: MIT
// Data segments that instances show instead of copying them: what the spec says must be in the memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernel/process/process.h"
#include "kernel/test/world.h"
#include "machine/include/machine/memory.h"
#include "wasm/compile.h"

namespace nebulet::kernel {
namespace {

struct Segment {
  std::uint32_t at;
  std::vector<std::uint8_t> bytes;
  bool by_global = false;  ///< the offset is global 0's value, which is `at`
};

std::vector<std::uint8_t> pattern(std::size_t size, unsigned factor) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * factor + 1);
  return bytes;
}

void leb(std::vector<std::uint8_t>& out, std::uint32_t value, bool is_signed = false) {
  const std::uint32_t last = is_signed ? 0x40 : 0x80;
  for (; value >= last; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// A module with a memory of two pages, global 0 and these data segments.
std::vector<std::byte> module_with(const std::vector<Segment>& segments) {
  std::vector<std::uint8_t> bytes = {0, 'a', 's', 'm', 1, 0, 0, 0, /* memory */ 5, 3, 1, 0, 2};
  std::vector<std::uint8_t> body = {1, 0x7f, 0, 0x41};
  std::uint32_t global = 0;
  for (const Segment& segment : segments)
    if (segment.by_global) global = segment.at;
  leb(body, global, true);
  body.push_back(0x0b);
  bytes.push_back(6);
  leb(bytes, static_cast<std::uint32_t>(body.size()));
  bytes.insert(bytes.end(), body.begin(), body.end());
  body.clear();
  leb(body, static_cast<std::uint32_t>(segments.size()));
  for (const Segment& segment : segments) {
    body.push_back(0);
    body.push_back(segment.by_global ? 0x23 : 0x41);
    leb(body, segment.by_global ? 0 : segment.at, !segment.by_global);
    body.push_back(0x0b);
    leb(body, static_cast<std::uint32_t>(segment.bytes.size()));
    body.insert(body.end(), segment.bytes.begin(), segment.bytes.end());
  }
  bytes.push_back(11);
  leb(bytes, static_cast<std::uint32_t>(body.size()));
  bytes.insert(bytes.end(), body.begin(), body.end());
  const auto raw = std::as_bytes(std::span(bytes));
  return {raw.begin(), raw.end()};
}

class Home {
 public:
  explicit Home(const std::vector<Segment>& segments) : segments_(segments), bytes_(module_with(segments)) {
    wasm::Module module = wasm::decode_module(bytes_).value();
    auto object = wasm::compile_module(module).value();
    code = wasm::ModuleCode::create(process->memory(), {}, std::move(module), std::move(*object)).value();
  }
  ~Home() {
    code.reset();
    process->exit(0);
  }
  /// What the spec says is in the memory.
  std::vector<std::byte> expected() const {
    std::vector<std::byte> bytes(2 * 65536);
    for (const Segment& segment : segments_) {
      const auto raw = std::as_bytes(std::span(segment.bytes));
      if (segment.at + raw.size() > bytes.size()) break;
      std::ranges::copy(raw, bytes.begin() + segment.at);
    }
    return bytes;
  }

  Ref<Process> process = Process::create({}, nullptr, nullptr).value();
  wasm::ModuleCodeRef code;

 private:
  const std::vector<Segment> segments_;
  const std::vector<std::byte> bytes_;
};

struct Guest {
  explicit Guest(const Home& home) : made(process->store().instantiate(home.code, {}).value()) {}
  ~Guest() { process->exit(0); }
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> all(2 * 65536);
    EXPECT_EQ(made.instance->memory()->read(0, all), wasm::GuestResult::ok);
    return all;
  }
  Ref<Process> process = Process::create({}, nullptr, nullptr).value();
  wasm::Instantiated made;
};

TEST(Image, EachInstanceHasTheDataAndItsOwnChanges) {
  in_kernel([] {
    // Begins and ends inside of pages; the second one overwrites a part of the first.
    const Home home({{1000, pattern(20'000, 7)}, {5000, pattern(100, 3)}, {70'001, pattern(3000, 5)}});
    ASSERT_NE(home.code->image(), nullptr);
    const auto expected = home.expected();
    Guest one(home), other(home);
    EXPECT_EQ(one.bytes(), expected);
    const auto change = std::as_bytes(std::span("changed"));
    for (const std::uint64_t at : {0u, 1001u, 4094u, 21'000u, 70'000u, 131'000u})
      ASSERT_EQ(one.made.instance->memory()->write(at, change), wasm::GuestResult::ok);
    EXPECT_EQ(other.bytes(), expected);
    auto changed = expected;
    for (const std::size_t at : {0u, 1001u, 4094u, 21'000u, 70'000u, 131'000u})
      std::ranges::copy(change, changed.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(one.bytes(), changed);
    const Guest third(home);
    EXPECT_EQ(third.bytes(), expected);
  });
}

TEST(Image, AtomicOperationsGiveAPageMemoryOfItsOwn) {
  in_kernel([] {
    const Home home({{0, pattern(20'000, 7)}});
    ASSERT_NE(home.code->image(), nullptr);
    Guest one(home);
    const auto modified = one.made.instance->memory()->modify(8192, 4, wasm::Memory::Bits::xor_, 0xff);
    EXPECT_EQ(modified.access, wasm::GuestResult::ok);
    auto expected = home.expected();
    expected[8192] ^= std::byte{0xff};
    EXPECT_EQ(one.bytes(), expected);
    EXPECT_EQ(Guest(home).bytes(), home.expected());
  });
}

TEST(Image, IsNotMadeWhereSegmentsMeanSomethingElse) {
  in_kernel([] {
    const auto large = pattern(20'000, 7);
    for (const auto& segments : std::vector<std::vector<Segment>>{
             {{1000, pattern(100, 7)}},                    // copied as quickly
             {{1000, large}, {40'000, {1, 2}, true}},      // an offset that is not a constant
             {{0, large}, {131'070, {1, 2, 3}}, {8, {9}}}  // one traps: those before it are there
         }) {
      const Home home(segments);
      EXPECT_EQ(home.code->image(), nullptr);
      const Guest guest(home);
      EXPECT_EQ(guest.made.trap.has_value(), segments.size() == 3);
      EXPECT_EQ(guest.bytes(), home.expected());
    }
  });
}

TEST(Image, IsChargedAndGivenBack) {
  in_kernel([] {
    {
      const Home home({{1000, pattern(40'000, 7)}});
      const Guest warm(home);
    }
    const std::uint64_t free = machine::free_memory();
    {
      const Home home({{1000, pattern(40'000, 7)}});
      ASSERT_NE(home.code->image(), nullptr);
      const Guest one(home);
      EXPECT_GE(one.process->quota()->used(), 40'000u);
      EXPECT_EQ(one.bytes(), home.expected());
    }
    EXPECT_EQ(machine::free_memory(), free);
  });
}

}  // namespace
}  // namespace nebulet::kernel
