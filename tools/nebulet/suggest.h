// SPDX-License-Identifier: MIT
// The known word that a mistyped one probably was.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nebulet::tool {

/// Empty if none is near. Near is an optimal string alignment distance (insert, delete, replace, exchange
/// neighbours) of at most a third of the word's length, or being its beginning.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// " (did you mean X?)", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known,
                         std::string_view prefix = {});

}  // namespace nebulet::tool
