// SPDX-License-Identifier: MIT
#include "kernel/init/operands.h"

#include <charconv>
#include <format>
#include <optional>
#include <string_view>

namespace nebulet::kernel {
namespace {

constexpr std::size_t kWordDigits = 16;

struct NumberType {
  std::string_view name;
  std::size_t digits;  ///< hexadecimal ones
};

/// nullopt: a reference.
std::optional<NumberType> number_type(const wasm::ValType& type) {
  using Kind = wasm::ValType::Kind;
  switch (type.kind) {
    case Kind::i32: return NumberType{"i32", 8};
    case Kind::i64: return NumberType{"i64", 16};
    case Kind::f32: return NumberType{"f32", 8};
    case Kind::f64: return NumberType{"f64", 16};
    case Kind::v128: return NumberType{"v128", 32};
    case Kind::ref:
    case Kind::bottom: break;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_hex(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<wasm::Value> read_operand(const NumberType& type, std::string_view word) {
  if (!word.starts_with(type.name) || !word.substr(type.name.size()).starts_with(':')) return std::nullopt;
  const std::string_view digits = word.substr(type.name.size() + 1);
  if (digits.empty() || digits.size() > type.digits) return std::nullopt;
  const std::size_t low_digits = std::min(digits.size(), kWordDigits);
  const auto low = read_hex(digits.substr(digits.size() - low_digits));
  const auto high = digits.size() > low_digits ? read_hex(digits.substr(0, digits.size() - low_digits))
                                               : std::optional<std::uint64_t>(0);
  if (!low || !high) return std::nullopt;
  return wasm::Value{.low = *low, .high = *high};
}

}  // namespace

std::expected<std::vector<wasm::Value>, std::string> read_operands(const wasm::FuncType& type,
                                                                   std::span<const std::string> words) {
  if (words.size() != type.params.size())
    return std::unexpected(std::format("it takes {} operands, not {}", type.params.size(), words.size()));
  std::vector<wasm::Value> values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto number = number_type(type.params[i]);
    if (!number)
      return std::unexpected(std::format("parameter {} is a reference, which nobody can give", i + 1));
    const auto value = read_operand(*number, words[i]);
    if (!value)
      return std::unexpected(std::format("operand {} is `{}`: want {}: and at most {} hexadecimal digits",
                                         i + 1, words[i], number->name, number->digits));
    values.push_back(*value);
  }
  return values;
}

std::string write_results(const wasm::FuncType& type, std::span<const wasm::Value> values) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto number = number_type(type.results[i]);
    if (!number) {
      text += values[i].low == 0 ? "ref:null\n" : "ref:other\n";
    } else if (number->digits > kWordDigits) {
      text += std::format("{}:{:016x}{:016x}\n", number->name, values[i].high, values[i].low);
    } else {
      const std::uint64_t bits = number->digits == 8 ? values[i].low & 0xffffffff : values[i].low;
      text += std::format("{}:{:0{}x}\n", number->name, bits, number->digits);
    }
  }
  return text;
}

}  // namespace nebulet::kernel
