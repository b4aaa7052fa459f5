// SPDX-License-Identifier: MIT
// What init is to start, and its text in the initfs: the host's tool makes it of a manifest, init reads it.
// Both check it by the same rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nebulet::init {

/// Its name in the initfs.
inline constexpr std::string_view kPlanFile = "plan";

enum class Restart : std::uint8_t { never, on_failure, always };
/// A program keeps the system up until it has ended; the others serve programs. A driver may have resources.
enum class Kind : std::uint8_t { program, service, driver };

/// A handle that a process gets. They have the numbers 1, 2, 3, … in the order of the plan.
struct Grant {
  /// ports, registers, interrupt, pci, virtio: of the machine; read, write: an end of the stream `name`;
  /// channel: one of the channel's two; serve, door: the service `name`, or a way to call it; system: to look
  /// at all processes; archive: the initfs; files: the directories of the host.
  enum class What : std::uint8_t {
    ports,
    registers,
    interrupt,
    pci,
    virtio,
    read,
    write,
    channel,
    serve,
    door,
    system,
    archive,
    files
  };
  What what = What::read;
  std::string name;         ///< of pci and virtio: which device, as read_device_name wants it
  std::string handle = {};  ///< by which the process finds it; empty: `name`, or what it is
  /// First port or address; the interrupt's number on the ISA bus; which one of several such devices.
  std::uint64_t base = 0;
  std::uint64_t count = 0;  ///< ports, or bytes of registers; of pci: which BAR
  bool operator==(const Grant&) const = default;
  bool is_of_machine() const { return what <= What::virtio; }
  /// Three handles: the device, its registers, its interrupt.
  bool is_device() const { return what == What::pci || what == What::virtio; }
};

/// What a device's name says. Numbers are those of PCI and of virtio.
struct DeviceName {
  enum class By : std::uint8_t { vendor_and_device, class_code, virtio } by;
  std::uint32_t value;  ///< vendor * 65536 + device, or a part of the class's 24 bits, or the type
  std::uint32_t mask;   ///< which bits of it matter
};
/// PCI: `8086:100e`, or `class:` and two, four or six digits; virtio: net, block, console, rng, 9p.
std::optional<DeviceName> read_device_name(const Grant& grant);

/// A directory of a file service.
struct Mount {
  std::string path, service, attach = {};
  std::uint64_t cookie =
      0;  ///< of the door to the service, which may know by it what the process gets; 0: as of others
  bool operator==(const Mount&) const = default;
};

struct MemoryDirectory {
  std::string path;
  std::uint64_t quota = 0;
  bool operator==(const MemoryDirectory&) const = default;
};

struct Process {
  /// Where a standard stream may lead besides streams.
  static constexpr std::string_view kConsole = "console", kNull = "null";

  std::string name;
  std::string file;  ///< in the initfs
  std::string code;  ///< its code file there; empty: the kernel compiles
  std::string entry = "_start";
  bool wasi = true;  ///< it needs the WASI library
  Kind kind = Kind::program;
  Restart restart = Restart::never;
  std::uint64_t restarts = 5;          ///< in a row, before init gives up
  std::uint64_t memory = 0;            ///< bytes; 0: a part of what the others leave
  std::vector<std::string> arguments;  ///< with the program's name
  std::vector<std::string> environment;
  std::vector<MemoryDirectory> memory_directories;
  std::vector<Mount> mounts;
  std::string input = std::string(kNull), output = std::string(kConsole), errors = std::string(kConsole);
  std::vector<Grant> grants;
  bool operator==(const Process&) const = default;
};

struct Plan {
  std::vector<Process> processes;
  bool operator==(const Plan&) const = default;
};

/// By which name a process finds it.
std::string handle_name(const Grant& grant);

std::string write_plan(const Plan& plan);
/// The error names the line, and what is wrong there. It may have more than what `check` allows.
std::expected<Plan, std::string> read_plan(std::string_view text);

struct Problem {
  std::size_t process = 0;  ///< whose
  std::string_view key;     ///< of the manifest
  std::string text;
};
/// What cannot work: names that mean nothing or two things, streams with one end, services that need each
/// other, impossible numbers.
std::optional<Problem> check(const Plan& plan);

}  // namespace nebulet::init
