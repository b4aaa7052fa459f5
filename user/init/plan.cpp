// SPDX-License-Identifier: MIT
// The plan's text: lines `key value`; a process begins with its name. Bytes that would end a line or a word
// are %XX.
#include "user/init/plan.h"

#include <charconv>
#include <concepts>
#include <iterator>
#include <span>

#include "base/result.h"

namespace nebulet::init {
namespace {

constexpr std::string_view kHeader = "nebulet-plan 1";
constexpr std::string_view kRestartNames[] = {"never", "on-failure", "always"};
constexpr std::string_view kKindNames[] = {"program", "service", "driver"};
constexpr std::string_view kGrantNames[] = {"ports",  "registers", "interrupt", "pci",   "virtio",
                                            "read",   "write",     "channel",   "serve", "door",
                                            "system", "archive",   "files"};

/// Calls `visit` with each key and its member. The one list of them, for reading and writing.
template <class AnyProcess, class Visit>
void fields(AnyProcess& process, Visit visit) {
  visit("file", process.file);
  visit("code", process.code);
  visit("entry", process.entry);
  visit("wasi", process.wasi);
  visit("kind", process.kind);
  visit("restart", process.restart);
  visit("restarts", process.restarts);
  visit("memory", process.memory);
  visit("argument", process.arguments);
  visit("variable", process.environment);
  visit("tmpfs", process.memory_directories);
  visit("mount", process.mounts);
  visit("input", process.input);
  visit("output", process.output);
  visit("errors", process.errors);
  visit("grant", process.grants);
}

std::string number_text(std::uint64_t value) {
  char digits[20];
  return std::string(digits, std::to_chars(digits, std::end(digits), value).ptr);
}

// Words.

std::string word(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '%') {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}
std::string word(bool value) { return value ? "yes" : "no"; }
std::string word(std::uint64_t value) { return number_text(value); }
std::string word(Restart value) { return std::string(kRestartNames[static_cast<std::size_t>(value)]); }
std::string word(Kind value) { return std::string(kKindNames[static_cast<std::size_t>(value)]); }
std::string word(const MemoryDirectory& value) { return number_text(value.quota) + " " + word(value.path); }
std::string word(const Grant& value) {
  return std::string(kGrantNames[static_cast<std::size_t>(value.what)]) + " " + number_text(value.base) +
         " " + number_text(value.count) + " " + word(value.name) + " " + word(value.handle);
}
std::string word(const Mount& value) {
  return number_text(value.cookie) + " " + word(value.path) + " " + word(value.service) + " " +
         word(value.attach);
}

/// Takes the first word off.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view first = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return first;
}

int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

bool read(std::string_view text, std::string& into) {
  into.clear();
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] != '%') {
      into += text[i];
      continue;
    }
    if (text.size() - i < 3) return false;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    into += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}
bool read(std::string_view text, std::uint64_t& into) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, into);
  return error == std::errc() && end == last;
}
bool read(std::string_view text, bool& into) {
  into = text == "yes";
  return into || text == "no";
}
template <class Enum>
bool read_name(std::string_view text, std::span<const std::string_view> names, Enum& into) {
  for (std::size_t i = 0; i < names.size(); i++) {
    if (text != names[i]) continue;
    into = static_cast<Enum>(i);
    return true;
  }
  return false;
}
bool read(std::string_view text, Restart& into) { return read_name(text, kRestartNames, into); }
bool read(std::string_view text, Kind& into) { return read_name(text, kKindNames, into); }
bool read(std::string_view text, MemoryDirectory& into) {
  return read(take_word(text), into.quota) && read(text, into.path);
}
bool read(std::string_view text, Grant& into) {
  return read_name(take_word(text), kGrantNames, into.what) && read(take_word(text), into.base) &&
         read(take_word(text), into.count) && read(take_word(text), into.name) && read(text, into.handle);
}
bool read(std::string_view text, Mount& into) {
  return read(take_word(text), into.cookie) && read(take_word(text), into.path) &&
         read(take_word(text), into.service) && read(text, into.attach);
}
template <class T>
bool read(std::string_view text, std::vector<T>& into) {
  return read(text, into.emplace_back());
}

template <class T>
void write(std::string& out, std::string_view key, const T& value) {
  out.append(key).append(" ").append(word(value)).append("\n");
}
template <class T>
void write(std::string& out, std::string_view key, const std::vector<T>& values) {
  for (const T& value : values) write(out, key, value);
}

}  // namespace

std::string handle_name(const Grant& grant) {
  if (!grant.handle.empty()) return grant.handle;
  return grant.name.empty() ? std::string(kGrantNames[static_cast<std::size_t>(grant.what)]) : grant.name;
}

std::string write_plan(const Plan& plan) {
  std::string out(kHeader);
  out += '\n';
  for (const Process& process : plan.processes) {
    write(out, "process", process.name);
    fields(process, [&](std::string_view key, const auto& value) { write(out, key, value); });
  }
  return out;
}

std::expected<Plan, std::string> read_plan(std::string_view text) {
  Plan plan;
  for (std::size_t number = 1; !text.empty(); number++) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto wrong = [&](std::string_view why) {
      return std::unexpected("line " + number_text(number) + ": " + std::string(why));
    };
    if (number == 1) {
      if (line != kHeader) return wrong("this is no plan of this version");
      continue;
    }
    const std::string_view key = take_word(line);
    if (key == "process") {
      if (!read(line, plan.processes.emplace_back().name)) return wrong("not a name");
      continue;
    }
    if (plan.processes.empty()) return wrong("a plan begins with a process");
    bool known = false, good = false;
    fields(plan.processes.back(), [&](std::string_view name, auto& value) {
      if (name != key) return;
      known = true;
      good = read(line, value);
    });
    if (!known) return wrong("there is no key `" + std::string(key) + "`");
    if (!good) return wrong(std::string(key) + ": `" + std::string(line) + "` is no value of it");
  }
  return plan;
}

}  // namespace nebulet::init
