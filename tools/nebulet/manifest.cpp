// SPDX-License-Identifier: MIT
#include "tools/nebulet/manifest.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/flags.h"
#include "tools/nebulet/suggest.h"

namespace nebulet::tool {
namespace {

namespace fs = std::filesystem;

/// Keys that only init knows what to do with.
constexpr std::string_view kSystemKeys[] = {"name",   "kind",   "memory",  "restart", "restarts", "stdin",
                                            "stdout", "stderr", "handles", "mount",   "files"};
bool is_system_key(std::string_view name) { return std::ranges::contains(kSystemKeys, name); }

using Entry = std::pair<const toml::key*, const toml::node*>;

/// In the order of the file, in which flags are applied and mistakes are found.
std::vector<Entry> in_order(const toml::table& table) {
  std::vector<Entry> entries;
  for (auto&& [key, node] : table) entries.emplace_back(&key, &node);
  std::ranges::sort(entries, {}, [](const Entry& e) {
    const auto position = e.first->source().begin;
    return std::pair(position.line, position.column);
  });
  return entries;
}

/// Strings and numbers as the command line would have them.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto real = node.value_exact<double>()) return std::format("{}", *real);
  return std::nullopt;
}

class Reader {
 public:
  Reader(std::string path, const VerbSpec& run) : path_(std::move(path)), run_(run) {}

  Result<Manifest> read(const toml::table& root) {
    const toml::node* const processes = root.get("process");
    if (processes == nullptr) {
      TRY(keys(root, Place::whole, &manifest_.processes.emplace_back()));
    } else {
      TRY(keys(root, Place::machine, nullptr));
      TRY(list(*processes));
    }
    for (const ManifestProcess& process : manifest_.processes) {
      if (process.file.empty())
        return fail("{}: file: it is missing; file = \"PROGRAM.wasm\" says what to run",
                    manifest_.processes.size() > 1 ? process.sources.find("")->second : path_);
    }
    return std::move(manifest_);
  }

 private:
  /// Which keys a table may have: the machine's beside [[process]], the program's in it, or all.
  enum class Place { whole, machine, process };

  std::string place_of(const toml::node& node) const {
    return std::format("{}:{}", path_, node.source().begin.line);
  }
  std::string at(const toml::node& node) const { return place_of(node) + ": "; }

  Result<> list(const toml::node& node) {
    const toml::array* const list = node.as_array();
    if (list == nullptr || list->empty())
      return fail("{}process: want a table for each process, which begins with [[process]]", at(node));
    for (const toml::node& item : *list) {
      if (!item.is_table())
        return fail("{}process: want a table for each process, which begins with [[process]]", at(item));
      ManifestProcess& process = manifest_.processes.emplace_back();
      process.sources.emplace("", place_of(item));
      TRY(keys(*item.as_table(), Place::process, &process));
    }
    return {};
  }

  Result<> keys(const toml::table& table, Place place, ManifestProcess* process) {
    for (const auto& [key, node] : in_order(table)) {
      const std::string name(key->str());
      if (name == "process" && place == Place::machine) continue;
      const std::string source = std::format("{}:{}", path_, key->source().begin.line);
      if (process != nullptr) process->sources.emplace(name, source);
      TRY(entry(name, *node, source + ": ", place, process));
    }
    return {};
  }

  Result<> entry(const std::string& name, const toml::node& node, const std::string& source, Place place,
                 ManifestProcess* process) {
    if (name == "file" && place != Place::machine) return file(node, source, *process);
    if (name == "args" && place != Place::machine) return arguments(node, source, *process);
    if (place == Place::process && is_system_key(name)) return system_key(name, node, source, *process);
    const Flag* const flag = find_flag(run_, name);
    if (flag == nullptr || (flag->of_program ? place == Place::machine : place == Place::process))
      return unknown(name, source, place, flag != nullptr);
    std::vector<GivenFlag>& flags = flag->of_program ? process->flags : manifest_.flags;
    if (const toml::table* const table = node.as_table();
        table != nullptr && (name == "env" || name == "dir"))
      return pairs(*flag, *table, source, flags);
    if (const toml::array* const list = node.as_array(); list != nullptr && flag->repeats) {
      for (const toml::node& item : *list) TRY(value(*flag, item, at(item), flags));
      return {};
    }
    return value(*flag, node, source, flags);
  }

  Result<> unknown(const std::string& name, const std::string& source, Place place, bool elsewhere) {
    if (elsewhere && place == Place::process)
      return fail("{}{}: it is about the machine and stands before [[process]]", source, name);
    if (elsewhere || ((name == "file" || name == "args") && place == Place::machine) || is_system_key(name))
      return fail("{}{}: it is about a program and stands in [[process]]", source, name);
    std::vector<std::string_view> known = {"file", "args", "process"};
    for (const Flag& flag : run_.flags) known.push_back(flag.name);
    if (place == Place::process) known.insert(known.end(), std::begin(kSystemKeys), std::end(kSystemKeys));
    return fail("{}{}: no such key{}; the keys are those flags of nebulet run --help, file and args", source,
                name, did_you_mean(name, known));
  }

  std::string resolve(const std::string& text) const {
    return text.empty() || text[0] == '/' ? text : (fs::path(path_).parent_path() / text).string();
  }

  Result<> file(const toml::node& node, const std::string& source, ManifestProcess& process) {
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) return fail("{}file: want the path of a module", source);
    process.file = text->starts_with(kBuiltIn) ? *text : resolve(*text);
    return {};
  }

  Result<> arguments(const toml::node& node, const std::string& source, ManifestProcess& process) {
    const toml::array* const list = node.as_array();
    if (list == nullptr) return fail("{}args: want a list, like [\"-v\", \"file\"]", source);
    for (const toml::node& item : *list) {
      const auto text = text_of(item);
      if (!text) return fail("{}args: want texts and numbers", at(item));
      process.arguments.push_back(*text);
    }
    return {};
  }

  Result<> system_key(const std::string& name, const toml::node& node, const std::string& source,
                      ManifestProcess& process) {
    init::Process& plan = process.plan;
    if (name != "name") process.needs_init = true;
    if (name == "handles") return handles(node, source, plan);
    if (name == "mount" || name == "files") return directories(name, node, source, process);
    if (name == "restarts") {
      const auto number = node.value_exact<std::int64_t>();
      if (!number || *number < 0) return fail("{}restarts: want a number", source);
      plan.restarts = static_cast<std::uint64_t>(*number);
      return {};
    }
    const auto text = text_of(node);
    if (!text || text->empty()) return fail("{}{}: want a text", source, name);
    if (name == "name") plan.name = *text;
    if (name == "stdin") plan.input = *text;
    if (name == "stdout") plan.output = *text;
    if (name == "stderr") plan.errors = *text;
    if (name == "kind") return choice(source, name, *text, {"program", "service", "driver"}, plan.kind);
    if (name == "restart")
      return choice(source, name, *text, {"never", "on-failure", "always"}, plan.restart);
    if (name == "memory") {
      const auto size = parse_size(*text);
      if (!size) return fail("{}memory {}: want a size, like 64M or 2G", source, *text);
      plan.memory = *size;
    }
    return {};
  }

  template <class Enum>
  static Result<> choice(const std::string& source, const std::string& key, const std::string& word,
                         std::initializer_list<std::string_view> known, Enum& into) {
    const auto found = std::ranges::find(known, word);
    if (found == known.end()) {
      std::string list;
      for (const std::string_view& each : known)
        list += std::format("{}{}", list.empty() ? "" : &each + 1 == known.end() ? " or " : ", ", each);
      return fail("{}{} {}: want {}{}", source, key, word, list, did_you_mean(word, known));
    }
    into = static_cast<Enum>(found - known.begin());
    return {};
  }

  /// mount = { "GUEST" = "SERVICE" or "SERVICE:DIRECTORY" }, files = { "GUEST" = "DIRECTORY" }.
  Result<> directories(const std::string& key, const toml::node& node, const std::string& source,
                       ManifestProcess& process) const {
    const toml::table* const table = node.as_table();
    if (table == nullptr)
      return fail("{}{}: want a table, like {{ \"/data\" = \"{}\" }}", source, key,
                  key == "mount" ? "SERVICE" : "DIRECTORY");
    for (const auto& [guest, value] : in_order(*table)) {
      const auto text = value->value_exact<std::string>();
      if (!text || text->empty()) return fail("{}{}.{}: want a text", source, key, guest->str());
      const std::size_t colon = std::min(text->find(':'), text->size());
      if (key == "files") {
        process.files.push_back({resolve(*text), std::string(guest->str())});
      } else {
        process.plan.mounts.push_back({std::string(guest->str()), text->substr(0, colon),
                                       text->substr(std::min(colon + 1, text->size()))});
      }
    }
    return {};
  }

  /// handles = [{ ports = 0x60, count = 5 }, { pci = "8086:100e", bar = 1 }, { read = "STREAM" }, …].
  Result<> handles(const toml::node& node, const std::string& source, init::Process& plan) {
    const toml::array* const list = node.as_array();
    if (list == nullptr)
      return fail("{}handles: want a list, like [{{ ports = 0x60, count = 5 }}, {{ read = \"STREAM\" }}]",
                  source);
    for (const toml::node& item : *list) plan.grants.push_back(TRY(handle(item)));
    return {};
  }

  Result<init::Grant> handle(const toml::node& item) const {
    using What = init::Grant::What;
    enum class Takes : std::uint8_t { number, text, yes };
    struct Kind {
      std::string_view name;
      What what;
      Takes takes;
    };
    constexpr Kind kKinds[] = {
        {"ports", What::ports, Takes::number},         {"registers", What::registers, Takes::number},
        {"interrupt", What::interrupt, Takes::number}, {"pci", What::pci, Takes::text},
        {"virtio", What::virtio, Takes::text},         {"read", What::read, Takes::text},
        {"write", What::write, Takes::text},           {"channel", What::channel, Takes::text},
        {"serve", What::serve, Takes::text},           {"door", What::door, Takes::text},
        {"system", What::system, Takes::yes},          {"archive", What::archive, Takes::yes}};
    constexpr std::string_view kOthers[] = {"count", "bar", "index", "name"};
    const toml::table* const table = item.as_table();
    if (table == nullptr) return fail("{}handles: want a table, like {{ read = \"STREAM\" }}", at(item));
    init::Grant grant;
    const Kind* kind = nullptr;
    const auto wrong = [&](const toml::node& node, std::string_view name, std::string_view text) {
      return fail("{}handles: {}: {}", at(node), name, text);
    };
    const auto number = [](const toml::node& node) -> std::optional<std::uint64_t> {
      const auto value = node.value_exact<std::int64_t>();
      return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
    };
    std::vector<Entry> others;
    for (const auto& [key, node] : in_order(*table)) {
      const std::string_view name = key->str();
      const auto* const found = std::ranges::find(kKinds, name, &Kind::name);
      if (found == std::end(kKinds)) {
        others.emplace_back(key, node);
        continue;
      }
      if (kind != nullptr)
        return fail("{}handles: it is either {} or {}; want a table for each", at(*node), kind->name, name);
      kind = found;
      grant.what = kind->what;
      const auto value = number(*node);
      const auto text = node->value_exact<std::string>();
      if (kind->takes == Takes::yes && node->value_exact<bool>() != true)
        return wrong(*node, name, "want true");
      if (kind->takes == Takes::number && !value) return wrong(*node, name, "want a number");
      if (kind->takes == Takes::text && (!text || text->empty())) return wrong(*node, name, "want a name");
      grant.base = value.value_or(0);
      grant.name = text.value_or("");
    }
    const bool is_range = kind != nullptr && (grant.what == What::ports || grant.what == What::registers);
    if (is_range || (kind != nullptr && grant.what == What::interrupt)) grant.count = 1;
    for (const auto& [key, node] : others) {
      const std::string_view name = key->str();
      const bool fits = name == "count"   ? is_range
                        : name == "bar"   ? grant.what == What::pci
                        : name == "index" ? grant.is_device()
                                          : name == "name" && !grant.is_device();
      if (!std::ranges::contains(kOthers, name)) {
        std::vector<std::string_view> known(std::begin(kOthers), std::end(kOthers));
        for (const Kind& each : kKinds) known.push_back(each.name);
        return fail("{}handles: {}: no such key{}", at(*node), name, did_you_mean(name, known));
      }
      if (kind != nullptr && !fits) return fail("{}handles: {}: {} has none", at(*node), name, kind->name);
      const auto value = number(*node);
      const auto text = node->value_exact<std::string>();
      if (name == "name" && (!text || text->empty())) return wrong(*node, name, "want a name");
      if (name != "name" && !value) return wrong(*node, name, "want a number");
      if (name == "name") grant.handle = *text;
      if (name != "name") (name == "index" ? grant.base : grant.count) = *value;
    }
    if (kind == nullptr)
      return fail(
          "{}handles: want ports, registers, interrupt, pci, virtio, read, write, channel, serve, door, "
          "system "
          "or archive in it",
          at(item));
    return grant;
  }

  Result<> value(const Flag& flag, const toml::node& node, const std::string& source,
                 std::vector<GivenFlag>& flags) {
    if (flag.value.empty()) {
      const auto on = node.value_exact<bool>();
      if (!on) return fail("{}{}: want true or false", source, flag.name);
      if (*on) put(flag, {}, source, flags);
      return {};
    }
    auto text = text_of(node);
    if (!text)
      return fail("{}{}: want {}", source, flag.name,
                  flag.repeats ? "a text or a list of texts" : "a text or a number");
    if (flag.value == "FILE" || flag.value.starts_with("DIR")) text = resolve(*text);
    put(flag, *std::move(text), source, flags);
    return {};
  }

  /// env = { NAME = "VALUE" }, dir = { "GUEST" = "HOST" }.
  Result<> pairs(const Flag& flag, const toml::table& table, const std::string& source,
                 std::vector<GivenFlag>& flags) {
    for (auto&& [key, node] : table) {
      const auto text = text_of(node);
      if (!text) return fail("{}{}.{}: want a text", source, flag.name, key.str());
      put(flag,
          flag.name == "env" ? std::format("{}={}", key.str(), *text)
                             : std::format("{}::{}", resolve(*text), key.str()),
          source, flags);
    }
    return {};
  }

  static void put(const Flag& flag, std::string text, const std::string& source,
                  std::vector<GivenFlag>& flags) {
    flags.push_back({.name = std::string(flag.name), .value = std::move(text), .source = source});
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
