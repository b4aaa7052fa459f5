// SPDX-License-Identifier: MIT
#include "tools/nebulet/completion.h"

#include <algorithm>
#include <format>

#include "tools/nebulet/flags.h"

namespace nebulet::tool {
namespace {

/// What may stand for a value.
enum class Kind { nothing, words, files, directories, modules, other };

Kind kind_of(std::string_view value) {
  if (value.empty()) return Kind::nothing;
  if (value[0] >= 'a' && value[0] <= 'z') return Kind::words;
  if (value.starts_with("DIR")) return Kind::directories;
  if (value.starts_with("*.")) return Kind::modules;
  return value == "FILE" ? Kind::files : Kind::other;
}

std::string words_of(std::string_view value) {
  std::string words(value);
  std::ranges::replace(words, '|', ' ');
  return words;
}

std::string verb_names() {
  std::string names;
  for (const VerbSpec& verb : verbs()) names += std::format("{}{}", names.empty() ? "" : " ", verb.name);
  return names;
}

/// For the inside of single quotes, which all three shells have.
std::string quoted(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + out + "'";
}

/// A complete bash function; programs of COMPREPLY with blanks in file names go through mapfile.
std::string bash() {
  std::string text =
      "_nebulet() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words=\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n";
  text += std::format("    mapfile -t COMPREPLY < <(compgen -W {} -- \"$cur\")\n    return\n  fi\n",
                      quoted(verb_names()));
  text += "  case $verb:$prev in\n";
  for (const VerbSpec& verb : verbs()) {
    for (const Flag& flag : verb.flags) {
      const std::string pattern =
          flag.letter ? std::format("{}:--{} | {}:-{}", verb.name, flag.name, verb.name, flag.letter)
                      : std::format("{}:--{}", verb.name, flag.name);
      switch (kind_of(flag.value)) {
        case Kind::nothing: break;
        case Kind::words:
          text += std::format("    {}) mapfile -t COMPREPLY < <(compgen -W {} -- \"$cur\"); return ;;\n",
                              pattern, quoted(words_of(flag.value)));
          break;
        case Kind::directories:
          text += std::format(
              "    {}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n",
              pattern);
          break;
        case Kind::files:
        case Kind::modules:
          text += std::format(
              "    {}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n",
              pattern);
          break;
        case Kind::other: text += std::format("    {}) return ;;\n", pattern); break;
      }
    }
  }
  text += "  esac\n  case $verb in\n";
  for (const VerbSpec& verb : verbs()) {
    std::string words = "--help";
    for (const Flag& flag : verb.flags) words += flag.hidden ? "" : std::format(" --{}", flag.name);
    if (kind_of(verb.operand) == Kind::words) words += " " + words_of(verb.operand);
    text += std::format("    {}) words={} ;;\n", verb.name, quoted(words));
  }
  text +=
      "  esac\n"
      "  if [[ $cur == -* || $verb == completion ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
      "  else\n"
      "    compopt -o filenames\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
      "  fi\n"
      "}\n"
      "complete -F _nebulet nebulet ./nebulet\n";
  return text;
}

/// In _arguments: brackets and colons separate its fields.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '[' || c == ']' || c == ':' ? std::format("\\{}", c) : std::string(1, c);
  return out;
}

std::string zsh_action(std::string_view value) {
  switch (kind_of(value)) {
    case Kind::words: return std::format("({})", words_of(value));
    case Kind::directories: return "_files -/";
    case Kind::modules: return std::format("_files -g \"{}\"", value);
    case Kind::files: return "_files";
    case Kind::nothing:
    case Kind::other: break;
  }
  return " ";
}

std::string zsh() {
  std::string text = "#compdef nebulet\n_nebulet() {\n  local -a verbs=(\n";
  for (const VerbSpec& verb : verbs())
    text += std::format("    {}\n", quoted(std::format("{}:{}", verb.name, zsh_text(verb.text))));
  text +=
      "  )\n"
      "  if ((CURRENT == 2)); then\n    _describe verb verbs\n    return\n  fi\n"
      "  local verb=$words[2]\n  shift words\n  ((CURRENT--))\n  case $verb in\n";
  for (const VerbSpec& verb : verbs()) {
    text += std::format("    {}) _arguments '--help[show its flags]'", verb.name);
    for (const Flag& flag : verb.flags) {
      if (flag.hidden) continue;
      const std::string value =
          flag.value.empty() ? "" : std::format(":{}:{}", zsh_text(flag.value), zsh_action(flag.value));
      const auto put = [&](std::string_view name) {
        text += std::format(" {}", quoted(std::format("*{}[{}]{}", name, zsh_text(flag.text), value)));
      };
      put(std::format("--{}", flag.name));
      if (flag.letter) put(std::format("-{}", flag.letter));
    }
    text += std::format(" {} ;;\n", quoted(std::format("1: :{}", zsh_action(verb.operand))) +
                                        (verb.passes_rest ? " '*: :_files'" : ""));
  }
  return text + "  esac\n}\ncompdef _nebulet nebulet ./nebulet\n";
}

std::string fish() {
  std::string text = std::format("complete -c nebulet -f\nset -l verbs {}\n", verb_names());
  for (const VerbSpec& verb : verbs()) {
    text += std::format("complete -c nebulet -n \"not __fish_seen_subcommand_from $verbs\" -a {} -d {}\n",
                        verb.name, quoted(verb.text));
    const std::string here =
        std::format("complete -c nebulet -n '__fish_seen_subcommand_from {}'", verb.name);
    if (kind_of(verb.operand) == Kind::words) {
      text += std::format("{} -a '{}'\n", here, words_of(verb.operand));
    } else if (!verb.operand.empty()) {
      text += std::format("{} -F\n", here);
    }
    text += std::format("{} -l help -d 'show its flags'\n", here);
    for (const Flag& flag : verb.flags) {
      if (flag.hidden) continue;
      text += std::format("{}{} -l {} -d {}", here, flag.letter ? std::format(" -s {}", flag.letter) : "",
                          flag.name, quoted(flag.text));
      switch (kind_of(flag.value)) {
        case Kind::nothing: break;
        case Kind::words: text += std::format(" -x -a '{}'", words_of(flag.value)); break;
        case Kind::directories: text += " -x -a '(__fish_complete_directories)'"; break;
        case Kind::files:
        case Kind::modules: text += " -r -F"; break;
        case Kind::other: text += " -x"; break;
      }
      text += '\n';
    }
  }
  return text;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  return shell == "bash" ? bash() : shell == "zsh" ? zsh() : fish();
}

}  // namespace nebulet::tool
