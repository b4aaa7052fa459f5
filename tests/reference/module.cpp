// SPDX-License-Identifier: MIT
// The sections of a module (spec 5.5).
#include "tests/reference/module.h"

namespace nebulet::reference {

std::uint8_t Bytes::byte() {
  if (at_ >= bytes_.size()) failed_ = true;
  return failed_ ? 0 : bytes_[at_++];
}

std::uint64_t Bytes::unsigned_number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const std::uint8_t b = byte();
    if (shift < 64) value |= std::uint64_t{b & 0x7fu} << shift;
    if (!(b & 0x80)) return value;
  }
  failed_ = true;
  return 0;
}

std::int64_t Bytes::signed_number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const std::uint8_t b = byte();
    if (shift < 64) value |= std::uint64_t{b & 0x7fu} << shift;
    if (b & 0x80) continue;
    if ((b & 0x40) && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
    return static_cast<std::int64_t>(value);
  }
  failed_ = true;
  return 0;
}

std::uint64_t Bytes::fixed(unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) value |= std::uint64_t{byte()} << 8 * i;
  return value;
}

Bytes Bytes::part(std::size_t size) {
  if (failed_ || size > bytes_.size() - at_) {
    failed_ = true;
    return Bytes({});
  }
  Bytes result(bytes_.subspan(at_, size));
  at_ += size;
  return result;
}

std::string Bytes::name() {
  const Bytes text = part(u32());
  return {text.rest().begin(), text.rest().end()};
}

ValType Bytes::value_type() {
  const std::uint8_t kind = byte();
  if (kind == 0x63 || kind == 0x64) return {0x64, kind == 0x63, heap_type()};
  if (kind >= 0x77 && kind != 0x79 && kind != 0x7a) return {kind};
  return {0x64, true, static_cast<std::int8_t>(kind | 0x80)};  // a heap type alone: nullable
}

namespace {

Field field(Bytes& in) {
  Field result;
  result.type = in.value_type();
  result.is_mutable = in.byte() != 0;
  return result;
}

DefType composite(Bytes& in, std::uint8_t form) {
  DefType type;
  if (form == 0x60) {
    for (std::uint32_t n = in.u32(); n && in.ok(); --n) type.params.push_back(in.value_type());
    for (std::uint32_t n = in.u32(); n && in.ok(); --n) type.results.push_back(in.value_type());
  } else if (form == 0x5f) {
    type.kind = DefType::Kind::structure;
    for (std::uint32_t n = in.u32(); n && in.ok(); --n) type.members.push_back(field(in));
  } else if (form == 0x5e) {
    type.kind = DefType::Kind::array;
    type.members.push_back(field(in));
  } else {
    in.fail();
  }
  return type;
}

DefType sub_type(Bytes& in, std::uint8_t form) {
  if (form != 0x50 && form != 0x4f) return composite(in, form);
  std::int64_t super = -1;
  for (std::uint32_t n = in.u32(); n && in.ok(); --n) super = in.u32();
  DefType type = composite(in, in.byte());
  type.is_final = form == 0x4f;
  type.super = super;
  return type;
}

void types(Bytes& in, Module& module) {
  for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
    std::uint8_t form = in.byte();
    std::uint32_t length = 1;
    if (form == 0x4e) {
      length = in.u32();
      for (std::uint32_t i = 0; i < length && in.ok(); ++i) module.types.push_back(sub_type(in, in.byte()));
    } else {
      module.types.push_back(sub_type(in, form));
    }
    module.groups.push_back(length);
  }
}

Limits limits(Bytes& in) {
  const std::uint8_t flags = in.byte();
  Limits result;
  result.has_max = flags & 1;
  result.shared = flags & 2;
  result.is_64 = flags & 4;
  result.min = in.unsigned_number();
  if (result.has_max) result.max = in.unsigned_number();
  if (flags & 8) result.page_log2 = static_cast<std::uint8_t>(in.u32());
  return result;
}

TableType table_type(Bytes& in) {
  TableType type;
  type.element = in.value_type();
  type.limits = limits(in);
  return type;
}

GlobalType global_type(Bytes& in) {
  GlobalType type;
  type.type = in.value_type();
  type.is_mutable = in.byte() != 0;
  return type;
}

void imports(Bytes& in, Module& module) {
  for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
    Import import;
    import.module = in.name();
    import.name = in.name();
    const std::uint8_t kind = in.byte();
    import.kind = static_cast<Kind>(kind);
    switch (import.kind) {
      case Kind::function: import.type = in.u32(); break;
      case Kind::table: import.table = table_type(in); break;
      case Kind::memory: import.memory = limits(in); break;
      case Kind::global: import.global = global_type(in); break;
      case Kind::tag:
        in.byte();
        import.type = in.u32();
        break;
      default: in.fail();
    }
    module.imports.push_back(std::move(import));
  }
}

Body reference_to(std::uint32_t function) {
  Body body;
  body.code = {{.op = 0xd2, .a = function}, {.op = 0x0b}};
  return body;
}

void elements(Bytes& in, Module& module) {
  for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
    const std::uint32_t flags = in.u32();
    Element segment;
    segment.type = {0x64, false, heap::func};
    if (flags & 1) {
      segment.mode = flags & 2 ? Element::Mode::declarative : Element::Mode::passive;
    } else {
      if (flags & 2) segment.table = in.u32();
      segment.offset = decode_expression(in, module.types);
    }
    if (flags & 4) segment.type = {0x64, true, heap::func};
    if (flags & 3) {
      if (flags & 4) {
        segment.type = in.value_type();
      } else {
        in.byte();
      }
    }
    for (std::uint32_t k = in.u32(); k && in.ok(); --k)
      segment.items.push_back(flags & 4 ? decode_expression(in, module.types) : reference_to(in.u32()));
    module.elements.push_back(std::move(segment));
  }
}

void data(Bytes& in, Module& module) {
  for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
    const std::uint32_t flags = in.u32();
    Data segment;
    segment.active = !(flags & 1);
    if (flags & 2) segment.memory = in.u32();
    if (segment.active) segment.offset = decode_expression(in, module.types);
    const Bytes bytes = in.part(in.u32());
    segment.bytes.assign(bytes.rest().begin(), bytes.rest().end());
    module.data.push_back(std::move(segment));
  }
}

void bodies(Bytes& in, Module& module) {
  for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
    Bytes part = in.part(in.u32());
    std::vector<ValType> locals;
    for (std::uint32_t k = part.u32(); k && part.ok(); --k) {
      const std::uint32_t count = part.u32();
      const ValType type = part.value_type();
      if (count > 100'000) part.fail();
      if (part.ok()) locals.insert(locals.end(), count, type);
    }
    Body body = decode_expression(part, module.types);
    body.locals = std::move(locals);
    if (!part.ok()) in.fail();
    module.bodies.push_back(std::move(body));
  }
}

void section(std::uint8_t id, Bytes& in, Module& module) {
  switch (id) {
    case 1: return types(in, module);
    case 2: return imports(in, module);
    case 3:
      for (std::uint32_t n = in.u32(); n && in.ok(); --n) module.function_types.push_back(in.u32());
      return;
    case 4:
      for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
        Table table;
        const bool has_init = in.peek() == 0x40;
        if (has_init) in.byte(), in.byte();
        table.type = table_type(in);
        if (has_init) table.init = decode_expression(in, module.types);
        module.tables.push_back(std::move(table));
      }
      return;
    case 5:
      for (std::uint32_t n = in.u32(); n && in.ok(); --n) module.memories.push_back(limits(in));
      return;
    case 6:
      for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
        Global global;
        global.type = global_type(in);
        global.init = decode_expression(in, module.types);
        module.globals.push_back(std::move(global));
      }
      return;
    case 7:
      for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
        Export e;
        e.name = in.name();
        e.kind = static_cast<Kind>(in.byte());
        e.index = in.u32();
        module.exports.push_back(std::move(e));
      }
      return;
    case 8: module.start = in.u32(); return;
    case 9: return elements(in, module);
    case 10: return bodies(in, module);
    case 11: return data(in, module);
    case 13:
      for (std::uint32_t n = in.u32(); n && in.ok(); --n) {
        in.byte();
        module.tags.push_back(in.u32());
      }
      return;
    default: return;
  }
}

}  // namespace

std::optional<Module> decode(std::span<const std::uint8_t> bytes) {
  Bytes in(bytes);
  if (in.fixed(4) != 0x6d736100 || in.fixed(4) != 1) return std::nullopt;
  Module module;
  while (!in.at_end()) {
    const std::uint8_t id = in.byte();
    Bytes part = in.part(in.u32());
    if (!in.ok()) return std::nullopt;
    if (id == 0) continue;
    section(id, part, module);
    if (!part.ok()) return std::nullopt;
  }
  if (!in.ok() || module.bodies.size() != module.function_types.size()) return std::nullopt;
  return module;
}

}  // namespace nebulet::reference
