// SPDX-License-Identifier: MIT
// Decoding is driven by the table of opcodes (wasm/binary/opcodes.def), which knows each one's text and
// immediates.
#include "tools/nebulet/wasm_text.h"

#include <algorithm>
#include <bit>
#include <format>

#include "wasm/binary/opcodes.h"
#include "wasm/binary/reader.h"

namespace nebulet::tool {
namespace {

using wasm::Immediates;
using wasm::Opcode;

/// Spec 5.3.3, the single bytes of abstract heap types.
std::string heap_text(std::int64_t code) {
  if (code >= 0) return std::format("{}", code);
  switch (code & 0x7f) {
    case 0x74: return "noexn";
    case 0x73: return "nofunc";
    case 0x72: return "noextern";
    case 0x71: return "none";
    case 0x70: return "func";
    case 0x6f: return "extern";
    case 0x6e: return "any";
    case 0x6d: return "eq";
    case 0x6c: return "i31";
    case 0x6b: return "struct";
    case 0x6a: return "array";
    case 0x69: return "exn";
    default: return "?";
  }
}

/// A value type as it stands in the bytes; its first part was read as an s33.
std::string value_type(wasm::Reader& reader, std::int64_t code) {
  switch (code & 0x7f) {
    case 0x7f: return "i32";
    case 0x7e: return "i64";
    case 0x7d: return "f32";
    case 0x7c: return "f64";
    case 0x7b: return "v128";
    case 0x64: return std::format("(ref {})", heap_text(reader.s33()));
    case 0x63: return std::format("(ref null {})", heap_text(reader.s33()));
    default: return heap_text(code) + "ref";
  }
}

class Printer {
 public:
  Printer(const wasm::Module& module, const wasm::FunctionDecl& function)
      : module_(module), reader_(module.bytes, function.body_begin, function.body_end) {}

  std::string print() {
    locals();
    while (reader_.ok() && !reader_.at_end()) instruction();
    if (!reader_.ok()) {
      const wasm::Error error = reader_.take_error();
      text_ += std::format("at byte {:#x}: {}\n", error.offset, error.message);
    }
    return std::move(text_);
  }

 private:
  void locals() {
    const std::uint32_t groups = reader_.u32();
    for (std::uint32_t i = 0; i < groups && reader_.ok(); ++i) {
      const std::uint32_t count = reader_.u32();
      const std::string type = value_type(reader_, reader_.s33());
      text_ += std::format("          locals {} × {}\n", count, type);
    }
  }

  void instruction() {
    const std::uint32_t at = reader_.position();
    std::uint32_t code = reader_.byte();
    if (code >= 0xfb && code <= 0xfe) {
      const std::uint32_t number = reader_.u32();
      code = number > 0xfff ? ~0u : code << 12 | number;
    }
    const auto op = static_cast<Opcode>(code);
    if (code == ~0u || wasm::opcode_info(op).text == nullptr) {
      reader_.fail(wasm::Error::Kind::malformed, at, "no instruction that is known here");
      return;
    }
    const wasm::OpcodeInfo& info = wasm::opcode_info(op);
    const bool closes =
        op == Opcode::end || op == Opcode::else_ || op == Opcode::catch_ || op == Opcode::catch_all;
    if (closes && depth_ > 0) --depth_;
    text_ += std::format("{:8x}: {:{}}{}{}\n", at, "", 2 * std::min<std::uint32_t>(depth_, 40), info.text,
                         immediates(op, info.immediates));
    const bool opens = info.immediates == Immediates::block_type || info.immediates == Immediates::catches ||
                       (closes && op != Opcode::end);
    if (opens) ++depth_;
  }

  std::string block_type() {
    const std::int64_t code = reader_.s33();
    if (code >= 0) return std::format(" (type {})", code);
    return (code & 0x7f) == 0x40 ? std::string() : std::format(" (result {})", value_type(reader_, code));
  }

  std::string memarg() {
    const std::uint32_t flags = reader_.u32();
    constexpr std::uint32_t kHasMemory = 1 << 6;
    std::string text;
    if (flags & kHasMemory) text += std::format(" memory={}", reader_.u32());
    if (const std::uint64_t offset = reader_.u64()) text += std::format(" offset={}", offset);
    return text + std::format(" align={}", 1ull << (flags & (kHasMemory - 1) & 31));
  }

  std::string bytes16() {
    std::string text = " ";
    for (int i = 0; i < 16; ++i) text += std::format("{}{:02x}", i % 4 || !i ? "" : " ", reader_.byte());
    return text;
  }

  std::string index(Opcode op) {
    const std::uint32_t number = reader_.u32();
    const bool names = op == Opcode::call || op == Opcode::return_call || op == Opcode::ref_func;
    if (!names || number >= module_.function_names.size() || module_.function_names[number].empty())
      return std::format(" {}", number);
    return std::format(" {} ({})", number, module_.function_names[number]);
  }

  std::string catches() {
    std::string text = block_type();
    constexpr const char* kKinds[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    const std::uint32_t count = reader_.u32();
    for (std::uint32_t i = 0; i < count && reader_.ok(); ++i) {
      const std::uint8_t kind = reader_.byte();
      text += std::format(" ({}", kKinds[kind & 3]);
      if (kind < 2) text += std::format(" {}", reader_.u32());
      text += std::format(" {})", reader_.u32());
    }
    return text;
  }

  std::string list(std::uint32_t more) {
    const std::uint32_t count = reader_.u32();
    std::string text;
    for (std::uint64_t i = 0; i < std::uint64_t{count} + more && reader_.ok(); ++i)
      text += std::format(" {}", reader_.u32());
    return text;
  }

  std::string immediates(Opcode op, Immediates kind) {
    switch (kind) {
      case Immediates::none: return {};
      case Immediates::block_type: return block_type();
      case Immediates::index: return index(op);
      case Immediates::two_indices: {
        const std::uint32_t first = reader_.u32();
        return std::format(" {} {}", first, reader_.u32());
      }
      case Immediates::labels: return list(1);  // and the default
      case Immediates::catches: return catches();
      case Immediates::types: {
        const std::uint32_t count = reader_.u32();
        std::string text;
        for (std::uint32_t i = 0; i < count && reader_.ok(); ++i)
          text += " " + value_type(reader_, reader_.s33());
        return text;
      }
      case Immediates::heap_type: return " " + heap_text(reader_.s33());
      case Immediates::cast: {
        const std::uint8_t flags = reader_.byte();
        const std::uint32_t label = reader_.u32();
        const std::string from = heap_text(reader_.s33()), to = heap_text(reader_.s33());
        return std::format(" {} (ref {}{}) (ref {}{})", label, flags & 1 ? "null " : "", from,
                           flags & 2 ? "null " : "", to);
      }
      case Immediates::memarg: return memarg();
      case Immediates::memarg_lane: {
        const std::string text = memarg();
        return text + std::format(" {}", reader_.byte());
      }
      case Immediates::lane: return std::format(" {}", reader_.byte());
      case Immediates::v128: return bytes16();
      case Immediates::i32: return std::format(" {}", reader_.s32());
      case Immediates::i64: return std::format(" {}", reader_.s64());
      case Immediates::f32: return std::format(" {}", std::bit_cast<float>(reader_.f32()));
      case Immediates::f64: return std::format(" {}", std::bit_cast<double>(reader_.f64()));
    }
    return {};
  }

  const wasm::Module& module_;
  wasm::Reader reader_;
  std::uint32_t depth_ = 0;
  std::string text_;
};

}  // namespace

std::string type_text(const wasm::ValType& type) {
  using Kind = wasm::ValType::Kind;
  switch (type.kind) {
    case Kind::i32: return "i32";
    case Kind::i64: return "i64";
    case Kind::f32: return "f32";
    case Kind::f64: return "f64";
    case Kind::v128: return "v128";
    case Kind::ref: break;
    case Kind::bottom: return "?";
  }
  const bool abstract = !type.heap.is_index();
  const std::string heap = abstract ? heap_text(static_cast<std::int64_t>(type.heap.code & 0x7f) - 0x80)
                                    : std::format("{}", type.heap.code);
  return abstract && type.nullable ? heap + "ref"
                                   : std::format("(ref {}{})", type.nullable ? "null " : "", heap);
}

std::string type_text(const wasm::FuncType& type) {
  const auto list = [](const std::vector<wasm::ValType>& types) {
    std::string text;
    for (const wasm::ValType& t : types) text += (text.empty() ? "" : " ") + type_text(t);
    return "(" + text + ")";
  };
  return list(type.params) + " -> " + list(type.results);
}

std::string function_text(const wasm::Module& module, std::uint32_t function) {
  return Printer(module, module.functions[function]).print();
}

}  // namespace nebulet::tool
