// SPDX-License-Identifier: MIT
// What the calling process was started with: its start-up block (process_startup), read.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk {

struct Given {
  struct Preopen {
    nb_handle_t server;
    std::string guest_path, attach_name;
  };

  nb_handle_t console = 0, root_resource = 0;  // 0: none
  std::array<nb_handle_t, 3> standard = {};    // input, output, errors; 0: closed
  std::uint32_t terminals = 0;                 // bits 0, 1, 2: input, output, errors are a terminal
  std::vector<std::string> arguments, environment;
  std::vector<Preopen> preopens;
  std::vector<std::pair<std::uint64_t, std::string>> memory_directories;  // quota and guest path
  std::vector<std::pair<nb_handle_t, std::string>> handles;               // the other ones

  static Given get() {
    std::vector<char> block(static_cast<std::size_t>(nb_process_startup(nullptr, 0)));
    nb_process_startup(block.data(), block.size());
    return read(block);
  }

  /// What is behind a mistake is left out.
  static Given read(std::span<const char> block) {
    constexpr std::uint32_t kVersion = 2;
    Given given;
    bool good = true;
    const auto take = [&](std::size_t count) {
      good = good && count <= block.size();
      const auto piece = good ? block.first(count) : std::span<const char>();
      if (good) block = block.subspan(count);
      return piece;
    };
    const auto word = [&] {
      std::uint32_t value = 0;
      const auto piece = take(sizeof value);
      if (!piece.empty()) std::memcpy(&value, piece.data(), sizeof value);
      return value;
    };
    const auto string = [&] {
      const std::uint32_t length = word();
      const auto piece = take(length);
      take(-length & 3);
      return std::string(piece.data(), piece.size());
    };
    const auto each = [&](auto one) {
      for (std::uint32_t left = word(); left != 0 && good; left--) one();
    };
    if (word() != kVersion) return given;
    given.console = word();
    given.root_resource = word();
    for (nb_handle_t& handle : given.standard) handle = word();
    given.terminals = word();
    each([&] { given.arguments.push_back(string()); });
    each([&] { given.environment.push_back(string()); });
    each([&] {
      const nb_handle_t server = word();
      std::string path = string();
      given.preopens.push_back({server, std::move(path), string()});
    });
    each([&] {
      const std::uint64_t low = word(), high = word();
      given.memory_directories.emplace_back(low | high << 32, string());
    });
    each([&] {
      const nb_handle_t handle = word();
      given.handles.emplace_back(handle, string());
    });
    return given;
  }

  /// The handle of this name, or 0.
  nb_handle_t handle(std::string_view name) const {
    for (const auto& [handle, its_name] : handles)
      if (its_name == name) return handle;
    return 0;
  }
};

}  // namespace nebulet::sdk
