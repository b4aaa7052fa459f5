// SPDX-License-Identifier: MIT
#include "wasm/binary/type_reader.h"

#include <string>

#include "wasm/binary/opcodes.h"

namespace nebulet::wasm {
namespace {

bool is_abstract_heap(std::uint8_t byte) { return byte >= 0x69 && byte <= 0x74; }
constexpr std::uint8_t kRefNull = 0x63, kRef = 0x64;

bool read_mutability(Reader& reader) {
  const std::uint32_t at = reader.position();
  const std::uint8_t mutability = reader.byte();
  if (mutability > 1) reader.fail(Error::Kind::malformed, at, "malformed mutability");
  return mutability == 1;
}

}  // namespace

std::optional<ValType> short_val_type(std::uint8_t byte) {
  switch (byte) {
    case 0x7f: return kI32;
    case 0x7e: return kI64;
    case 0x7d: return kF32;
    case 0x7c: return kF64;
    case 0x7b: return kV128;
    default: break;
  }
  if (is_abstract_heap(byte)) return ref_type(abstract_heap(byte), true);
  return std::nullopt;
}

ValType read_val_type(Reader& reader, std::size_t types) {
  const std::uint32_t at = reader.position();
  const std::uint8_t code = reader.byte();
  if (const auto type = short_val_type(code)) return *type;
  if (code == kRefNull || code == kRef) return ref_type(read_heap_type(reader, types), code == kRefNull);
  reader.fail(Error::Kind::malformed, at, "malformed value type");
  return kI32;
}

ValType read_ref_type(Reader& reader, std::size_t types) {
  const std::uint32_t at = reader.position();
  const std::uint8_t code = reader.byte();
  if (is_abstract_heap(code)) return ref_type(abstract_heap(code), true);
  if (code == kRefNull || code == kRef) return ref_type(read_heap_type(reader, types), code == kRefNull);
  reader.fail(Error::Kind::malformed, at, "malformed reference type");
  return kFuncRef;
}

HeapType read_heap_type(Reader& reader, std::size_t types) {
  const std::uint32_t at = reader.position();
  if (const std::uint8_t code = reader.peek(); is_abstract_heap(code)) {
    reader.byte();
    return abstract_heap(code);
  }
  const std::int64_t index = reader.s33();
  if (!reader.ok()) return kFuncHeap;
  if (index < 0) {
    reader.fail(Error::Kind::malformed, at, "malformed heap type");
    return kFuncHeap;
  }
  if (static_cast<std::uint64_t>(index) >= types) {
    reader.fail(Error::Kind::invalid, at, with_number("unknown type", static_cast<std::uint64_t>(index)));
    return kFuncHeap;
  }
  return {static_cast<std::uint32_t>(index)};
}

FieldType read_field_type(Reader& reader, std::size_t types) {
  FieldType field;
  if (const std::uint8_t code = reader.peek(); code == 0x78 || code == 0x77) {
    reader.byte();
    field.type = kI32;
    field.packed = code == 0x78 ? FieldType::Packed::i8 : FieldType::Packed::i16;
  } else {
    field.type = read_val_type(reader, types);
  }
  field.is_mutable = read_mutability(reader);
  return field;
}

Limits read_limits(Reader& reader, unsigned allowed) {
  const std::uint32_t at = reader.position();
  const std::uint8_t flags = reader.byte();
  // A lone flag of custom page sizes is malformed as it was before them.
  if (flags & ~allowed || (flags & kLimitsPageSize && reader.at_end())) {
    reader.fail(Error::Kind::malformed, at, "malformed limits flags");
    return {};
  }
  Limits limits;
  limits.has_max = flags & kLimitsMax;
  limits.shared = flags & kLimitsShared;
  limits.is_64 = flags & kLimits64;
  limits.min = reader.u64();
  if (limits.has_max) limits.max = reader.u64();
  return limits;
}

MemoryType read_memory_type(Reader& reader) {
  const bool has_page_size = reader.peek() & kLimitsPageSize;
  MemoryType type;
  type.limits = read_limits(reader, kLimitsMax | kLimitsShared | kLimits64 | kLimitsPageSize);
  if (!has_page_size || !reader.ok()) return type;
  const std::uint32_t at = reader.position();
  const std::uint32_t log2 = reader.u32();
  if (reader.ok() && log2 >= 64) reader.fail(Error::Kind::malformed, at, "invalid custom page size");
  if (reader.ok() && log2 != 0 && log2 != 16)
    reader.fail(Error::Kind::invalid, at, "invalid custom page size");
  type.page_log2 = static_cast<std::uint8_t>(log2);
  return type;
}

GlobalType read_global_type(Reader& reader, std::size_t types) {
  GlobalType global{read_val_type(reader, types), false};
  global.is_mutable = read_mutability(reader);
  return global;
}

bool fail_unsupported(Reader& reader, std::uint32_t position, std::string_view feature) {
  std::string message = "unsupported feature: ";
  message += feature;
  return reader.fail(Error::Kind::limit, position, message);
}

bool fail_opcode(Reader& reader, std::uint32_t position, std::uint32_t code) {
  if (const char* feature = refused_feature(static_cast<Opcode>(code)))
    return fail_unsupported(reader, position, feature);
  constexpr const char* kDigits = "0123456789abcdef";
  std::string message = "illegal opcode ";
  const std::uint32_t prefix = code > 0xff ? code >> 12 : code;
  message += kDigits[prefix >> 4 & 15];
  message += kDigits[prefix & 15];
  if (code > 0xff) {
    message += ' ';
    message += with_number("", code & 0xfff).substr(1);
  }
  return reader.fail(Error::Kind::malformed, position, message);
}

}  // namespace nebulet::wasm
