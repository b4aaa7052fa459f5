// SPDX-License-Identifier: MIT
// Fuzz target: any bytes and tables as a code object. The verifier must return, and what it accepts must be
// linear work. Input: sizes of the tables and a choice of module, then the tables, then rodata, then text.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wasm/verify/verify.h"

namespace {

using namespace nebulet::wasm;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  template <class T>
  T take() {
    T value{};
    const std::size_t n = size_ < sizeof value ? size_ : sizeof value;
    std::memcpy(&value, data_, n);
    data_ += n;
    size_ -= n;
    return value;
  }
  std::vector<std::byte> take_bytes(std::size_t n) {
    n = n < size_ ? n : size_;
    std::vector<std::byte> bytes(n);
    if (n) std::memcpy(bytes.data(), data_, n);
    data_ += n;
    size_ -= n;
    return bytes;
  }
  std::size_t left() const { return size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

Module module_of(std::uint8_t choice, std::size_t functions) {
  Module m;
  m.types = {FuncType{}, FuncType{{kI32}, {kI32}},
             FuncType{std::vector<ValType>(10, kI32), std::vector<ValType>(9, kI32)}};
  m.functions = {{1}, {2}};
  m.imported_functions = 2;
  for (std::size_t i = 0; i < functions; i++)
    m.functions.push_back({static_cast<std::uint32_t>((choice + i) % 3)});
  m.tables.resize(1);
  if (choice & 4) m.memories.resize(1);
  m.globals = {{{kI32, true}, {}}, {{kI64, false}, {}}, {{kF64, true}, {}}, {{kV128, true}, {}}};
  m.imported_globals = 2;
  return m;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(data, size);
  const auto choice = in.take<std::uint8_t>();
  const std::size_t functions = in.take<std::uint8_t>() % 4, labels = in.take<std::uint8_t>() % 16,
                    traps = in.take<std::uint8_t>() % 16, calls = in.take<std::uint8_t>() % 8,
                    tables = in.take<std::uint8_t>() % 4, rodata = in.take<std::uint8_t>();
  CodeObject code;
  for (std::size_t i = 0; i < functions; i++) {
    CodeFunction f{in.take<std::uint32_t>(), in.take<std::uint32_t>(), in.take<std::uint32_t>(),
                   in.take<std::uint32_t>(), in.take<std::uint32_t>()};
    // Mostly ranges that could be meant.
    if (choice & 8) f.begin &= 0xff0, f.end &= 0xfff, f.frame &= 0xfff8;
    if (choice & 16)
      f.stack_args = (choice + i) % 3 == 2 ? 16 : 0, f.stack_results = (choice + i) % 3 == 2 ? 8 : 0;
    code.functions.push_back(f);
  }
  for (std::size_t i = 0; i < labels; i++)
    code.labels.push_back({in.take<std::uint16_t>(), in.take<std::uint16_t>()});
  for (std::size_t i = 0; i < traps; i++)
    code.traps.push_back({in.take<std::uint16_t>(), 0, static_cast<ir::Trap>(in.take<std::uint8_t>() % 16)});
  for (std::size_t i = 0; i < calls; i++) code.calls.push_back({in.take<std::uint16_t>(), 0});
  for (std::size_t i = 0; i < tables; i++)
    code.jump_tables.push_back(
        {in.take<std::uint8_t>(), in.take<std::uint32_t>() & (choice & 32 ? 0xffffffff : 15)});
  code.rodata = in.take_bytes(rodata);
  code.text = in.take_bytes(in.left());
  if (!(choice & 128))
    code.text.resize((code.text.size() + kCodePage - 1) / kCodePage * kCodePage, std::byte{0xcc});
  const Module module = module_of(choice, functions);
  (void)verify_code(code, module);
  return 0;
}
