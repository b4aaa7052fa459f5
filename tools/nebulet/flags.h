// SPDX-License-Identifier: MIT
// The table of verbs and flags. The parser, --help, the shells' completions and the manifest's keys come from
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

struct Flag {
  std::string_view name;   ///< long, without the dashes; a manifest's key too
  char letter = 0;         ///< the short name, if there is one
  std::string_view value;  ///< what it takes: a|b|c, FILE, DIR or other text; empty: nothing
  std::string_view text;   ///< one line of help
  /// Puts the value into the request; the failure says what was wanted. Called again for each time that the
  /// flag is given.
  Result<> (*set)(Request& request, const std::string& value);
  bool of_program = false;  ///< about the program, not the machine: a manifest has it in [[process]]
  bool repeats = false;     ///< each value counts, not the last one
  bool hidden = false;      ///< not in --help
};

struct VerbSpec {
  Verb verb;
  std::string_view name;
  std::string_view usage;  ///< what follows the name
  std::string_view text;
  std::span<const Flag> flags;
  std::string_view operand;  ///< what its first word is, as Flag::value has it
  /// Everything from the first operand on goes to the program, flags too.
  bool passes_rest = false;
  std::string_view footer = {};
};

std::span<const VerbSpec> verbs();
const VerbSpec* find_verb(std::string_view name);
const Flag* find_flag(const VerbSpec& verb, std::string_view name);

/// "512", "512M", "2G" and so on; docker's units, powers of 1024. At most 2^44.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// One verb's help, at most 24 lines of 80 columns; without a verb all of them.
std::string help_text(const VerbSpec* verb);

}  // namespace nebulet::tool
