// SPDX-License-Identifier: MIT
// The kernel's command line: `key=value` separated by spaces, values percent-encoded. The host's tools write
// it with the same code.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "abi/generated/types.h"

namespace nebulet::kernel {

/// What the kernel is to do. Unknown keys are errors, but a word without '=' is skipped: boot loaders add
/// such words.
struct CommandLine {
  std::vector<std::string> arguments;    ///< arg=…, in order; the first is the program's name
  std::vector<std::string> environment;  ///< env=NAME=VALUE (with the inner = encoded or not)
  std::vector<std::string> preopens;     ///< preopen=GUEST, directories of the file server
  std::vector<std::pair<std::string, std::uint64_t>> memory_directories;  ///< tmpfs=BYTES:GUEST
  std::string invoke;                 ///< invoke=NAME: call this export instead of _start
  std::vector<std::string> operands;  ///< operand=TYPE:BITS of that function, in order (operands.h)
  std::uint64_t memory = 0;           ///< memory=BYTES of the process; 0: what the machine has
  std::uint32_t hz = 100;             ///< hz=N: time slices per second
  bool stats = false;                 ///< stats=1: measurements to the log at the end
  bool devices = false;               ///< devices=1: the program gets the root resource
  std::uint32_t terminals = 0;        ///< terminals=N: bits 0, 1, 2: input, output, errors are one
  bool link = false;                  ///< console=link: the machine talks packets; for the machine only
  bool trace = false;                 ///< trace=1: what happens goes to the tool (kernel/trace)
  bool core = false;                  ///< core=1: what is left of a process that trapped goes to the tool
  std::uint32_t samples = 0;          ///< profile=HZ: so many samples in a second go to the tool
  abi::LogLevel log = abi::LogLevel::warn;  ///< log=error|warn|info|debug
};

/// The error names the word that is wrong.
std::expected<CommandLine, std::string> parse_command_line(std::string_view text);
/// parse_command_line gives the same back.
std::string format_command_line(const CommandLine& line);
/// Encodes all but letters, digits and -_./:,@+ as %XX.
std::string percent_encode(std::string_view text);

}  // namespace nebulet::kernel
