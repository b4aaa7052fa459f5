// SPDX-License-Identifier: MIT
// Instructions (spec 5.4), with blocks resolved to positions:
//   block loop if try try_table   imm, imm2: number of parameters and results; a: position of the end
//   if                            b: position of the else, or of the end
//   try, try_table                b: index in Body::catches
//   else catch catch_all          a: position of the end
//   br …                          a: label; br_table: index in Body::branch_tables
//   loads, stores, atomics        a: memory; imm: offset; b: lane
//   br_on_cast                    a: label; type: the target
#include "tests/reference/module.h"

namespace nebulet::reference {
namespace {

class Decoder {
 public:
  Decoder(Bytes& in, std::span<const DefType> types) : in_(in), types_(types) {}

  Body run() {
    for (;;) {
      instr_ = {};
      instr_.op = in_.byte();
      const auto at = static_cast<std::uint32_t>(body_.code.size());
      const bool last = instr_.op == 0x0b && open_.empty();
      if (!last) read(at);
      if (!in_.ok()) return {};
      body_.code.push_back(instr_);
      if (last) return std::move(body_);
    }
  }

 private:
  struct Open {
    std::uint32_t begin;
    std::vector<std::uint32_t> inner;  ///< else and catches, which get to know the end
  };

  void block_type() {
    const std::uint8_t first = in_.peek();
    if (first == 0x40) {
      in_.byte();
    } else if ((first & 0xc0) == 0x40) {
      in_.value_type();
      instr_.imm2 = 1;
    } else {
      const std::int64_t index = in_.signed_number();
      if (index < 0 || static_cast<std::size_t>(index) >= types_.size()) return in_.fail();
      instr_.imm = types_[static_cast<std::size_t>(index)].params.size();
      instr_.imm2 = types_[static_cast<std::size_t>(index)].results.size();
    }
  }

  void memarg() {
    const std::uint32_t flags = in_.u32();
    if (flags & 0x40) instr_.a = in_.u32();
    instr_.imm = in_.unsigned_number();
  }

  void end(std::uint32_t at) {
    if (open_.empty()) return in_.fail();
    Open open = std::move(open_.back());
    open_.pop_back();
    Instr& begin = body_.code[open.begin];
    begin.a = at;
    if (begin.op == 0x04 && begin.b == 0) begin.b = at;
    for (const std::uint32_t inner : open.inner) body_.code[inner].a = at;
  }

  void handler(std::uint32_t at, std::uint8_t kind, std::uint32_t tag) {
    if (open_.empty() || body_.code[open_.back().begin].op != 0x06) return in_.fail();
    open_.back().inner.push_back(at);
    body_.catches[body_.code[open_.back().begin].b].push_back({kind, tag, at + 1});
  }

  void read(std::uint32_t at) {
    switch (instr_.op) {
      case 0x06:
      case 0x02:
      case 0x03:
      case 0x04:
        block_type();
        if (instr_.op == 0x06) {
          instr_.b = static_cast<std::uint32_t>(body_.catches.size());
          body_.catches.emplace_back();
        }
        open_.push_back({at, {}});
        return;
      case 0x1f: {
        block_type();
        instr_.b = static_cast<std::uint32_t>(body_.catches.size());
        std::vector<Catch> catches;
        for (std::uint32_t n = in_.u32(); n && in_.ok(); --n) {
          Catch c;
          c.kind = in_.byte();
          if (c.kind < 2) c.tag = in_.u32();
          c.target = in_.u32();
          catches.push_back(c);
        }
        body_.catches.push_back(std::move(catches));
        open_.push_back({at, {}});
        return;
      }
      case 0x05:
        if (open_.empty() || body_.code[open_.back().begin].op != 0x04) return in_.fail();
        body_.code[open_.back().begin].b = at;
        open_.back().inner.push_back(at);
        return;
      case 0x07: return handler(at, 0, instr_.imm2 = in_.u32());
      case 0x19: return handler(at, 2, 0);
      case 0x18:
        end(at);
        instr_.a = in_.u32();
        return;
      case 0x0b: return end(at);
      case 0x0e: {
        std::vector<std::uint32_t> targets;
        for (std::uint64_t n = std::uint64_t{in_.u32()} + 1; n && in_.ok(); --n) targets.push_back(in_.u32());
        instr_.a = static_cast<std::uint32_t>(body_.branch_tables.size());
        body_.branch_tables.push_back(std::move(targets));
        return;
      }
      case 0x08:
      case 0x09:
      case 0x0c:
      case 0x0d:
      case 0x10:
      case 0x12:
      case 0x14:
      case 0x15:
      case 0x20:
      case 0x21:
      case 0x22:
      case 0x23:
      case 0x24:
      case 0x25:
      case 0x26:
      case 0x3f:
      case 0x40:
      case 0xd2:
      case 0xd5:
      case 0xd6: instr_.a = in_.u32(); return;
      case 0x11:
      case 0x13:
        instr_.a = in_.u32();
        instr_.b = in_.u32();
        return;
      case 0x1c:
        for (std::uint32_t n = in_.u32(); n && in_.ok(); --n) in_.value_type();
        return;
      case 0x41: instr_.imm = static_cast<std::uint32_t>(in_.signed_number()); return;
      case 0x42: instr_.imm = static_cast<std::uint64_t>(in_.signed_number()); return;
      case 0x43: instr_.imm = in_.fixed(4); return;
      case 0x44: instr_.imm = in_.fixed(8); return;
      case 0xd0: in_.heap_type(); return;
      case 0xfb: return gc();
      case 0xfc: return numeric();
      case 0xfd: return vector();
      case 0xfe: return atomic();
      default:
        if (instr_.op >= 0x28 && instr_.op <= 0x3e) memarg();
        return;
    }
  }

  std::uint32_t sub_opcode() {
    const std::uint32_t number = in_.u32();
    instr_.op = instr_.op << 12 | number;
    if (number > 0xfff) in_.fail();
    return number;
  }

  void gc() {
    const std::uint32_t number = sub_opcode();
    switch (number) {
      case 2:
      case 3:
      case 4:
      case 5:
      case 8:
      case 9:
      case 10:
      case 17:
      case 18:
      case 19:
        instr_.a = in_.u32();
        instr_.b = in_.u32();
        return;
      case 15:
      case 26:
      case 27:
      case 28:
      case 29:
      case 30: return;
      case 20:
      case 21:
      case 22:
      case 23: instr_.type = {0x64, (number & 1) != 0, in_.heap_type()}; return;
      case 24:
      case 25: {
        const std::uint8_t flags = in_.byte();
        instr_.a = in_.u32();
        in_.heap_type();
        instr_.type = {0x64, (flags & 2) != 0, in_.heap_type()};
        return;
      }
      default: instr_.a = in_.u32(); return;
    }
  }

  void numeric() {
    const std::uint32_t number = sub_opcode();
    if (number < 8 || (number >= 19 && number <= 22)) return;
    instr_.a = in_.u32();
    if (number == 8 || number == 10 || number == 12 || number == 14) instr_.b = in_.u32();
  }

  void vector() {
    const std::uint32_t number = sub_opcode();
    if (number <= 11 || number == 92 || number == 93) return memarg();
    if (number == 12 || number == 13) {
      instr_.imm = in_.fixed(8);
      instr_.imm2 = in_.fixed(8);
    } else if (number >= 21 && number <= 34) {
      instr_.b = in_.byte();
    } else if (number >= 84 && number <= 91) {
      memarg();
      instr_.b = in_.byte();
    }
  }

  void atomic() {
    if (sub_opcode() == 3) {
      in_.byte();
    } else {
      memarg();
    }
  }

  Bytes& in_;
  std::span<const DefType> types_;
  Body body_;
  Instr instr_;
  std::vector<Open> open_;
};

}  // namespace

Body decode_expression(Bytes& in, std::span<const DefType> types) { return Decoder(in, types).run(); }

}  // namespace nebulet::reference
