// SPDX-License-Identifier: MIT
#include <array>

#include "wasm/ir/vector.h"
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

using namespace ir;

namespace {

/// Spec 4.6.8, memory.copy and memory.fill: nothing is written if an end is out of bounds. All that is read
/// is read before anything is written, and the highest bytes are written first: an access beyond the memory
/// leaves all of its bytes as they were, and if the last ones are inside, all are. (QEMU's TCG stores vectors
/// in halves, of which the first may be inside: before them a load looks at the last byte. A mapping that is
/// read-only, which is not the standard's, may begin inside of a range: then what lies behind it may have
/// been written.)
class Bulk {
 public:
  explicit Bulk(Function& f) : f_(f) {}

  bool run() {
    bool any = false;
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      const std::uint32_t count = f_[Block(b)].count;
      std::uint32_t i = 0;
      while (i < count && !is_short(at(b, i))) ++i;
      if (i == count) continue;
      any = true;
      // The block's instructions move behind all others, where there is room.
      const std::uint32_t first = f_[Block(b)].first, begin = f_.order.size();
      for (i = 0; i < count; ++i) {
        const Value v = f_.order[first + i];
        if (is_short(f_[v]))
          expand(v);
        else
          f_.order.push_back(v);
      }
      f_[Block(b)].first = begin;
      f_[Block(b)].count = f_.order.size() - begin;
    }
    return any;
  }

 private:
  /// As many as there are vector registers for half of them.
  static constexpr std::uint32_t kMostPieces = 8, kWidest = 16;

  const Inst& at(std::uint32_t b, std::uint32_t i) const { return f_[f_.order[f_[Block(b)].first + i]]; }

  bool is_short(const Inst& i) const {
    if (i.op != Op::memory_copy && i.op != Op::memory_fill) return false;
    const Inst& count = f_[i.c];
    if (count.op != Op::iconst || count.bits == 0 || count.bits > kMostPieces * kWidest) return false;
    // The bytes of a value that is not known are made by a vector instruction.
    return i.op == Op::memory_copy || count.bits >= kWidest || f_[i.b].op == Op::iconst;
  }

  struct Piece {
    std::uint32_t offset;
    Type type;
    Access access;
  };

  /// Pieces of one width, of which the last two may overlap; three bytes are 2 and 1.
  std::uint32_t divide(std::uint32_t count, std::array<Piece, kMostPieces>& pieces) const {
    Piece piece = {0, Type::v128, Access::full};
    std::uint32_t width = kWidest;
    if (count < 16) piece.type = Type::i64, width = 8;
    if (count < 8) piece.type = Type::i32, width = 4;
    if (count < 4) piece.access = Access::u16, width = 2;
    if (count < 2) piece.access = Access::u8, width = 1;
    std::uint32_t n = 0;
    for (; piece.offset + width <= count; piece.offset += width) pieces[n++] = piece;
    if (piece.offset == count) return n;
    piece.offset = count - width;
    if (count == 3) piece = {2, Type::i32, Access::u8};
    pieces[n++] = piece;
    return n;
  }

  Value add(const Inst& inst, std::uint32_t position) {
    const Value v = f_.add(inst, position);
    f_.order.push_back(v);
    return v;
  }

  Value filling(const Piece& piece, Value byte, std::uint32_t position) {
    const bool is_vector = piece.type == Type::v128;
    if (f_[byte].op != Op::iconst)
      return add({.op = Op::vsplat, .type = Type::v128, .lanes = Lanes::i8x16, .a = byte}, position);
    const std::uint64_t bits = (f_[byte].bits & 0xff) * 0x0101010101010101ull;
    if (is_vector) return add(vector_constant({bits, bits}), position);
    const std::uint64_t cut = piece.type == Type::i64 ? bits : static_cast<std::uint32_t>(bits);
    return add({.op = Op::iconst, .type = piece.type, .imm = static_cast<std::int64_t>(cut)}, position);
  }

  void expand(Value v) {
    const Inst i = f_[v];
    const std::uint32_t position = f_.positions[v.index];
    std::array<Piece, kMostPieces> pieces;
    std::array<Value, kMostPieces> values;
    const std::uint32_t n = divide(static_cast<std::uint32_t>(f_[i.c].bits), pieces);
    if (i.op == Op::memory_fill) {
      for (std::uint32_t k = 0; k < n; ++k)
        values[k] =
            k != 0 && pieces[k].access == pieces[0].access ? values[0] : filling(pieces[k], i.b, position);
    } else {
      for (std::uint32_t k = 0; k < n; ++k)
        values[k] = add({.op = Op::load,
                         .type = pieces[k].type,
                         .access = pieces[k].access,
                         .a = i.b,
                         .count = static_cast<std::uint32_t>(i.imm >> 32),
                         .imm = pieces[k].offset},
                        position);
    }
    const auto memory = static_cast<std::uint32_t>(i.imm);
    if (pieces[0].type == Type::v128)
      add({.op = Op::load,
           .type = Type::i32,
           .access = Access::u8,
           .a = i.a,
           .count = memory,
           .imm = static_cast<std::int64_t>(f_[i.c].bits - 1)},
          position);
    for (std::uint32_t k = n; k-- > 0;)
      add({.op = Op::store,
           .type = pieces[k].type,
           .access = pieces[k].access,
           .a = i.a,
           .b = values[k],
           .count = memory,
           .imm = pieces[k].offset},
          position);
  }

  Function& f_;
};

}  // namespace

bool expand_bulk(Function& function) { return Bulk(function).run(); }

}  // namespace nebulet::wasm::opt
