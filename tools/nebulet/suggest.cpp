// SPDX-License-Identifier: MIT
#include "tools/nebulet/suggest.h"

#include <algorithm>
#include <format>
#include <vector>

namespace nebulet::tool {
namespace {

constexpr std::size_t kLongest = 64;

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (std::string_view each : known) {
    if (each.size() > kLongest) continue;
    const std::size_t d = distance(word, each);
    if (d < least) best = each, least = d;
  }
  if (!best.empty() || word.size() < 2) return best;
  const auto longer =
      std::ranges::find_if(known, [&](std::string_view each) { return each.starts_with(word); });
  return longer == known.end() ? std::string_view() : *longer;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known,
                         std::string_view prefix) {
  const std::string_view found = nearest(word, known);
  return found.empty() ? std::string() : std::format(" (did you mean {}{}?)", prefix, found);
}

}  // namespace nebulet::tool
