// SPDX-License-Identifier: MIT
// For WASI programs that start others: what a shell needs. Errors end the program with a line on stderr.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/sdk/driver.h"
#include "user/sdk/startup.h"

namespace nebulet::sdk {

/// The result, a handle or a number, or the end.
inline nb_handle_t checked(const std::string& what, Result result) {
  if (result >= 0) return static_cast<nb_handle_t>(result);
  std::fprintf(stderr, "%s: error %d\n", what.c_str(), static_cast<int>(result));
  std::exit(1);
}

inline std::vector<char> read_file(const std::string& path) {
  std::vector<char> bytes;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    std::perror(path.c_str());
    std::exit(1);
  }
  char piece[4096];
  while (const std::size_t count = std::fread(piece, 1, sizeof piece, file))
    bytes.insert(bytes.end(), piece, piece + count);
  std::fclose(file);
  return bytes;
}

/// The module in a file.
inline nb_handle_t load_module(const std::string& path) {
  const std::vector<char> bytes = read_file(path);
  char message[200] = {};
  const Result compiled = nb_module_create(bytes.data(), bytes.size(), message, sizeof message);
  return checked(path + ": " + message, compiled);
}

/// Starts a module in a process of its own, called `name`, that gets `memory` bytes of the caller's. It finds
/// `handles`, which are not the caller's any more, as 1, 2 and so on, and `startup` by process_startup, and
/// its export `run` is called.
inline nb_handle_t start_module(const std::string& name, nb_handle_t module, std::uint64_t memory,
                                std::vector<nb_handle_t> handles, std::span<const std::byte> startup = {}) {
  char message[200] = {};
  const nb_handle_t process =
      checked(name + ": no process", nb_process_create(name.data(), name.size(), memory));
  const Result added = nb_process_add(process, module, name.data(), name.size(), message, sizeof message);
  checked(name + ": " + message, added);
  checked(name, nb_process_start(process, "run", 3, handles.data(), handles.size(), startup.data(),
                                 startup.size()));
  return process;
}

/// The same with the module in a file.
inline nb_handle_t start_process(const std::string& name, const std::string& path, std::uint64_t memory,
                                 std::vector<nb_handle_t> handles, std::span<const std::byte> startup = {}) {
  const nb_handle_t module = load_module(path);
  const nb_handle_t process = start_module(name, module, memory, std::move(handles), startup);
  nb_handle_close(module);
  return process;
}

/// Starts a WASI program, which is `module`'s, in a process of its own that gets `memory` bytes of the
/// caller's and what `startup` says. The WASI library is the caller's. `module` is closed.
inline nb_handle_t start_wasi(const std::string& name, nb_handle_t module, std::uint64_t memory,
                              const Startup& startup) {
  constexpr std::string_view kWasi = "wasi_snapshot_preview1", kProgram = "program", kEntry = "_start";
  const auto wasi = checked("wasi", nb_module_of(kWasi.data(), kWasi.size()));
  const auto process = checked(name + ": no process", nb_process_create(name.data(), name.size(), memory));
  char message[200] = {};
  for (const auto& [instance, code] : {std::pair(kWasi, wasi), std::pair(kProgram, module)}) {
    const auto added =
        nb_process_add(process, code, instance.data(), instance.size(), message, sizeof message);
    checked(name + ": " + message, added);
    nb_handle_close(code);
  }
  const std::vector<char> block = startup.block();
  checked(name, nb_process_start(process, kEntry.data(), kEntry.size(), startup.handles().data(),
                                 startup.handles().size(), block.data(), block.size()));
  return process;
}

struct Pipe {
  nb_handle_t reader, writer;
};
inline Pipe make_pipe() {
  nb_handle_t ends[2];
  checked("a stream", nb_stream_create(4096, ends, 2));
  return {ends[0], ends[1]};
}

}  // namespace nebulet::sdk
