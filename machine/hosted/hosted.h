// SPDX-License-Identifier: MIT
// The hosted machine: what the program nebulet-hosted sets up before the kernel runs in its process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nebulet::machine {

/// Answers one 9P2000.L message: writes the reply and returns its length, 0 if there is none. Called by one
/// thread at a time.
using FileServer = std::size_t (*)(void* state, std::span<const std::byte> request,
                                   std::span<std::byte> reply);

struct HostedOptions {
  struct Module {
    std::string name, path;
  };
  std::uint64_t memory_bytes = 1ull << 30;
  std::uint32_t cpus = 1;
  std::string log_path;  ///< empty: standard error
  std::string command_line;
  int tool_fd = -1;  ///< where packets for the host's tool go (docs/reference/link.md); -1: there is none
  bool perf_map = false;  ///< write /tmp/perf-PID.map
  std::vector<Module> modules;
  FileServer file_server = nullptr;  ///< null: the machine has no file server
  void* file_server_state = nullptr;
};

/// Runs the kernel in this process and returns its exit status. The calling thread becomes CPU 0. Fails with
/// 125 and a message on standard error if a module cannot be read or the processor lacks a feature. Once in a
/// process.
int run_hosted(const HostedOptions& options);

/// What unit tests of the kernel need of the machine: memory, clocks and this thread as CPU 0, without
/// running the kernel.
void prepare_hosted(const HostedOptions& options);

/// For tests: the n-th request for addresses or memory from now on is refused; 0: none. Returns whether one
/// was, since the last time.
bool refuse_memory(std::uint64_t n);
/// For tests: how many pages of the process break the rules: writable and executable, or, in reservations,
/// accessible without having memory.
std::uint64_t audit_mappings();

}  // namespace nebulet::machine
