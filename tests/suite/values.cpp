// SPDX-License-Identifier: MIT
#include "tests/suite/values.h"

#include <format>
#include <optional>

#include "wasm/runtime/gc_store.h"

namespace nebulet::suite {

using wasm::ValType;
using wasm::Value;
using Kind = wasm::ValType::Kind;

namespace {

/// A reference of the host with this number (the runtime's form of references that are no objects).
std::uint64_t host_reference(std::uint64_t number) { return number << 3 | 2; }

std::uint64_t mask(unsigned bits) { return bits == 64 ? ~0ull : (1ull << bits) - 1; }

/// Spec 4.3.3, NaN propagation: any sign; canonical has the quiet bit alone, arithmetic at least that.
bool is_nan(Nan kind, std::uint64_t bits, unsigned width) {
  const std::uint64_t quiet = width == 32 ? 0x7fc00000 : 0x7ff8000000000000;
  return kind == Nan::canonical ? (bits & mask(width - 1)) == quiet : (bits & quiet) == quiet;
}

std::string describe_float(std::string_view type, Nan nan, std::uint64_t bits) {
  if (nan == Nan::none) return std::format("{} {:#x}", type, bits);
  return std::format("{} nan:{}", type, nan == Nan::canonical ? "canonical" : "arithmetic");
}

struct Vector {
  unsigned lane_bits;
  Value value;
  std::uint64_t canonical, arithmetic;  ///< a bit for each lane

  static Vector read(ScriptReader& script) {
    const unsigned bits = script.byte() * 8u;
    const std::uint64_t low = script.number(), high = script.number();
    const std::uint64_t canonical = script.number();
    return {bits, {.low = low, .high = high}, canonical, script.number()};
  }
  std::uint64_t lane(const Value& of, unsigned index) const {
    const unsigned at = index * lane_bits;
    return ((at < 64 ? of.low : of.high) >> at % 64) & mask(lane_bits);
  }
  bool matches(const Value& actual) const {
    for (unsigned i = 0; i < 128 / lane_bits; ++i) {
      const std::uint64_t got = lane(actual, i);
      const bool ok = canonical >> i & 1    ? is_nan(Nan::canonical, got, lane_bits)
                      : arithmetic >> i & 1 ? is_nan(Nan::arithmetic, got, lane_bits)
                                            : got == lane(value, i);
      if (!ok) return false;
    }
    return true;
  }
};

wasm::GcKind kind_of(wasm::Store& store, std::uint64_t reference) {
  wasm::StoreGc* gc = store.gc();
  const auto object = gc ? gc->heap().object(static_cast<wasm::GcRef>(reference)) : std::nullopt;
  return object ? object->type->kind : wasm::GcKind::none;
}

bool matches(RefPattern pattern, wasm::Store& store, const Value& actual) {
  using wasm::GcKind;
  const bool is_i31 = actual.low & 1;
  switch (pattern) {
    case RefPattern::i31: return is_i31;
    case RefPattern::struct_: return kind_of(store, actual.low) == GcKind::structure;
    case RefPattern::array: return kind_of(store, actual.low) == GcKind::array;
    case RefPattern::exn: return kind_of(store, actual.low) == GcKind::exception;
    case RefPattern::eq:
      return is_i31 || matches(RefPattern::struct_, store, actual) ||
             matches(RefPattern::array, store, actual);
    case RefPattern::any:
    case RefPattern::func:
    case RefPattern::extern_:
    case RefPattern::host: return true;
  }
  return false;
}

constexpr std::string_view kPatternNames[] = {"any",  "eq",  "i31",    "struct", "array",
                                              "func", "exn", "extern", "host"};

}  // namespace

Value read_argument(ScriptReader& script) {
  switch (static_cast<Tag>(script.byte())) {
    case Tag::i32:
    case Tag::i64: return {.low = script.number()};
    case Tag::f32:
    case Tag::f64: script.byte(); return {.low = script.number()};
    case Tag::v128: return Vector::read(script).value;
    case Tag::ref_extern:
    case Tag::ref_host: return {.low = host_reference(script.number())};
    case Tag::ref_null:
    case Tag::ref_pattern:
    case Tag::either: break;
  }
  return {};
}

Match match_result(ScriptReader& script, wasm::Store& store, const ValType& type, const Value& actual) {
  switch (const auto tag = static_cast<Tag>(script.byte())) {
    case Tag::i32:
    case Tag::i64: {
      const bool narrow = tag == Tag::i32;
      const std::uint64_t bits = script.number();
      return {type.kind == (narrow ? Kind::i32 : Kind::i64) && actual.low == bits,
              std::format("{} {:#x}", narrow ? "i32" : "i64", bits)};
    }
    case Tag::f32:
    case Tag::f64: {
      const bool narrow = tag == Tag::f32;
      const auto nan = static_cast<Nan>(script.byte());
      const std::uint64_t bits = script.number();
      const bool same = nan == Nan::none ? actual.low == bits : is_nan(nan, actual.low, narrow ? 32 : 64);
      return {type.kind == (narrow ? Kind::f32 : Kind::f64) && same,
              describe_float(narrow ? "f32" : "f64", nan, bits)};
    }
    case Tag::v128: {
      const Vector vector = Vector::read(script);
      std::string text = std::format("v128 {:#018x}{:016x}", vector.value.high, vector.value.low);
      if (vector.canonical | vector.arithmetic)
        text += std::format(" (NaN in lanes {:#b})", vector.canonical | vector.arithmetic);
      return {type.kind == Kind::v128 && vector.matches(actual), std::move(text)};
    }
    case Tag::ref_null: return {type.is_ref() && actual.low == 0, "ref.null"};
    case Tag::ref_extern:
    case Tag::ref_host: {
      const std::uint64_t number = script.number();
      return {type.is_ref() && actual.low == host_reference(number),
              std::format("{} {}", tag == Tag::ref_extern ? "ref.extern" : "ref.host", number)};
    }
    case Tag::ref_pattern: {
      const auto pattern = static_cast<RefPattern>(script.byte());
      return {type.is_ref() && actual.low != 0 && matches(pattern, store, actual),
              std::format("ref.{}", kPatternNames[static_cast<std::size_t>(pattern)])};
    }
    case Tag::either: {
      Match any{.ok = false, .expected = "one of"};
      for (std::uint64_t count = script.number(); count; --count) {
        const Match one = match_result(script, store, type, actual);
        any.ok |= one.ok;
        any.expected += " " + one.expected;
      }
      return any;
    }
  }
  return {.ok = false, .expected = "a value that the runner does not know"};
}

std::string describe(const ValType& type, const Value& value) {
  switch (type.kind) {
    case Kind::i32: return std::format("i32 {:#x}", value.low);
    case Kind::i64: return std::format("i64 {:#x}", value.low);
    case Kind::f32: return std::format("f32 {:#x}", value.low);
    case Kind::f64: return std::format("f64 {:#x}", value.low);
    case Kind::v128: return std::format("v128 {:#018x}{:016x}", value.high, value.low);
    case Kind::ref: return value.low ? std::format("ref {:#x}", value.low) : "ref.null";
    default: return "a value of unknown type";
  }
}

}  // namespace nebulet::suite
