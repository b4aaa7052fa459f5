// SPDX-License-Identifier: MIT
#include "tests/engine/values.h"

#include <charconv>
#include <cstdio>

namespace nebulet::test {
namespace {

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.starts_with('-')) return -parse_number(text.substr(1));
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

unsigned lane_bits(std::string_view type) {
  return type == "i8" ? 8 : type == "i16" ? 16 : type == "i32" || type == "f32" ? 32 : 64;
}

std::uint64_t mask(unsigned bits) { return bits == 64 ? ~0ull : (1ull << bits) - 1; }

bool number_matches(std::string_view expected, std::uint64_t actual, unsigned bits) {
  const std::uint64_t exponent = bits == 32 ? 0x7f800000 : 0x7ff0000000000000;
  const std::uint64_t quiet = bits == 32 ? 0x00400000 : 0x0008000000000000;
  if (expected == "nan:canonical") return (actual & mask(bits - 1)) == (exponent | quiet);
  if (expected == "nan:arithmetic") return (actual & (exponent | quiet)) == (exponent | quiet);
  return (parse_number(expected) & mask(bits)) == actual;
}

std::uint64_t lane(const wasm::Value& value, unsigned index, unsigned bits) {
  const unsigned at = index * bits;
  return ((at < 64 ? value.low : value.high) >> at % 64) & mask(bits);
}

}  // namespace

wasm::Value parse_value(const Json& json) {
  const std::string_view type = json["type"], text = json["value"];
  if (type == "v128") {
    const unsigned bits = lane_bits(json["lane_type"]);
    wasm::Value value;
    unsigned at = 0;
    for (const Json& item : json.find("value")->items) {
      (at < 64 ? value.low : value.high) |= (parse_number(item.text) & mask(bits)) << at % 64;
      at += bits;
    }
    return value;
  }
  if (text == "null") return {};
  // Host references are any non-null number; 0 of the script must not become null.
  if (type == "externref") return {.low = parse_number(text) + 1};
  return {.low = parse_number(text) & (type == "i32" || type == "f32" ? 0xffffffff : ~0ull)};
}

bool value_matches(const Json& expected, const wasm::Value& actual) {
  const std::string_view type = expected["type"], text = expected["value"];
  if (type == "v128") {
    const unsigned bits = lane_bits(expected["lane_type"]);
    unsigned index = 0;
    for (const Json& item : expected.find("value")->items) {
      if (!number_matches(item.text, lane(actual, index++, bits), bits)) return false;
    }
    return true;
  }
  if (type == "externref") return text == "null" ? actual.low == 0 : actual.low == parse_number(text) + 1;
  if (type == "funcref") return text == "null" ? actual.low == 0 : actual.low != 0;
  return number_matches(text, actual.low, type == "i32" || type == "f32" ? 32 : 64);
}

std::string hexadecimal(const wasm::Value& value) {
  char text[48];
  if (value.high) {
    std::snprintf(text, sizeof text, "0x%016llx%016llx", static_cast<unsigned long long>(value.high),
                  static_cast<unsigned long long>(value.low));
  } else {
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value.low));
  }
  return text;
}

std::string describe_expected(const Json& expected) {
  std::string text(expected["type"]);
  if (const Json* value = expected.find("value"); value && value->kind == Json::Kind::array) {
    for (const Json& item : value->items) text += " " + item.text;
    return text;
  }
  const std::string_view value = expected["value"];
  if (value.starts_with("nan")) return text + " " + std::string(value);
  return text + " " + hexadecimal({.low = parse_number(value)});
}

}  // namespace nebulet::test
