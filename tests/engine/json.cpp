// SPDX-License-Identifier: MIT
#include "tests/engine/json.h"

#include <charconv>

namespace nebulet::test {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Json> document() {
    Json json = value();
    skip_space();
    if (failed_ || !rest_.empty()) return std::nullopt;
    return json;
  }

 private:
  void skip_space() {
    while (!rest_.empty() && std::string_view(" \t\r\n").contains(rest_[0])) rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) failed_ = true;
  }

  Json value() {
    Json json;
    if (take('{')) {
      json.kind = Json::Kind::object;
      while (!failed_ && !take('}')) {
        skip_space();
        std::string key = string();
        expect(':');
        json.members.emplace_back(std::move(key), value());
        take(',');
      }
    } else if (take('[')) {
      json.kind = Json::Kind::array;
      while (!failed_ && !take(']')) {
        json.items.push_back(value());
        take(',');
      }
    } else {
      json.kind = Json::Kind::text;
      json.text = !rest_.empty() && rest_[0] == '"' ? string() : word();
    }
    return json;
  }

  std::string word() {
    std::size_t length = 0;
    while (length < rest_.size() && !std::string_view(",]} \t\r\n").contains(rest_[length])) ++length;
    if (length == 0) failed_ = true;
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }

  std::string string() {
    std::string text;
    expect('"');
    while (!failed_ && !rest_.empty() && rest_[0] != '"') {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '\\' && !rest_.empty()) {
        c = rest_[0];
        rest_.remove_prefix(1);
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
        if (c == 'u') {  // wast2json writes bytes as \u00xx, not code points
          unsigned byte = 0;
          if (rest_.size() < 4)
            failed_ = true;
          else
            std::from_chars(rest_.data(), rest_.data() + 4, byte, 16);
          rest_.remove_prefix(rest_.size() < 4 ? 0 : 4);
          c = static_cast<char>(byte);
        }
      }
      text.push_back(c);
    }
    expect('"');
    return text;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string_view Json::operator[](std::string_view key) const {
  const Json* found = find(key);
  return found ? std::string_view(found->text) : std::string_view();
}

std::optional<Json> parse_json(std::string_view text) { return Parser(text).document(); }

}  // namespace nebulet::test
