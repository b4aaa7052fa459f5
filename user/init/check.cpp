// SPDX-License-Identifier: MIT
// The rules of a plan.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <tuple>

#include "user/init/plan.h"

namespace nebulet::init {
namespace {

constexpr std::size_t kMostName = 256;   // of a process
constexpr std::size_t kMostGrants = 56;  // process_start moves 64 handles, WASI programs get some more
constexpr std::size_t kMostProcesses = 1000;
constexpr std::uint64_t kLeastMemory = 64 << 10;
constexpr std::uint64_t kMostMemory = 1ull << 44;
constexpr std::uint64_t kPorts = 1 << 16, kAddresses = 1ull << 52, kIsaInterrupts = 16;

constexpr std::uint64_t kMostOfOneKind = 256;  // devices
constexpr std::uint64_t kBars = 6;

using What = Grant::What;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// Who does what with a stream or a service.
struct Use {
  std::vector<std::size_t> givers;  // who writes to the stream, serves the service
  std::vector<std::size_t> takers;  // who reads from it, has a door to it
};
using Uses = std::map<std::string_view, Use>;

class Checker {
 public:
  explicit Checker(const Plan& plan) : plan_(plan) {}

  std::optional<Problem> run() {
    if (plan_.processes.empty()) return Problem{0, "process", "there is no process to start"};
    if (plan_.processes.size() > kMostProcesses)
      return Problem{kMostProcesses, "process", "one too many: init starts at most 1000"};
    for (std::size_t i = 0; i < plan_.processes.size(); i++) {
      if (auto problem = one(i)) return problem;
    }
    if (auto problem = ends()) return problem;
    return cycles();
  }

 private:
  std::optional<Problem> one(std::size_t index) {
    const Process& process = plan_.processes[index];
    const auto wrong = [&](std::string_view key, std::string text) {
      return Problem{index, key, std::move(text)};
    };
    if (process.name.empty() || process.name.size() > kMostName)
      return wrong("name", "want a name of 1 to 256 bytes");
    if (!names_.insert({process.name, index}).second)
      return wrong("name", "there is another process " + quoted(process.name));
    if (process.file.empty()) return wrong("file", "it is missing; file = \"PROGRAM.wasm\" says what to run");
    if (process.memory != 0 && (process.memory < kLeastMemory || process.memory > kMostMemory))
      return wrong("memory", "want a size of at least 64K and at most 16384G");
    const auto devices = static_cast<std::size_t>(std::ranges::count_if(process.grants, &Grant::is_device));
    if (process.grants.size() + 2 * devices + process.mounts.size() > kMostGrants)
      return wrong("handles", "a process gets at most 56 handles");
    if (auto text = stream(index, process.input, true)) return wrong("stdin", *text);
    if (auto text = stream(index, process.output, false)) return wrong("stdout", *text);
    if (auto text = stream(index, process.errors, false)) return wrong("stderr", *text);
    for (const Grant& grant : process.grants) {
      if (auto text = this->grant(index, grant)) return wrong("handles", *text);
    }
    for (const Mount& mount : process.mounts) {
      if (mount.path.empty()) return wrong("mount", "want the name of a directory for the program");
      if (auto text = service(index, mount.service, false)) return wrong("mount", *text);
    }
    return std::nullopt;
  }

  std::optional<std::string> stream(std::size_t index, std::string_view name, bool reads) {
    if (name == Process::kConsole || (reads && name == Process::kNull)) return std::nullopt;
    if (name.empty() || name == Process::kNull)
      return reads ? "want \"console\", \"null\" or the name of a stream"
                   : "want \"console\" or the name of a stream";
    Use& use = streams_[name];
    (reads ? use.takers : use.givers).push_back(index);
    // Processes come in order.
    if (!use.givers.empty() && use.givers.back() == index && !use.takers.empty() &&
        use.takers.back() == index)
      return "the process would read what it writes to the stream " + quoted(name);
    return std::nullopt;
  }

  std::optional<std::string> grant(std::size_t index, const Grant& grant) {
    if (grant.is_of_machine() && plan_.processes[index].kind != Kind::driver)
      return "only a process with kind = \"driver\" gets the machine's";
    const auto range = [&](std::uint64_t most) -> std::optional<std::string> {
      if (grant.count == 0 || grant.base >= most || grant.count > most - grant.base)
        return "that range is empty or not the machine's";
      return std::nullopt;
    };
    switch (grant.what) {
      case What::ports: return range(kPorts);
      case What::registers: return range(kAddresses);
      case What::interrupt: return range(kIsaInterrupts);
      case What::pci:
      case What::virtio: return device(index, grant);
      case What::read:
      case What::write: return stream(index, grant.name, grant.what == What::read);
      case What::channel: return channel(index, grant.name);
      case What::system:
      case What::archive:
      case What::files: return std::nullopt;
      case What::serve:
      case What::door: break;
    }
    return service(index, grant.name, grant.what == What::serve);
  }

  std::optional<std::string> device(std::size_t index, const Grant& grant) {
    if (!read_device_name(grant))
      return grant.what == What::pci
                 ? quoted(grant.name) + " names no PCI function; want \"8086:100e\" or \"class:0200\""
                 : quoted(grant.name) + " is no kind of virtio device; want net, block, console, rng or 9p";
    if (grant.base >= kMostOfOneKind) return "index: want a number below 256";
    if (grant.count >= kBars) return "bar: want a number from 0 to 5";
    const auto [other, is_new] = devices_.insert({{grant.what, grant.name, grant.base}, index});
    if (!is_new) return plan_.processes[other->second].name + " has that device already";
    return std::nullopt;
  }

  std::optional<std::string> channel(std::size_t index, std::string_view name) {
    if (name.empty()) return "want the name of a channel";
    std::vector<std::size_t>& ends = channels_[name];
    if (ends.size() == 2) return "the channel " + quoted(name) + " has two ends, and both are given";
    if (!ends.empty() && ends[0] == index) return "the process would have both ends of " + quoted(name);
    ends.push_back(index);
    return std::nullopt;
  }

  std::optional<std::string> service(std::size_t index, std::string_view name, bool serves) {
    if (name.empty()) return "want the name of a service";
    Use& use = services_[name];
    (serves ? use.givers : use.takers).push_back(index);
    return std::nullopt;
  }

  std::optional<Problem> ends() {
    for (const auto& [name, use] : streams_) {
      if (use.givers.empty())
        return Problem{use.takers[0], key_of(use.takers[0], name, true),
                       "nobody writes to the stream " + quoted(name)};
      if (use.takers.empty())
        return Problem{use.givers[0], key_of(use.givers[0], name, false),
                       "nobody reads from the stream " + quoted(name)};
      if (use.takers.size() > 1)
        return Problem{
            use.takers[1], key_of(use.takers[1], name, true),
            plan_.processes[use.takers[0]].name + " reads from the stream " + quoted(name) + " already"};
    }
    for (const auto& [name, ends] : channels_) {
      if (ends.size() != 2)
        return Problem{ends[0], "handles", "nobody has the other end of the channel " + quoted(name)};
    }
    for (const auto& [name, use] : services_) {
      if (use.givers.empty())
        return Problem{use.takers[0], key_of_service(use.takers[0], name), "nobody serves " + quoted(name)};
      if (use.givers.size() > 1)
        return Problem{use.givers[1], "handles",
                       plan_.processes[use.givers[0]].name + " serves " + quoted(name) + " already"};
    }
    return std::nullopt;
  }

  std::string_view key_of_service(std::size_t index, std::string_view service) const {
    return std::ranges::contains(plan_.processes[index].mounts, service, &Mount::service) ? "mount"
                                                                                          : "handles";
  }

  /// By which key the process has its end of a stream.
  std::string_view key_of(std::size_t index, std::string_view stream, bool reads) const {
    const Process& process = plan_.processes[index];
    if (reads) return process.input == stream ? "stdin" : "handles";
    return process.output == stream ? "stdout" : process.errors == stream ? "stderr" : "handles";
  }

  /// Services that need each other could wait for each other for ever. Kahn's algorithm: whoever needs nobody
  /// that is left goes; who stays lies on a cycle, or needs one that does.
  std::optional<Problem> cycles() const {
    const std::size_t count = plan_.processes.size();
    std::vector<std::vector<std::size_t>> clients(count);
    std::vector<std::size_t> needs(count, 0);
    for (const auto& [name, use] : services_) {
      for (const std::size_t taker : use.takers) {
        clients[use.givers[0]].push_back(taker);
        needs[taker]++;
      }
    }
    std::vector<std::size_t> free;
    for (std::size_t i = 0; i < count; i++) {
      if (needs[i] == 0) free.push_back(i);
    }
    for (std::size_t at = 0; at < free.size(); at++) {
      for (const std::size_t client : clients[free[at]]) {
        if (--needs[client] == 0) free.push_back(client);
      }
    }
    if (free.size() == count) return std::nullopt;
    return Problem{on_cycle(clients, needs), "handles", "a cycle: " + cycle_text(clients, needs)};
  }

  /// Of those that stayed, goes from each to one that it needs until it comes by for the second time.
  std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& clients,
                                      const std::vector<std::size_t>& needs) const {
    std::vector<std::size_t> server(needs.size(), needs.size());
    for (std::size_t i = 0; i < clients.size(); i++) {
      if (needs[i] == 0) continue;
      for (const std::size_t client : clients[i]) server[client] = i;
    }
    std::size_t at = static_cast<std::size_t>(
        std::ranges::find_if(needs, [](std::size_t n) { return n != 0; }) - needs.begin());
    for (std::size_t step = 0; step < needs.size(); step++) at = server[at];
    std::vector<std::size_t> cycle = {at};
    for (std::size_t next = server[at]; next != at; next = server[next]) cycle.push_back(next);
    return cycle;
  }
  std::size_t on_cycle(const std::vector<std::vector<std::size_t>>& clients,
                       const std::vector<std::size_t>& needs) const {
    return std::ranges::min(find_cycle(clients, needs));
  }
  std::string cycle_text(const std::vector<std::vector<std::size_t>>& clients,
                         const std::vector<std::size_t>& needs) const {
    const auto cycle = find_cycle(clients, needs);
    std::string text = plan_.processes[cycle[0]].name;
    for (std::size_t i = 1; i <= cycle.size(); i++)
      text +=
          " needs " + plan_.processes[cycle[i % cycle.size()]].name + (i == cycle.size() ? "" : ", which");
    return text;
  }

  const Plan& plan_;
  std::map<std::string_view, std::size_t> names_;
  Uses streams_, services_;
  std::map<std::string_view, std::vector<std::size_t>> channels_;
  std::map<std::tuple<What, std::string_view, std::uint64_t>, std::size_t> devices_;
};

struct VirtioName {
  std::string_view name;
  std::uint32_t type;  // OASIS virtio 1.2, 5
};
constexpr VirtioName kVirtioNames[] = {{"net", 1}, {"block", 2}, {"console", 3}, {"rng", 4}, {"9p", 9}};

std::optional<std::uint32_t> read_hex(std::string_view digits) {
  std::uint32_t value = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, value, 16);
  return error == std::errc() && end == last ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<DeviceName> read_device_name(const Grant& grant) {
  using By = DeviceName::By;
  constexpr std::string_view kClass = "class:";
  constexpr std::uint32_t kClassBits = 24;
  const std::string_view name = grant.name;
  if (grant.what == What::virtio) {
    const auto* const found = std::ranges::find(kVirtioNames, name, &VirtioName::name);
    if (found == std::end(kVirtioNames)) return std::nullopt;
    return DeviceName{By::virtio, found->type, ~0u};
  }
  if (name.starts_with(kClass)) {
    const std::string_view digits = name.substr(kClass.size());
    const auto value = read_hex(digits);
    if (!value || digits.empty() || digits.size() > 6 || digits.size() % 2 != 0) return std::nullopt;
    const auto missing = kClassBits - 4 * static_cast<std::uint32_t>(digits.size());
    return DeviceName{By::class_code, *value << missing, 0xffffffu >> missing << missing};
  }
  if (name.size() != 9 || name[4] != ':') return std::nullopt;
  const auto vendor = read_hex(name.substr(0, 4)), device = read_hex(name.substr(5));
  if (!vendor || !device) return std::nullopt;
  return DeviceName{By::vendor_and_device, *vendor << 16 | *device, ~0u};
}

std::optional<Problem> check(const Plan& plan) { return Checker(plan).run(); }

}  // namespace nebulet::init
