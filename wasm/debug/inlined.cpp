// SPDX-License-Identifier: MIT
// One pass over the entries of .debug_info. Work that several entries can ask for on the same bytes (tables
// of abbreviations, lists of ranges, names) is paid for from a budget in proportion to the sections; when it
// is used up, what is left has no chains.
#include "wasm/debug/inlined.h"

#include <algorithm>
#include <string_view>

#include "wasm/debug/cursor.h"

namespace nebulet::wasm::debug {
namespace {

constexpr std::size_t kMaxChain = 300, kMaxLinks = 16;

enum Tag : std::uint32_t { kInlinedSubroutine = 0x1d };
enum Attribute : std::uint32_t {
  kName = 0x03,
  kLowPc = 0x11,
  kHighPc = 0x12,
  kAbstractOrigin = 0x31,
  kSpecification = 0x47,
  kRanges = 0x55,
  kLinkageName = 0x6e,
  kStrOffsetsBase = 0x72,
  kAddrBase = 0x73,
  kRnglistsBase = 0x74,
};

struct Field {
  std::uint32_t attribute, form;
  std::int64_t constant;  ///< of DW_FORM_implicit_const
};
struct Abbreviation {
  std::uint32_t tag = 0, first = 0, count = 0;
  bool children = false;
};
struct Value {
  std::uint32_t form = 0;  ///< 0: the entry has no such attribute
  std::uint64_t number = 0;
  std::string_view text;
};
/// The attributes of an entry that matter here.
struct Entry {
  std::uint32_t tag = 0;
  bool children = false, end = false;
  Value name, linkage_name, low, high, origin, specification, ranges, str_base, addr_base, rnglists_base;
};

class Unit {
 public:
  Unit(const Sections& sections, std::span<const std::uint64_t> addresses,
       std::vector<std::vector<std::string>>& chains, std::uint64_t& fuel)
      : s_(sections), addresses_(addresses), chains_(chains), fuel_(fuel) {}

  /// `bytes` begin with the unit's length; false if nothing behind it can be read either.
  void read(std::span<const std::byte> bytes, std::size_t length_size) {
    bytes_ = bytes;
    is64_ = length_size == 12;
    Cursor at(bytes);
    at.skip(length_size);
    version_ = at.u16();
    if (version_ < 2 || version_ > 5) return;
    std::uint64_t abbreviations = 0;
    if (version_ >= 5) {
      if (at.u8() != 1) return;  // DW_UT_compile
      address_size_ = at.u8();
      abbreviations = offset(at);
    } else {
      abbreviations = offset(at);
      address_size_ = at.u8();
    }
    if (!at.ok() || !read_abbreviations(abbreviations)) return;
    Entry root;
    if (!entry(at, root)) return;
    str_base_ = root.str_base.number;
    addr_base_ = root.addr_base.number;
    rnglists_base_ = root.rnglists_base.number;
    base_ = root.low.form ? address(root.low) : 0;
    if (!root.children) return;
    for (std::uint32_t depth = 1; depth != 0 && !at.at_end();) {
      Entry e;
      if (!entry(at, e)) return;
      if (e.end) {
        --depth;
        continue;
      }
      if (e.tag == kInlinedSubroutine) note(e);
      if (e.children) ++depth;
    }
  }

 private:
  std::uint64_t offset(Cursor& at) const { return is64_ ? at.read<std::uint64_t>() : at.u32(); }
  bool spend(std::uint64_t n) {
    if (n > fuel_) {
      fuel_ = 0;
      return false;
    }
    fuel_ -= n;
    return true;
  }

  bool read_abbreviations(std::uint64_t begin) {
    Cursor at(s_.abbrev);
    at.seek(begin);
    while (at.ok()) {
      const std::uint64_t code = at.uleb();
      if (code == 0) return at.ok();
      // Producers number them from 1.
      if (code != table_.size() + 1 || !spend(4)) return false;
      Abbreviation a;
      a.tag = static_cast<std::uint32_t>(at.uleb());
      a.children = at.u8() != 0;
      a.first = static_cast<std::uint32_t>(fields_.size());
      for (;;) {
        Field field{};
        field.attribute = static_cast<std::uint32_t>(at.uleb());
        field.form = static_cast<std::uint32_t>(at.uleb());
        if (field.form == 0x21) field.constant = at.sleb();
        if (!at.ok() || !spend(2)) return false;
        if (field.attribute == 0 && field.form == 0) break;
        fields_.push_back(field);
      }
      a.count = static_cast<std::uint32_t>(fields_.size()) - a.first;
      table_.push_back(a);
    }
    return false;
  }

  bool entry(Cursor& at, Entry& e) {
    const std::uint64_t code = at.uleb();
    if (!at.ok() || code > table_.size()) return false;
    if (code == 0) {
      e.end = true;
      return true;
    }
    const Abbreviation& a = table_[code - 1];
    // An entry without bytes for its fields still costs time for them.
    if (!spend(1 + a.count / 8)) return false;
    e.tag = a.tag;
    e.children = a.children;
    for (std::uint32_t i = a.first; i < a.first + a.count; ++i) {
      Value value;
      if (!read_value(at, fields_[i], value)) return false;
      switch (fields_[i].attribute) {
        case kName: e.name = value; break;
        case kLinkageName: e.linkage_name = value; break;
        case kLowPc: e.low = value; break;
        case kHighPc: e.high = value; break;
        case kAbstractOrigin: e.origin = value; break;
        case kSpecification: e.specification = value; break;
        case kRanges: e.ranges = value; break;
        case kStrOffsetsBase: e.str_base = value; break;
        case kAddrBase: e.addr_base = value; break;
        case kRnglistsBase: e.rnglists_base = value; break;
        default: break;
      }
    }
    return at.ok();
  }

  bool read_value(Cursor& at, const Field& field, Value& v) {
    v.form = field.form;
    switch (field.form) {
      case 0x01: v.number = sized(at, address_size_); return address_size_ == 4 || address_size_ == 8;
      case 0x0b:
      case 0x0c:
      case 0x11:
      case 0x25:
      case 0x29: v.number = at.u8(); return true;
      case 0x05:
      case 0x12:
      case 0x26:
      case 0x2a: v.number = at.u16(); return true;
      case 0x27:
      case 0x2b: v.number = at.u16() | std::uint64_t{at.u8()} << 16; return true;
      case 0x06:
      case 0x13:
      case 0x1c:
      case 0x28:
      case 0x2c: v.number = at.u32(); return true;
      case 0x07:
      case 0x14:
      case 0x20:
      case 0x24: v.number = at.read<std::uint64_t>(); return true;
      case 0x1e: at.skip(16); return true;
      case 0x0d: v.number = static_cast<std::uint64_t>(at.sleb()); return true;
      case 0x0f:
      case 0x15:
      case 0x1a:
      case 0x1b:
      case 0x22:
      case 0x23: v.number = at.uleb(); return true;
      case 0x0e:
      case 0x10:
      case 0x17:
      case 0x1d:
      case 0x1f: v.number = offset(at); return true;
      case 0x08: v.text = at.string(); return true;
      case 0x03: at.skip(at.u16()); return true;
      case 0x04: at.skip(at.u32()); return true;
      case 0x0a: at.skip(at.u8()); return true;
      case 0x09:
      case 0x18: at.skip(at.uleb()); return true;
      case 0x19: v.number = 1; return true;
      case 0x21: v.number = static_cast<std::uint64_t>(field.constant); return true;
      default: return false;
    }
  }
  static std::uint64_t sized(Cursor& at, unsigned bytes) {
    return bytes == 8 ? at.read<std::uint64_t>() : at.u32();
  }
  std::uint64_t indexed(std::span<const std::byte> section, std::uint64_t base, std::uint64_t index,
                        unsigned bytes) const {
    if (index > section.size()) return 0;
    Cursor at(section);
    at.seek(base + index * bytes);
    return sized(at, bytes);
  }

  std::uint64_t address(const Value& v) const {
    const bool is_index = v.form == 0x1b || (v.form >= 0x29 && v.form <= 0x2c);
    return is_index ? indexed(s_.addr, addr_base_, v.number, address_size_) : v.number;
  }
  std::string_view text(const Value& v) const {
    std::span<const std::byte> section = s_.str;
    std::uint64_t at = v.number;
    if (v.form == 0x08) return v.text;
    if (v.form == 0x1a || (v.form >= 0x25 && v.form <= 0x28))
      at = indexed(s_.str_offsets, str_base_, v.number, is64_ ? 8 : 4);
    else if (v.form == 0x1f)
      section = s_.line_str;
    else if (v.form != 0x0e)
      return {};
    Cursor cursor(section);
    cursor.seek(at);
    return cursor.string();
  }

  /// The name of the entry that `reference` names, or of what that one refers to.
  std::string name_of(Value reference) {
    for (int hop = 0; hop < 4; ++hop) {
      if (reference.form < 0x11 || reference.form > 0x15 || !spend(64)) return {};
      Cursor at(bytes_);
      at.seek(reference.number);
      Entry e;
      if (!entry(at, e) || e.end) return {};
      if (const std::string_view name = text(e.name); !name.empty()) {
        spend(name.size());
        return std::string(name.substr(0, kMaxChain));
      }
      reference = e.specification.form ? e.specification : e.origin;
    }
    return {};
  }

  void cover(const Entry& e, std::uint64_t begin, std::uint64_t end, std::string& name) {
    auto at = std::ranges::lower_bound(addresses_, begin);
    for (; at != addresses_.end() && *at < end; ++at) {
      auto& chain = chains_[static_cast<std::size_t>(at - addresses_.begin())];
      if (chain.size() == kMaxLinks) continue;
      if (name.empty()) name = name_of(e.origin);
      if (name.empty()) return;
      chain.push_back(name);
    }
  }

  void note(const Entry& e) {
    std::string name;
    if (e.low.form) {
      const std::uint64_t low = address(e.low);
      const bool is_address =
          e.high.form == 0x01 || e.high.form == 0x1b || (e.high.form >= 0x29 && e.high.form <= 0x2c);
      if (e.high.form) cover(e, low, is_address ? address(e.high) : low + e.high.number, name);
    } else if (e.ranges.form) {
      version_ >= 5 ? cover_list(e, name) : cover_pairs(e, name);
    }
  }

  // .debug_ranges: pairs of addresses, ended by two zeros.
  void cover_pairs(const Entry& e, std::string& name) {
    Cursor at(s_.ranges);
    at.seek(e.ranges.number);
    std::uint64_t base = base_;
    const std::uint64_t most = address_size_ == 8 ? ~std::uint64_t{0} : 0xffffffff;
    while (!at.at_end() && spend(4)) {
      const std::uint64_t begin = sized(at, address_size_), end = sized(at, address_size_);
      if (begin == 0 && end == 0) return;
      if (begin == most)
        base = end;
      else
        cover(e, base + begin, base + end, name);
    }
  }

  // .debug_rnglists
  void cover_list(const Entry& e, std::string& name) {
    std::uint64_t list = e.ranges.number;
    if (e.ranges.form == 0x23)
      list = rnglists_base_ + indexed(s_.rnglists, rnglists_base_, e.ranges.number, is64_ ? 8 : 4);
    Cursor at(s_.rnglists);
    at.seek(list);
    std::uint64_t base = base_;
    auto address_at = [&](std::uint64_t index) { return indexed(s_.addr, addr_base_, index, address_size_); };
    while (!at.at_end() && spend(4)) {
      std::uint64_t begin = 0, end = 0;
      switch (at.u8()) {
        case 1: base = address_at(at.uleb()); continue;
        case 2:
          begin = address_at(at.uleb());
          end = address_at(at.uleb());
          break;
        case 3:
          begin = address_at(at.uleb());
          end = begin + at.uleb();
          break;
        case 4:
          begin = base + at.uleb();
          end = base + at.uleb();
          break;
        case 5: base = sized(at, address_size_); continue;
        case 6:
          begin = sized(at, address_size_);
          end = sized(at, address_size_);
          break;
        case 7:
          begin = sized(at, address_size_);
          end = begin + at.uleb();
          break;
        default: return;  // the end, or unknown
      }
      cover(e, begin, end, name);
    }
  }

  const Sections& s_;
  const std::span<const std::uint64_t> addresses_;
  std::vector<std::vector<std::string>>& chains_;
  std::uint64_t& fuel_;
  std::span<const std::byte> bytes_;
  bool is64_ = false;
  std::uint16_t version_ = 0;
  std::uint8_t address_size_ = 4;
  std::uint64_t str_base_ = 0, addr_base_ = 0, rnglists_base_ = 0, base_ = 0;
  std::vector<Abbreviation> table_;
  std::vector<Field> fields_;
};

}  // namespace

std::vector<std::string> find_inlined(const Sections& sections, std::span<const std::uint64_t> addresses) {
  std::vector<std::vector<std::string>> chains(addresses.size());
  std::uint64_t fuel =
      64 * 1024 + 4 * (sections.info.size() + sections.abbrev.size() + sections.ranges.size() +
                       sections.rnglists.size() + sections.str.size());
  Cursor at(sections.info);
  while (!at.at_end() && fuel != 0 && !addresses.empty()) {
    const std::size_t begin = at.position();
    std::uint64_t length = at.u32();
    const bool is64 = length == 0xffffffff;
    if (is64) length = at.read<std::uint64_t>();
    const std::size_t length_size = is64 ? 12 : 4;
    at.skip(length);
    if (!at.ok()) break;
    Unit(sections, addresses, chains, fuel)
        .read(sections.info.subspan(begin, length_size + length), length_size);
  }
  std::vector<std::string> texts;
  for (auto& chain : chains) {
    std::string text;
    for (std::size_t i = chain.size(); i-- > 0 && text.size() < kMaxChain;) {
      if (!text.empty()) text += ", inlined into ";
      text += chain[i];
    }
    if (text.size() > kMaxChain) text.resize(kMaxChain);
    for (char& c : text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace nebulet::wasm::debug
