// SPDX-License-Identifier: MIT
// Every load and store at offsets and addresses around the limits of displacements, slots and memories, for
// each kind of memory, against a model in plain C++.
#include <cstring>
#include <format>
#include <random>

#include "tests/engine/wasm_bytes.h"

namespace nebulet::test {
namespace {

using wasm::Outcome;
using wasm::Trap;
using wasm::Value;

enum Type : int { kI32 = 0x7f, kI64 = 0x7e, kF32 = 0x7d, kF64 = 0x7c, kV128 = 0x7b };

struct Access {
  int opcode;  ///< 0xfd00 | number for vectors
  Type type;
  unsigned width;
  bool is_signed, stores;
};
constexpr Access kAccesses[] = {
    {0x28, kI32, 4, false, false},   {0x29, kI64, 8, false, false}, {0x2a, kF32, 4, false, false},
    {0x2b, kF64, 8, false, false},   {0x2c, kI32, 1, true, false},  {0x2d, kI32, 1, false, false},
    {0x2e, kI32, 2, true, false},    {0x2f, kI32, 2, false, false}, {0x30, kI64, 1, true, false},
    {0x31, kI64, 1, false, false},   {0x32, kI64, 2, true, false},  {0x33, kI64, 2, false, false},
    {0x34, kI64, 4, true, false},    {0x35, kI64, 4, false, false}, {0x36, kI32, 4, false, true},
    {0x37, kI64, 8, false, true},    {0x38, kF32, 4, false, true},  {0x39, kF64, 8, false, true},
    {0x3a, kI32, 1, false, true},    {0x3b, kI32, 2, false, true},  {0x3c, kI64, 1, false, true},
    {0x3d, kI64, 2, false, true},    {0x3e, kI64, 4, false, true},  {0xfd00, kV128, 16, false, false},
    {0xfd0b, kV128, 16, false, true}};

struct Kind {
  const char* name;
  std::uint32_t memory;  ///< its index; the ones before are small
  bool is_64;
  int page_log2;
  std::uint64_t pages;
};

std::vector<std::uint64_t> offsets(const Kind& kind) {
  std::vector<std::uint64_t> list = {
      0, 1, 1u << 15, (1u << 16) - 1, 1u << 16, (1u << 16) + 1, 0x7fffffff, 0x80000000, 0xffffffff};
  if (kind.is_64)
    for (const std::uint64_t offset : {1ull << 32, (1ull << 34) - 1, 1ull << 34, 1ull << 63, ~0ull})
      list.push_back(offset);
  return list;
}

std::vector<std::uint64_t> addresses(const Kind& kind, std::uint64_t size, std::uint64_t offset,
                                     unsigned width) {
  std::vector<std::uint64_t> list = {0, 1, 7};
  const std::uint64_t last = size - offset - width;
  for (int i = -16; i <= 16; ++i) list.push_back(size + static_cast<std::uint64_t>(i));
  for (int i = -2; i <= 2; ++i) list.push_back(last + static_cast<std::uint64_t>(i));
  for (const std::uint64_t at :
       {1ull << 31, 1ull << 32, 1ull << 33, 1ull << 34, 1ull << 63, 0ull - offset, 0ull})
    for (int i = -2; i <= 1; ++i) list.push_back(at + static_cast<std::uint64_t>(i));
  if (!kind.is_64)
    for (std::uint64_t& at : list) at &= 0xffffffff;
  return list;
}

class Matrix {
 public:
  explicit Matrix(const Kind& kind) : kind_(kind), size_(kind.pages << kind.page_log2), model_(size_) {
    for (std::uint64_t i = 0; i < size_; ++i) model_[i] = static_cast<std::uint8_t>(i * 37 + (i >> 8) + 1);
  }

  void run() {
    for (const Access& access : kAccesses)
      for (const std::uint64_t offset : offsets(kind_)) add(access, offset);
    wasm::Instance* instance = engine_.instantiate(engine_.compile(module()));
    ASSERT_NE(instance, nullptr);
    wasm::Memory& memory = *instance->memory(kind_.memory);
    ASSERT_EQ(memory.size(), size_);
    ASSERT_EQ(memory.write(0, std::as_bytes(std::span(model_))), wasm::GuestResult::ok);
    std::uint32_t function = 0;
    for (const Access& access : kAccesses)
      for (const std::uint64_t offset : offsets(kind_)) {
        for (const std::uint64_t at : addresses(kind_, size_, offset, access.width)) {
          check(*instance, access, offset, at, function,
                {{.low = at}, {.low = 0x0123456789abcdef, .high = at * 3}});
          if (testing::Test::HasFailure()) return;
        }
        ++function;
        for (const std::uint64_t at : constants(access, offset)) {
          check(*instance, access, offset, at, function++, {{}, {.low = 0xfedcba9876543210, .high = at * 5}});
          if (testing::Test::HasFailure()) return;
        }
      }
    std::vector<std::uint8_t> after(size_);
    ASSERT_EQ(memory.read(0, std::as_writable_bytes(std::span(after))), wasm::GuestResult::ok);
    EXPECT_EQ(after, model_);
  }

 private:
  /// Addresses that are constants of the code.
  std::vector<std::uint64_t> constants(const Access& access, std::uint64_t offset) const {
    std::vector<std::uint64_t> list = {0, size_ - offset - access.width, size_ - offset - access.width + 1,
                                       0x80000000, ~0ull};
    if (!kind_.is_64)
      for (std::uint64_t& at : list) at &= 0xffffffff;
    return list;
  }

  Bytes body(const Access& access, std::uint64_t offset, const Bytes& address) const {
    Bytes code{0};
    code.add(address);
    if (access.stores) code.add({0x20, 1});
    if (access.opcode > 0xff)
      code.add({0xfd, access.opcode & 0xff});
    else
      code.add({access.opcode});
    // Alignment 0, and always a memory index, also where it is 0.
    code.add({0x40}).u(kind_.memory).u(offset).add({0x0b});
    return Bytes().sized(code);
  }
  void add(const Access& access, std::uint64_t offset) {
    const int address = kind_.is_64 ? kI64 : kI32;
    Bytes type{0x60, 2, address, access.type};
    type.add(access.stores ? Bytes{0} : Bytes{1, access.type});
    types_.push_back(type);
    auto function = [&](const Bytes& where) {
      functions_.push_back(Bytes().u(types_.size() - 1));
      bodies_.push_back(body(access, offset, where));
    };
    function({0x20, 0});
    for (const std::uint64_t at : constants(access, offset)) {
      if (kind_.is_64)
        function(Bytes{0x42}.s(static_cast<std::int64_t>(at)));
      else
        function(Bytes{0x41}.s(static_cast<std::int32_t>(at)));
    }
  }
  std::vector<std::byte> module() const {
    std::vector<Bytes> memories(kind_.memory, Bytes{0, 1});
    Bytes tested{(kind_.is_64 ? 4 : 0) | (kind_.page_log2 == 0 ? 8 : 0)};
    tested.u(kind_.pages);
    if (kind_.page_log2 == 0) tested.u(0);
    memories.push_back(tested);
    return module_header()
        .section(1, Bytes().vector(types_))
        .section(3, Bytes().vector(functions_))
        .section(5, Bytes().vector(memories))
        .section(10, Bytes().vector(bodies_))
        .get();
  }

  /// What the load gives, of the model.
  Value loaded(const Access& access, std::uint64_t at) const {
    Value value;
    if (access.width == 16) {
      std::memcpy(&value, model_.data() + at, 16);
      return value;
    }
    std::memcpy(&value.low, model_.data() + at, access.width);
    if (access.is_signed) {
      const unsigned shift = 64 - 8 * access.width;
      value.low = static_cast<std::uint64_t>(static_cast<std::int64_t>(value.low << shift) >> shift);
    }
    if (access.type == kI32) value.low &= 0xffffffff;
    return value;
  }

  void check(wasm::Instance& on, const Access& access, std::uint64_t offset, std::uint64_t at,
             std::uint32_t function, std::initializer_list<Value> args) {
    const unsigned __int128 place = static_cast<unsigned __int128>(at) + offset;
    const bool inside = place + access.width <= size_;
    const auto where = static_cast<std::uint64_t>(place);
    Value result{.low = 0xdeadbeef, .high = 0};
    const Outcome outcome = engine_.call(on, function, args, std::span(&result, access.stores ? 0 : 1));
    const std::string what =
        std::format("{}: opcode {:#x}, offset {:#x}, address {:#x}", kind_.name, access.opcode, offset, at);
    if (!inside) {
      ASSERT_EQ(outcome.kind, Outcome::Kind::trapped) << what;
      ASSERT_EQ(outcome.trap, Trap::memory_out_of_bounds) << what;
      return;
    }
    ASSERT_EQ(outcome.kind, Outcome::Kind::returned) << what;
    if (access.stores) {
      std::memcpy(model_.data() + where, args.begin() + 1, access.width);
      return;
    }
    const Value expected = loaded(access, where);
    ASSERT_EQ(result.low, expected.low) << what;
    if (access.type == kV128) ASSERT_EQ(result.high, expected.high) << what;
  }

  const Kind kind_;
  const std::uint64_t size_;
  std::vector<std::uint8_t> model_;
  Engine engine_;
  std::vector<Bytes> types_, functions_, bodies_;
};

class MemoryMatrix : public testing::TestWithParam<Kind> {};

TEST_P(MemoryMatrix, IsThatOfTheModel) {
  catch_faults();
  Matrix(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(Kinds, MemoryMatrix,
                         testing::Values(Kind{"Memory0", 0, false, 16, 2}, Kind{"Memory3", 3, false, 16, 2},
                                         Kind{"Memory0With64Bits", 0, true, 16, 2},
                                         Kind{"Memory2With64Bits", 2, true, 16, 2},
                                         Kind{"BytePages", 0, false, 0, 70001},
                                         Kind{"BytePagesOfMemory1", 1, false, 0, 65536},
                                         Kind{"BytePagesWith64Bits", 0, true, 0, 70001},
                                         Kind{"BytePagesOfMemory1With64Bits", 1, true, 0, 4097}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace nebulet::test
