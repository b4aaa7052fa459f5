// SPDX-License-Identifier: MIT
#include "tools/nebulet/manifest.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/flags.h"
#include "tools/nebulet/suggest.h"

namespace nebulet::tool {
namespace {

namespace fs = std::filesystem;

class Reader {
 public:
  Reader(std::string path, const VerbSpec& run) : path_(std::move(path)), run_(run) {}

  Result<Manifest> read(const toml::table& root) {
    const toml::node* const processes = root.get("process");
    TRY(keys(root, processes == nullptr ? Place::whole : Place::machine));
    if (processes != nullptr) TRY(process(*processes));
    if (manifest_.file.empty())
      return fail("{}: file: it is missing; file = \"PROGRAM.wasm\" says what to run", path_);
    return std::move(manifest_);
  }

 private:
  /// Which keys a table may have: the machine's beside [[process]], the program's in it, or all.
  enum class Place { whole, machine, process };

  std::string at(const toml::node& node) const {
    return std::format("{}:{}: ", path_, node.source().begin.line);
  }

  Result<> process(const toml::node& node) {
    const toml::array* const list = node.as_array();
    if (list == nullptr || list->empty() || !list->front().is_table())
      return fail("{}process: want a table for each process, which begins with [[process]]", at(node));
    if (list->size() > 1)
      return fail("{}process: this version runs one process from a manifest, and here is another",
                  at(*list->get(1)));
    return keys(*list->front().as_table(), Place::process);
  }

  Result<> keys(const toml::table& table, Place place) {
    // In the order of the file, in which flags are applied and mistakes are found.
    std::vector<std::pair<const toml::key*, const toml::node*>> entries;
    for (auto&& [key, node] : table) entries.emplace_back(&key, &node);
    std::ranges::sort(entries, {}, [](const auto& e) {
      const auto position = e.first->source().begin;
      return std::pair(position.line, position.column);
    });
    for (const auto& [key, node] : entries) {
      const std::string_view name = key->str();
      if (name == "process" && place == Place::machine) continue;
      TRY(entry(std::string(name), *node, std::format("{}:{}: ", path_, key->source().begin.line), place));
    }
    return {};
  }

  Result<> entry(const std::string& name, const toml::node& node, const std::string& source, Place place) {
    if (name == "file" && place != Place::machine) return file(node, source);
    if (name == "args" && place != Place::machine) return arguments(node, source);
    const Flag* const flag = find_flag(run_, name);
    if (flag == nullptr || (flag->of_program ? place == Place::machine : place == Place::process))
      return unknown(name, source, place, flag != nullptr);
    if (const toml::table* const table = node.as_table();
        table != nullptr && (name == "env" || name == "dir"))
      return pairs(*flag, *table, source);
    if (const toml::array* const list = node.as_array(); list != nullptr && flag->repeats) {
      for (const toml::node& item : *list) TRY(value(*flag, item, at(item)));
      return {};
    }
    return value(*flag, node, source);
  }

  Result<> unknown(const std::string& name, const std::string& source, Place place, bool elsewhere) {
    if (elsewhere && place == Place::process)
      return fail("{}{}: it is about the machine and stands before [[process]]", source, name);
    if (elsewhere || ((name == "file" || name == "args") && place == Place::machine))
      return fail("{}{}: it is about a program and stands in [[process]]", source, name);
    std::vector<std::string_view> known = {"file", "args", "process"};
    for (const Flag& flag : run_.flags) known.push_back(flag.name);
    return fail("{}{}: no such key{}; the keys are those flags of nebulet run --help, file and args", source,
                name, did_you_mean(name, known));
  }

  std::string resolve(const std::string& text) const {
    return text.empty() || text[0] == '/' ? text : (fs::path(path_).parent_path() / text).string();
  }

  Result<> file(const toml::node& node, const std::string& source) {
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) return fail("{}file: want the path of a module", source);
    manifest_.file = resolve(*text);
    return {};
  }

  Result<> arguments(const toml::node& node, const std::string& source) {
    const toml::array* const list = node.as_array();
    if (list == nullptr) return fail("{}args: want a list, like [\"-v\", \"file\"]", source);
    for (const toml::node& item : *list) {
      const auto text = text_of(item);
      if (!text) return fail("{}args: want texts and numbers", at(item));
      manifest_.arguments.push_back(*text);
    }
    return {};
  }

  /// Strings and numbers as the command line would have them.
  static std::optional<std::string> text_of(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
    if (const auto real = node.value_exact<double>()) return std::format("{}", *real);
    return std::nullopt;
  }

  Result<> value(const Flag& flag, const toml::node& node, const std::string& source) {
    if (flag.value.empty()) {
      const auto on = node.value_exact<bool>();
      if (!on) return fail("{}{}: want true or false", source, flag.name);
      if (*on) put(flag, {}, source);
      return {};
    }
    auto text = text_of(node);
    if (!text)
      return fail("{}{}: want {}", source, flag.name,
                  flag.repeats ? "a text or a list of texts" : "a text or a number");
    if (flag.value == "FILE" || flag.value.starts_with("DIR")) text = resolve(*text);
    put(flag, *std::move(text), source);
    return {};
  }

  /// env = { NAME = "VALUE" }, dir = { "GUEST" = "HOST" }.
  Result<> pairs(const Flag& flag, const toml::table& table, const std::string& source) {
    for (auto&& [key, node] : table) {
      const auto text = text_of(node);
      if (!text) return fail("{}{}.{}: want a text", source, flag.name, key.str());
      put(flag,
          flag.name == "env" ? std::format("{}={}", key.str(), *text)
                             : std::format("{}::{}", resolve(*text), key.str()),
          source);
    }
    return {};
  }

  void put(const Flag& flag, std::string text, const std::string& source) {
    manifest_.flags.push_back({.name = std::string(flag.name), .value = std::move(text), .source = source});
  }

  const std::string path_;
  const VerbSpec& run_;
  Manifest manifest_;
};

}  // namespace

Result<Manifest> read_manifest(const std::string& path) {
  const auto bytes = TRY(read_file(path));
  const toml::parse_result parsed =
      toml::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), path);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail("{}:{}: {}", path, error.source().begin.line, error.description());
  }
  return Reader(path, *find_verb("run")).read(parsed.table());
}

}  // namespace nebulet::tool
