// SPDX-License-Identifier: MIT
#include "wasm/verify/decode.h"

#include <array>
#include <cstring>

namespace nebulet::wasm::verify {
namespace {

namespace digit {
constexpr std::uint8_t any = 8;
constexpr std::uint8_t of(int value) { return static_cast<std::uint8_t>(value); }
}  // namespace digit
enum class Size : std::uint8_t { b, v, y, q, n };
enum class Form : std::uint8_t { none, m, mr, rm, o, j1, j4 };
namespace access {
enum Access : std::uint8_t { x = 0, r = 1, w = 2, rw = 3 };
}
using access::Access;
enum class Implicit : std::uint8_t { none = 0, a = 1, d = 4, ad = 5 };  // a mask of gprs
enum class Imm : std::uint8_t { n, b, w, z, v };
enum class Policy : std::uint8_t { any, reg, mem };

struct LegacyRow {
  std::uint8_t map, pp, opcode, count, digit;
  Size size;
  std::uint8_t rm_size;
  Form form;
  Access rm_access, reg_access;
  Implicit implicit;
  Imm imm;
  Policy policy;
  Kind kind;
  std::uint8_t sub;
};

enum class Vvvv : std::uint8_t { u, n, s };
enum Gprs : std::uint8_t { kR = 1, kM = 2, kV = 4, kWR = 8, kWM = 16, kWV = 32, kSmall = 64 };
// Widths up to 32 stand for themselves.
enum Width : std::uint8_t { wx = 64, wh, wf, we, wd, wg };

struct VexRow {
  std::uint8_t map, pp, opcode, count, digit, l, w;
  Vvvv vvvv;
  Policy policy;
  Access access;
  std::uint8_t width, imm, gprs;
};

constexpr LegacyRow kLegacy[] = {
#define NB_LEGACY(map, pp, opcode, count, dig, size, rm_size, form, rm_acc, reg_acc, implicit, imm, policy, \
                  kind, sub)                                                                                \
  {map,                                                                                                     \
   pp,                                                                                                      \
   opcode,                                                                                                  \
   count,                                                                                                   \
   digit::of([] {                                                                                           \
     using namespace digit;                                                                                 \
     return dig;                                                                                            \
   }()),                                                                                                    \
   Size::size,                                                                                              \
   rm_size,                                                                                                 \
   Form::form,                                                                                              \
   access::rm_acc,                                                                                          \
   access::reg_acc,                                                                                         \
   Implicit::implicit,                                                                                      \
   Imm::imm,                                                                                                \
   Policy::policy,                                                                                          \
   Kind::kind,                                                                                              \
   sub},
#include "wasm/verify/legacy.def"
#undef NB_LEGACY
};

namespace width {
constexpr std::uint8_t x = wx, h = wh, f = wf, e = we, d = wd, g = wg;
}
constexpr VexRow kVex[] = {
#define NB_VEX(map, pp, opcode, count, dig, l, w, vvvv, rm, acc, wid, imm, gprs) \
  {map,                                                                          \
   pp,                                                                           \
   opcode,                                                                       \
   count,                                                                        \
   digit::of([] {                                                                \
     using namespace digit;                                                      \
     return dig;                                                                 \
   }()),                                                                         \
   l,                                                                            \
   w,                                                                            \
   Vvvv::vvvv,                                                                   \
   Policy::rm,                                                                   \
   access::acc,                                                                  \
   digit::of([] {                                                                \
     using namespace width;                                                      \
     return wid;                                                                 \
   }()),                                                                         \
   imm,                                                                          \
   gprs},
#include "wasm/verify/vex.def"
#undef NB_VEX
};

// An opcode's entry: 0 none, else 1 + the index of a row, or kGroup + the index of a table by ModRM.reg.
constexpr std::uint16_t kGroup = 0x8000;

template <std::size_t kKeys, std::size_t kGroups>
struct Index {
  std::array<std::uint16_t, kKeys> entries{};
  std::array<std::array<std::uint16_t, 8>, kGroups> groups{};
  std::uint16_t group_count = 0;
  bool sound = true;  // no opcode has two rows

  constexpr void add(std::size_t key, std::uint8_t dig, std::uint16_t row) {
    std::uint16_t& entry = entries[key];
    if (dig == digit::any) {
      sound &= entry == 0;
      entry = row + 1;
      return;
    }
    if (entry == 0) entry = kGroup + group_count++;
    sound &= entry >= kGroup;
    std::uint16_t& slot = groups[entry - kGroup][dig];
    sound &= slot == 0;
    slot = row + 1;
  }
};

// Keys: map 0, map 1, map 1 with F3.
constexpr auto kLegacyIndex = [] {
  Index<3 * 256, 40> index;
  for (std::uint16_t i = 0; i < std::size(kLegacy); i++)
    for (unsigned k = 0; k < kLegacy[i].count; k++)
      index.add((kLegacy[i].map + (kLegacy[i].pp == 3)) * 256u + kLegacy[i].opcode + k, kLegacy[i].digit, i);
  return index;
}();
static_assert(kLegacyIndex.sound);

constexpr auto kVexIndex = [] {
  Index<12 * 256, 8> index;
  for (std::uint16_t i = 0; i < std::size(kVex); i++)
    for (unsigned k = 0; k < kVex[i].count; k++)
      index.add(((kVex[i].map - 1) * 4 + kVex[i].pp) * 256u + kVex[i].opcode + k, kVex[i].digit, i);
  return index;
}();
static_assert(kVexIndex.sound);

template <class T>
const T* lookup(const auto& index, const T* rows, std::size_t key, std::uint8_t modrm) {
  std::uint16_t entry = index.entries[key];
  if (entry >= kGroup) entry = index.groups[entry - kGroup][(modrm >> 3) & 7];
  return entry ? rows + entry - 1 : nullptr;
}

template <class T>
T load(const std::uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

struct ModRm {
  std::uint8_t mod, reg, rm;  // reg and rm with their extension bits; rm meaningful if mod is 3
};
/// Decodes ModRM with SIB and displacement at `p`; returns what follows. r8, x8, b8: the extension bits, as 0
/// or 8.
const std::uint8_t* decode_modrm(const std::uint8_t* p, std::uint8_t r8, std::uint8_t x8, std::uint8_t b8,
                                 ModRm& m, Insn& out) {
  const std::uint8_t byte = *p++;
  m.mod = byte >> 6;
  m.reg = ((byte >> 3) & 7) | r8;
  m.rm = (byte & 7) | b8;
  if (m.mod == 3) return p;
  out.has_mem = true;
  Mem& mem = out.mem;
  unsigned disp_size = m.mod == 1 ? 1 : m.mod == 2 ? 4 : 0;
  if ((byte & 7) == 4) {
    const std::uint8_t sib = *p++;
    const std::uint8_t index = ((sib >> 3) & 7) | x8;
    if (index != kRsp) {
      mem.index = index;
      mem.scale = sib >> 6;
    }
    if ((sib & 7) == 5 && m.mod == 0) {
      if (b8) return nullptr;  // no base whatever the extension bit, but decoders differ
      disp_size = 4;
    } else
      mem.base = (sib & 7) | b8;
  } else if ((byte & 7) == 5 && m.mod == 0) {
    mem.base = kRip;
    disp_size = 4;
  } else {
    mem.base = m.rm;
  }
  if (disp_size == 1) mem.disp = static_cast<std::int8_t>(*p);
  if (disp_size == 4) mem.disp = load<std::int32_t>(p);
  return p + disp_size;
}

/// How many bytes decode() lets the functions below read.
constexpr std::size_t kMost = 32;

struct Prefixes {
  bool gs = false, addr32 = false, p66 = false, f3 = false, lock = false;
  std::uint8_t rex = 0;
};

/// Records a definition of `gpr` of `size` bytes.
void define(Insn& out, std::uint8_t gpr, std::uint8_t size, bool zero_extends) {
  const std::uint16_t bit = static_cast<std::uint16_t>(1u << gpr);
  out.written |= bit;
  if (size < 4)
    out.kept |= bit;
  else if (zero_extends)
    out.zeroed |= bit;
}

/// GS and 0x67 are taken only where they mean something.
bool finish_mem(const Prefixes& prefixes, Access how, std::uint8_t width, Insn& out) {
  if (!out.has_mem) return !prefixes.gs && !prefixes.addr32;
  if (prefixes.gs && how == access::x) return false;
  if (prefixes.addr32 && !prefixes.gs && out.kind != Kind::lea) return false;
  out.mem.gs = prefixes.gs;
  out.mem.addr32 = prefixes.addr32;
  out.mem.read = how & access::r;
  out.mem.write = how & access::w;
  out.mem.width = width;
  return true;
}

/// A lock prefix is taken on read-modify-write of memory; xadd and cmpxchg need it, xchg with memory is
/// locked without.
bool finish_lock(const Prefixes& prefixes, Insn& out) {
  const bool modifies = out.has_mem && out.mem.read && out.mem.write;
  const bool always = out.kind == Kind::xadd || out.kind == Kind::cmpxchg;
  const bool may = always || out.kind == Kind::alu || out.kind == Kind::alu_imm;
  if (prefixes.lock && !(modifies && may)) return false;
  if (always && !prefixes.lock) return false;
  out.atomic = prefixes.lock || (out.kind == Kind::xchg && out.has_mem);
  return true;
}

/// The register named by `field`, for an operand of `size` bytes: without REX, 4 … 7 are ah, ch, dh, bh.
std::uint8_t gpr_of(std::uint8_t field, std::uint8_t size, bool rex) {
  return size == 1 && !rex && field >= 4 ? field & 3 : field;
}

const std::uint8_t* decode_vex(const std::uint8_t* p, const Prefixes& prefixes, Insn& out) {
  const bool three = *p == 0xc4;
  const std::uint8_t p0 = p[1], p1 = three ? p[2] : p[1];
  const std::uint8_t map = three ? p0 & 31 : 1;
  const std::uint8_t r8 = p0 & 0x80 ? 0 : 8, x8 = three && !(p0 & 0x40) ? 8 : 0,
                     b8 = three && !(p0 & 0x20) ? 8 : 0;
  const std::uint8_t w_bit = three ? p1 >> 7 : 0;
  const std::uint8_t vvvv = (~p1 >> 3) & 15, l = (p1 >> 2) & 1, pp = p1 & 3;
  p += three ? 3 : 2;
  if (map < 1 || map > 3) return nullptr;
  const std::uint8_t opcode = *p++;
  const VexRow* row = lookup(kVexIndex, kVex, ((map - 1u) * 4 + pp) * 256u + opcode, *p);
  if (!row || (row->l != 2 && row->l != l) || (row->w != 2 && row->w != w_bit)) return nullptr;

  ModRm m;
  p = decode_modrm(p, r8, x8, b8, m, out);
  if (!p) return nullptr;
  if ((row->policy == Policy::reg && out.has_mem) || (row->policy == Policy::mem && !out.has_mem))
    return nullptr;
  if ((row->vvvv == Vvvv::n || (row->vvvv == Vvvv::s && out.has_mem)) && vvvv != 0) return nullptr;

  const std::uint8_t size = w_bit ? 8 : 4;
  const bool small = size == 4 || (row->gprs & kSmall);
  out.size = size;
  out.reg_is_dst = true;
  auto gpr = [&](std::uint8_t number, bool written) {
    out.named |= static_cast<std::uint16_t>(1u << number);
    if (written) define(out, number, size, small);
    return number;
  };
  if (row->gprs & kR) out.reg = gpr(m.reg, row->gprs & kWR);
  if ((row->gprs & kM) && !out.has_mem) out.rm = gpr(m.rm, row->gprs & kWM);
  if (row->gprs & kV) gpr(vvvv, row->gprs & kWV);

  std::uint8_t width = row->width;
  switch (width) {
    case wx: width = l ? 32 : 16; break;
    case wh: width = l ? 16 : 8; break;
    case wf: width = l ? 8 : 4; break;
    case we: width = l ? 4 : 2; break;
    case wd: width = l ? 32 : 8; break;
    case wg: width = size; break;
    default: break;
  }
  if (row->imm) out.imm = static_cast<std::int8_t>(*p++);
  return finish_mem(prefixes, row->access, width, out) ? p : nullptr;
}

// By Size, and by REX.W and 66: operand sizes. By Imm and operand size: bytes of the immediate.
constexpr std::uint8_t kSizes[5][4] = {{1, 1, 1, 1}, {4, 2, 8, 8}, {4, 4, 8, 8}, {8, 8, 8, 8}, {8, 8, 8, 8}};
constexpr std::uint8_t kImmSizes[5][9] = {{},
                                          {1, 1, 1, 1, 1, 1, 1, 1, 1},
                                          {2, 2, 2, 2, 2, 2, 2, 2, 2},
                                          {4, 4, 2, 4, 4, 4, 4, 4, 4},
                                          {0, 1, 2, 3, 4, 5, 6, 7, 8}};

const std::uint8_t* decode_legacy(const std::uint8_t* p, const Prefixes& prefixes, Insn& out) {
  unsigned map = 0;
  std::uint8_t opcode = *p++;
  if (opcode == 0x0f) {
    opcode = *p++;
    map = prefixes.f3 ? 2 : 1;
  } else if (prefixes.f3) {
    return nullptr;
  }
  const LegacyRow* row = lookup(kLegacyIndex, kLegacy, map * 256u + opcode, *p);
  if (!row) return nullptr;
  const bool wide = prefixes.rex & 8;
  const std::uint8_t size = kSizes[static_cast<unsigned>(row->size)][wide * 2 + prefixes.p66];
  if (prefixes.p66 && (row->size != Size::v || wide)) return nullptr;
  if (wide && (row->size == Size::b || row->size == Size::n)) return nullptr;
  if (!wide && row->size == Size::q) return nullptr;
  if (row->kind == Kind::nop && prefixes.rex) return nullptr;  // 90 with REX.B is an exchange with r8
  out.kind = row->kind;
  out.sub = row->kind == Kind::jcc || row->kind == Kind::cmov ? opcode & 15 : row->sub;
  out.size = size;
  const bool zero_extends =
      row->kind != Kind::undef && row->kind != Kind::cmpxchg && (size == 4 || row->kind == Kind::small);
  const std::uint8_t r8 = prefixes.rex & 4 ? 8 : 0, x8 = prefixes.rex & 2 ? 8 : 0,
                     b8 = prefixes.rex & 1 ? 8 : 0;
  const std::uint8_t rm_size = row->rm_size ? row->rm_size : size;

  if (row->form == Form::m || row->form == Form::mr || row->form == Form::rm) {
    ModRm m;
    p = decode_modrm(p, r8, x8, b8, m, out);
    if (!p) return nullptr;
    if ((row->policy == Policy::reg && out.has_mem) || (row->policy == Policy::mem && !out.has_mem))
      return nullptr;
    if (row->form != Form::m) {
      out.reg = gpr_of(m.reg, size, prefixes.rex);
      out.reg_is_dst = row->form == Form::rm;
      out.named |= static_cast<std::uint16_t>(1u << out.reg);
      if (row->reg_access & access::w) define(out, out.reg, size, zero_extends);
    }
    if (!out.has_mem) {
      out.rm = gpr_of(m.rm, rm_size, prefixes.rex);
      out.named |= static_cast<std::uint16_t>(1u << out.rm);
      if (row->rm_access & access::w) define(out, out.rm, rm_size, zero_extends);
    }
  } else if (row->form == Form::o) {
    out.reg = gpr_of((opcode & 7) | b8, size, prefixes.rex);
    out.reg_is_dst = true;
    out.named |= static_cast<std::uint16_t>(1u << out.reg);
    if (row->reg_access & access::w) define(out, out.reg, size, zero_extends);
  }
  const auto implicit = static_cast<std::uint8_t>(row->implicit);
  if (implicit & 1) define(out, kRax, size == 1 ? 2 : size, zero_extends);
  if (implicit & 4) define(out, kRdx, size, zero_extends);

  const unsigned imm_size = row->form == Form::j1   ? 1
                            : row->form == Form::j4 ? 4
                                                    : kImmSizes[static_cast<unsigned>(row->imm)][size];
  if (imm_size != 0) {  // decode() reads from at least kMost bytes
    const unsigned above = 64 - 8 * imm_size;
    const std::uint64_t raw = load<std::uint64_t>(p) << above;
    out.imm = row->kind == Kind::ret ? static_cast<std::int64_t>(raw >> above)
                                     : static_cast<std::int64_t>(raw) >> above;
    p += imm_size;
  }
  if (row->kind == Kind::nop && row->policy == Policy::reg && out.rm != kRax) return nullptr;  // mfence
  return finish_mem(prefixes, row->rm_access, rm_size, out) && finish_lock(prefixes, out) ? p : nullptr;
}

/// Few instructions have a prefix: whether the byte's upper four bits are those of one.
bool may_be_prefix(std::uint8_t byte) { return 1u << (byte >> 4) & (1u << 0x6 | 1u << 0xf); }

}  // namespace

bool decode(const std::uint8_t* bytes, std::size_t available, Insn& out) {
  // The longest form read below has 4 prefixes, REX, 3 bytes of opcode, ModRM, SIB, displacement and an
  // 8-byte immediate.
  constexpr std::size_t kLongest = 15;
  std::uint8_t copy[kMost];
  const std::uint8_t* begin = bytes;
  if (available < kMost) [[unlikely]] {
    if (available == 0) return false;
    std::memset(copy, 0, sizeof copy);
    std::memcpy(copy, bytes, available);
    begin = copy;
  }
  out = Insn{};
  Prefixes prefixes;
  const std::uint8_t* p = begin;
  for (; may_be_prefix(*p); p++) {
    bool* prefix = nullptr;
    switch (*p) {
      case 0x65: prefix = &prefixes.gs; break;
      case 0x66: prefix = &prefixes.p66; break;
      case 0x67: prefix = &prefixes.addr32; break;
      case 0xf0: prefix = &prefixes.lock; break;
      case 0xf3: prefix = &prefixes.f3; break;
      default: break;
    }
    if (!prefix) break;
    if (*prefix) return false;
    *prefix = true;
  }
  if ((*p & 0xf0) == 0x40) prefixes.rex = *p++;
  if (*p == 0xc4 || *p == 0xc5)
    p = prefixes.rex || prefixes.p66 || prefixes.f3 || prefixes.lock ? nullptr : decode_vex(p, prefixes, out);
  else
    p = decode_legacy(p, prefixes, out);
  if (!p) return false;
  const auto length = static_cast<std::size_t>(p - begin);
  if (length > available || length > kLongest) return false;
  out.length = static_cast<std::uint8_t>(length);
  return true;
}

}  // namespace nebulet::wasm::verify
