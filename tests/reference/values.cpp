// SPDX-License-Identifier: MIT
#include "tests/reference/values.h"

#include <format>

namespace nebulet::reference {
namespace {

using suite::Nan, suite::RefPattern, suite::Tag;

std::uint64_t host_reference(std::uint64_t number) { return number << 2 | 2; }

bool is_nan(Nan kind, std::uint64_t bits, unsigned width) {
  const std::uint64_t quiet = width == 32 ? 0x7fc00000 : 0x7ff8000000000000;
  const std::uint64_t sign = 1ull << (width - 1);
  return kind == Nan::canonical ? (bits & ~sign) == quiet : (bits & quiet) == quiet;
}

bool match_vector(suite::ScriptReader& script, const Value* actual, Value* constant) {
  const unsigned bits = script.byte() * 8u;
  const std::uint64_t low = script.number(), high = script.number(), canonical = script.number(),
                      arithmetic = script.number();
  if (constant) *constant = {low, high};
  if (!actual || bits == 0) return true;
  const std::uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
  for (unsigned i = 0; i < 128 / bits; ++i) {
    const unsigned at = i * bits % 64;
    const std::uint64_t got = (i * bits < 64 ? actual->low : actual->high) >> at & mask;
    const std::uint64_t want = (i * bits < 64 ? low : high) >> at & mask;
    const bool ok = canonical >> i & 1    ? is_nan(Nan::canonical, got, bits)
                    : arithmetic >> i & 1 ? is_nan(Nan::arithmetic, got, bits)
                                          : got == want;
    if (!ok) return false;
  }
  return true;
}

bool matches(RefPattern pattern, const Store& store, std::uint64_t value) {
  const auto is = [&](std::int64_t heap) { return store.has_type(value, {0x64, false, heap}); };
  switch (pattern) {
    case RefPattern::any:
    case RefPattern::extern_: return value != 0;
    case RefPattern::eq: return is(heap::eq);
    case RefPattern::i31: return is(heap::i31);
    case RefPattern::struct_: return is(heap::structure);
    case RefPattern::array: return is(heap::array);
    case RefPattern::func: return is(heap::func);
    case RefPattern::exn: return is(heap::exn);
    case RefPattern::host: return (value & 3) == 2;
  }
  return false;
}

}  // namespace

Value read_argument(suite::ScriptReader& script) {
  Value value;
  switch (static_cast<Tag>(script.byte())) {
    case Tag::i32:
    case Tag::i64: return {script.number(), 0};
    case Tag::f32:
    case Tag::f64: script.byte(); return {script.number(), 0};
    case Tag::v128: match_vector(script, nullptr, &value); return value;
    case Tag::ref_extern:
    case Tag::ref_host: return {host_reference(script.number()), 0};
    default: return {};
  }
}

bool match_result(suite::ScriptReader& script, const Store& store, const Value& actual) {
  switch (const auto tag = static_cast<Tag>(script.byte())) {
    case Tag::i32:
    case Tag::i64: return script.number() == actual.low;
    case Tag::f32:
    case Tag::f64: {
      const auto nan = static_cast<Nan>(script.byte());
      const std::uint64_t bits = script.number();
      return nan == Nan::none ? bits == actual.low : is_nan(nan, actual.low, tag == Tag::f32 ? 32 : 64);
    }
    case Tag::v128: return match_vector(script, &actual, nullptr);
    case Tag::ref_null: return actual.low == 0;
    case Tag::ref_extern:
    case Tag::ref_host: return actual.low == host_reference(script.number());
    case Tag::ref_pattern: return matches(static_cast<RefPattern>(script.byte()), store, actual.low);
    case Tag::either: {
      bool any = false;
      for (std::uint64_t count = script.number(); count; --count) any |= match_result(script, store, actual);
      return any;
    }
  }
  return false;
}

std::string describe(const Value& value) {
  return value.high ? std::format("{:#x}:{:016x}", value.high, value.low) : std::format("{:#x}", value.low);
}

}  // namespace nebulet::reference
