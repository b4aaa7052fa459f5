// SPDX-License-Identifier: MIT
// As much JSON as wast2json writes: objects, arrays and strings, numbers kept as text. For trusted files
// only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nebulet::test {

struct Json {
  enum class Kind { null, text, array, object } kind = Kind::null;
  std::string text;  ///< strings (escapes resolved to bytes), numbers and words
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;

  const Json* find(std::string_view key) const;
  /// The member's text, or "".
  std::string_view operator[](std::string_view key) const;
};

std::optional<Json> parse_json(std::string_view text);

}  // namespace nebulet::test
