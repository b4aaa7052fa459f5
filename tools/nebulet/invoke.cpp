// SPDX-License-Identifier: MIT
#include "tools/nebulet/invoke.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "base/result.h"
#include "tools/nebulet/suggest.h"
#include "wasm/compile.h"

namespace nebulet::tool {
namespace {

using Kind = wasm::ValType::Kind;

std::string_view type_name(const wasm::ValType& type) {
  switch (type.kind) {
    case Kind::i32: return "i32";
    case Kind::i64: return "i64";
    case Kind::f32: return "f32";
    case Kind::f64: return "f64";
    case Kind::v128: return "v128";
    case Kind::ref:
    case Kind::bottom: break;
  }
  return "reference";
}

std::string parameters(const wasm::FuncType& type) {
  std::string text;
  for (const wasm::ValType& parameter : type.params)
    text += std::format("{}{}", text.empty() ? "" : ", ", type_name(parameter));
  return text;
}

/// All of `text`, or nothing.
template <class T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Bits of a signed or unsigned integer of `bits` bits.
std::optional<std::uint64_t> integer(std::string_view word, unsigned bits) {
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  const bool hexadecimal = word.starts_with("0x") || word.starts_with("0X");
  const auto magnitude = number<std::uint64_t>(hexadecimal ? word.substr(2) : word, hexadecimal ? 16 : 10);
  const std::uint64_t most = negative ? 1ull << (bits - 1) : ~0ull >> (64 - bits);
  if (!magnitude || *magnitude > most) return std::nullopt;
  return (negative ? -*magnitude : *magnitude) & ~0ull >> (64 - bits);
}

/// Bits of a float with so many bits of exponent and mantissa.
template <class T, class Bits>
std::optional<std::uint64_t> real(const std::string& word, T (*read)(const char*, char**)) {
  constexpr Bits kMantissa = (Bits{1} << (std::numeric_limits<T>::digits - 1)) - 1;
  constexpr Bits kSign = Bits{1} << (sizeof(T) * 8 - 1);
  const std::string_view plain =
      std::string_view(word).substr(word.starts_with('-') || word.starts_with('+'));
  const Bits sign = word.starts_with('-') ? kSign : 0;
  if (plain.starts_with("nan:0x")) {  // as the text format writes payloads
    const auto payload = number<std::uint64_t>(plain.substr(6), 16);
    if (!payload || *payload == 0 || *payload > kMantissa) return std::nullopt;
    return sign | std::bit_cast<Bits>(std::numeric_limits<T>::infinity()) | *payload;
  }
  if (plain == "nan") return sign | std::bit_cast<Bits>(std::numeric_limits<T>::quiet_NaN());
  // strtof rounds correctly and takes what C writes; blanks in front and its other names of infinity are not
  // wanted here.
  if (plain.empty() || (plain != "inf" && plain[0] != '.' && (plain[0] < '0' || plain[0] > '9')))
    return std::nullopt;
  char* end = nullptr;
  const T value = read(word.c_str(), &end);
  if (end != word.c_str() + word.size()) return std::nullopt;
  return std::bit_cast<Bits>(value);
}

template <class T, class Bits>
std::string print_real(std::uint64_t bits) {
  const T value = std::bit_cast<T>(static_cast<Bits>(bits));
  constexpr Bits kMantissa = (Bits{1} << (std::numeric_limits<T>::digits - 1)) - 1;
  constexpr Bits kQuiet = Bits{1} << (std::numeric_limits<T>::digits - 2);
  const std::string sign = std::signbit(value) ? "-" : "";
  if (std::isnan(value)) {
    const Bits payload = static_cast<Bits>(bits) & kMantissa;
    return payload == kQuiet ? sign + "nan" : std::format("{}nan:{:#x}", sign, payload);
  }
  std::array<char, 64> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value);  // the shortest that reads back
  return std::string(text.data(), end.ptr);
}

}  // namespace

std::optional<std::string> make_operand(const wasm::ValType& type, const std::string& word) {
  std::optional<std::uint64_t> bits;
  switch (type.kind) {
    case Kind::i32: bits = integer(word, 32); break;
    case Kind::i64: bits = integer(word, 64); break;
    case Kind::f32: bits = real<float, std::uint32_t>(word, std::strtof); break;
    case Kind::f64: bits = real<double, std::uint64_t>(word, std::strtod); break;
    case Kind::v128: {
      const std::string digits = word.starts_with("0x") ? word.substr(2) : std::string();
      if (digits.empty() || digits.size() > 32 ||
          digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        return std::nullopt;
      return "v128:" + digits;
    }
    case Kind::ref:
    case Kind::bottom: break;
  }
  if (!bits) return std::nullopt;
  return std::format("{}:{:x}", type_name(type), *bits);
}

Result<std::vector<std::string>> make_operands(std::span<const std::byte> module, const std::string& file,
                                               const std::string& function,
                                               std::span<const std::string> words) {
  const auto decoded = wasm::decode_module(module);
  if (!decoded) return {};
  std::vector<std::string_view> names;
  const wasm::Export* found = nullptr;
  for (const wasm::Export& item : decoded->exports) {
    if (item.kind != wasm::ExternKind::function) continue;
    names.push_back(item.name);
    if (item.name == function) found = &item;
  }
  if (found == nullptr) {
    return fail("run --invoke {}: {} exports no such function{}; nebulet inspect {} lists what it has",
                function, file, did_you_mean(function, names), file);
  }
  const wasm::FuncType& type = decoded->type_of(found->index);
  const auto reference = std::ranges::find_if(type.params, &wasm::ValType::is_ref);
  if (reference != type.params.end()) {
    return fail("run --invoke {}: parameter {} is a reference; only numbers and vectors can be given",
                function, reference - type.params.begin() + 1);
  }
  if (words.size() != type.params.size()) {
    return fail("run --invoke {}: it takes {} argument{} ({}), not {}", function, type.params.size(),
                type.params.size() == 1 ? "" : "s", parameters(type), words.size());
  }
  std::vector<std::string> operands;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto operand = make_operand(type.params[i], words[i]);
    if (!operand) {
      return fail("run --invoke {}: argument {} is `{}`; want {}{}", function, i + 1, words[i],
                  type_name(type.params[i]),
                  type.params[i].kind == Kind::v128 ? ", as 0x and up to 32 digits" : "");
    }
    operands.push_back(std::move(*operand));
  }
  return operands;
}

std::string format_result(std::string_view line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view type = line.substr(0, colon), digits = line.substr(std::min(colon + 1, line.size()));
  if (type == "ref") return digits == "null" ? "null" : "a reference";
  if (type == "v128") return std::format("0x{}", digits);
  const auto bits = number<std::uint64_t>(digits, 16);
  if (bits && type == "i32") return std::format("{}", static_cast<std::int32_t>(*bits));
  if (bits && type == "i64") return std::format("{}", static_cast<std::int64_t>(*bits));
  if (bits && type == "f32") return print_real<float, std::uint32_t>(*bits);
  if (bits && type == "f64") return print_real<double, std::uint64_t>(*bits);
  return std::string(line);
}

}  // namespace nebulet::tool
