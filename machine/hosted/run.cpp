// SPDX-License-Identifier: MIT
// From options to a running kernel.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "machine/hosted/state.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/upcalls.h"

#if __has_feature(address_sanitizer)
// The machine has signal stacks of its own, which ASan would unmap when a thread ends.
extern "C" const char* __asan_default_options() { return "use_sigaltstack=0:detect_leaks=0"; }
#endif

namespace nebulet::machine {
namespace {

constexpr int kExitError = 125;
constexpr int kExitPanic = 126;

[[noreturn]] void on_panic(const char* message, const char* file, unsigned line) {
  dprintf(STDERR_FILENO, "nebulet-hosted: panic: %s (%s:%u)\n", message, file, line);
  _exit(kExitPanic);
}

/// The name of a feature that generated code needs and the processor lacks.
const char* missing_feature() {
  constexpr unsigned long kHwcap2FsGsBase = 1 << 1;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) return "AVX2";
  if (!__builtin_cpu_supports("bmi")) return "BMI1";
  if (!__builtin_cpu_supports("bmi2")) return "BMI2";
  if (!__builtin_cpu_supports("lzcnt")) return "LZCNT";
  if (!__builtin_cpu_supports("popcnt")) return "POPCNT";
  if ((getauxval(AT_HWCAP2) & kHwcap2FsGsBase) == 0) return "FSGSBASE (enabled by Linux 5.9 and later)";
  return nullptr;
}

std::optional<std::span<const std::byte>> map_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (fd < 0 || fstat(fd, &status) != 0) return std::nullopt;
  if (status.st_size == 0) return std::span<const std::byte>();
  void* bytes = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  close(fd);
  errno = error;
  if (bytes == MAP_FAILED) return std::nullopt;
  return std::span(static_cast<const std::byte*>(bytes), static_cast<std::size_t>(status.st_size));
}

}  // namespace

void prepare_hosted(const HostedOptions& options) {
  static bool done = false;
  if (std::exchange(done, true)) return;
  set_panic_handler(on_panic);
  hosted::set_memory_limit(options.memory_bytes);
  hosted::set_console(options);
  hosted::install_handlers();
  hosted::adopt_cpu(0);
  enable_interrupts();
}

int run_hosted(const HostedOptions& options) {
  if (const char* feature = missing_feature()) {
    fprintf(stderr, "nebulet-hosted: this processor lacks %s, which compiled wasm code needs\n", feature);
    return kExitError;
  }
  std::vector<BootModule> modules;
  for (const HostedOptions::Module& module : options.modules) {
    const auto bytes = map_file(module.path);
    if (!bytes) {
      fprintf(stderr, "nebulet-hosted: cannot read %s: %s\n", module.path.c_str(), strerror(errno));
      return kExitError;
    }
    modules.push_back({.name = module.name, .bytes = *bytes});
  }
  if (options.perf_map && !hosted::start_perf_map()) {
    fprintf(stderr, "nebulet-hosted: cannot make /tmp/perf-%d.map: %s\n", getpid(), strerror(errno));
    return kExitError;
  }
  prepare_hosted(options);
  const BootInfo boot = {.command_line = options.command_line,
                         .modules = modules,
                         .memory_bytes = options.memory_bytes,
                         .cpus = options.cpus};
  return kernel::kernel_main(boot);
}

}  // namespace nebulet::machine
