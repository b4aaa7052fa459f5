// SPDX-License-Identifier: MIT
#include "wasm/binary/type_reader.h"

#include <string>

#include "wasm/binary/opcodes.h"

namespace nebulet::wasm {
namespace {

/// The proposal behind a type's byte that the engine does not have, or null.
const char* refused_type(std::uint8_t code) {
  switch (code) {
    case 0x7b: return "SIMD";
    case 0x63:
    case 0x64: return "typed function references";
    case 0x69:
    case 0x74: return "exception handling";
    case 0x6a:
    case 0x6b:
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x71:
    case 0x72:
    case 0x73: return "garbage collection";
    default: return nullptr;
  }
}

ValType fail_type(Reader& reader, std::uint32_t at, std::uint8_t code, const char* message) {
  if (const char* feature = refused_type(code))
    fail_unsupported(reader, at, feature);
  else
    reader.fail(Error::Kind::malformed, at, message);
  return kI32;
}

}  // namespace

ValType read_val_type(Reader& reader) {
  const std::uint32_t at = reader.position();
  switch (const std::uint8_t code = reader.byte()) {
    case 0x7f: return kI32;
    case 0x7e: return kI64;
    case 0x7d: return kF32;
    case 0x7c: return kF64;
    case 0x70: return kFuncRef;
    case 0x6f: return kExternRef;
    default: return fail_type(reader, at, code, "malformed value type");
  }
}

ValType read_ref_type(Reader& reader) {
  const std::uint32_t at = reader.position();
  switch (const std::uint8_t code = reader.byte()) {
    case 0x70: return kFuncRef;
    case 0x6f: return kExternRef;
    default: return fail_type(reader, at, code == 0x7b ? 0 : code, "malformed reference type");
  }
}

HeapType read_heap_type(Reader& reader) {
  const std::uint32_t at = reader.position();
  const std::int64_t code = reader.s33();
  if (code == 0x70 - 0x80) return kFuncHeap;
  if (code == 0x6f - 0x80) return kExternHeap;
  if (code >= 0)
    fail_unsupported(reader, at, "typed function references");
  else
    fail_type(reader, at, code > -0x40 && code != -5 ? static_cast<std::uint8_t>(code + 0x80) : 0,
              "malformed heap type");
  return kFuncHeap;
}

Limits read_limits(Reader& reader) {
  const std::uint32_t at = reader.position();
  const std::uint8_t flags = reader.byte();
  if (flags > 1) {
    if (flags < 4)
      fail_unsupported(reader, at, "threads");
    else if (flags < 8)
      fail_unsupported(reader, at, "memory64");
    else
      reader.fail(Error::Kind::malformed, at, "malformed limits flags");
    return {};
  }
  Limits limits;
  limits.min = reader.u64();
  limits.has_max = flags == 1;
  if (limits.has_max) limits.max = reader.u64();
  return limits;
}

GlobalType read_global_type(Reader& reader) {
  GlobalType global{read_val_type(reader), false};
  const std::uint32_t at = reader.position();
  const std::uint8_t mutability = reader.byte();
  if (mutability > 1) reader.fail(Error::Kind::malformed, at, "malformed mutability");
  global.is_mutable = mutability == 1;
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
