// SPDX-License-Identifier: MIT
// For programs that start WASI programs: the startup block (process_startup) and the handles that go with it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk {

/// What a process is to be started with. Handles that it names leave the caller when the process is started.
class Startup {
 public:
  /// For programs that use the console without WASI.
  void console(nb_handle_t handle) { console_ = give(handle); }
  void devices(nb_handle_t root) { devices_ = give(root); }
  /// Standard input (0), output (1), errors (2): the console or an end of a stream. A handle given twice
  /// moves once. What is not given is closed.
  void standard(unsigned number, nb_handle_t handle) { standard_[number] = give(handle); }
  /// Bits 0, 1 and 2: input, output, errors are a terminal.
  void terminals(std::uint32_t bits) { terminals_ = bits; }
  void argument(std::string_view text) { arguments_.emplace_back(text); }
  /// NAME=VALUE
  void environment(std::string_view entry) { environment_.emplace_back(entry); }
  /// A directory: what the file server behind `server`, a door or the host's files, has under `attach_name`.
  void preopen(std::string_view guest_path, nb_handle_t server, std::string_view attach_name) {
    preopens_.push_back({give(server), std::string(guest_path), std::string(attach_name)});
  }
  /// A directory in the WASI library's memory.
  void memory_directory(std::string_view guest_path, std::uint64_t quota) {
    memory_directories_.emplace_back(guest_path, quota);
  }
  void handle(std::string_view name, nb_handle_t handle) { others_.emplace_back(give(handle), name); }

  /// For process_start.
  std::span<const nb_handle_t> handles() const { return handles_; }
  std::vector<char> block() const {
    constexpr std::uint32_t kVersion = 2;
    std::vector<char> block;
    const auto word = [&block](std::uint64_t value) {
      for (unsigned shift = 0; shift < 32; shift += 8) block.push_back(static_cast<char>(value >> shift));
    };
    const auto string = [&](std::string_view text) {
      word(text.size());
      block.insert(block.end(), text.begin(), text.end());
      block.resize((block.size() + 3) & ~std::size_t{3});
    };
    for (const std::uint32_t value : {kVersion, console_, devices_}) word(value);
    for (const std::uint32_t value : standard_) word(value);
    word(terminals_);
    for (const auto* strings : {&arguments_, &environment_}) {
      word(strings->size());
      for (const std::string& text : *strings) string(text);
    }
    word(preopens_.size());
    for (const Preopen& preopen : preopens_) {
      word(preopen.server);
      string(preopen.guest_path);
      string(preopen.attach_name);
    }
    word(memory_directories_.size());
    for (const auto& [path, quota] : memory_directories_) {
      word(quota);
      word(quota >> 32);
      string(path);
    }
    word(others_.size());
    for (const auto& [handle, name] : others_) {
      word(handle);
      string(name);
    }
    return block;
  }

 private:
  struct Preopen {
    std::uint32_t server;
    std::string guest_path, attach_name;
  };
  /// The number that the handle gets in the new process.
  std::uint32_t give(nb_handle_t handle) {
    if (handle == 0) return 0;
    for (std::size_t i = 0; i < handles_.size(); i++)
      if (handles_[i] == handle) return static_cast<std::uint32_t>(i + 1);
    handles_.push_back(handle);
    return static_cast<std::uint32_t>(handles_.size());
  }

  std::vector<nb_handle_t> handles_;
  std::uint32_t console_ = 0, devices_ = 0, terminals_ = 0;
  std::array<std::uint32_t, 3> standard_ = {};
  std::vector<std::string> arguments_, environment_;
  std::vector<Preopen> preopens_;
  std::vector<std::pair<std::string, std::uint64_t>> memory_directories_;
  std::vector<std::pair<std::uint32_t, std::string>> others_;
};

}  // namespace nebulet::sdk
