// SPDX-License-Identifier: MIT
#include "tools/nebulet/compile.h"

#include <time.h>

#include <cstdio>
#include <format>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/progress.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"

namespace nebulet::tool {

namespace {

struct Told {
  const wasm::Module& module;
  const std::string& name;
  Progress progress = {};
  std::mutex mutex = {};
};

wasm::Result<> before_function(void* state, const wasm::CompileProgress& at) {
  auto& told = *static_cast<Told*>(state);
  const std::lock_guard guard(told.mutex);
  told.progress.say(
      std::format("compiling {}: function {} of {}", told.name, at.function, told.module.functions.size()));
  return {};
}

void run_on_all_cpus(void*, void (*work)(void*), void* argument) {
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) helpers.emplace_back(work, argument);
  work(argument);
  for (std::thread& helper : helpers) helper.join();
}

std::uint64_t thread_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

/// The most memory that the process had. getrusage would also count what started it.
unsigned long long peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  return 0;
}

/// One line for a stage: what, milliseconds, share of the whole.
void print_time(const char* stage, std::uint64_t nanoseconds, std::uint64_t all) {
  std::printf("%-10s %9.2f ms %6.1f %%\n", stage, static_cast<double>(nanoseconds) / 1e6,
              100.0 * static_cast<double>(nanoseconds) / static_cast<double>(all ? all : 1));
}

void print_times(const wasm::CompileStats& stats, std::uint64_t decoding) {
  constexpr const char* kNames[wasm::kStages] = {"build", "optimize", "select", "allocate", "emit", "verify"};
  std::uint64_t all = decoding;
  for (const std::uint64_t time : stats.time) all += time;
  print_time("decode", decoding, all);
  for (std::size_t i = 0; i < wasm::kStages; ++i) print_time(kNames[i], stats.time[i], all);
  print_time("all", all, all);
  std::printf(
      "functions %llu, bytes of the module %llu, of code %llu, most in arenas %llu, kB of memory %llu\n",
      static_cast<unsigned long long>(stats.functions), static_cast<unsigned long long>(stats.wasm_bytes),
      static_cast<unsigned long long>(stats.code_bytes),
      static_cast<unsigned long long>(stats.peak_arena_bytes), peak_kilobytes());
}

}  // namespace

Result<std::vector<std::byte>> compile_bytes(std::span<const std::byte> bytes, const std::string& name,
                                             bool times) {
  const auto refuse = [&](const wasm::Error& error) {
    return fail("{}: at byte {:#x}: {}", name, error.offset, error.message);
  };
  const std::uint64_t begin = thread_nanoseconds();
  const auto module = wasm::decode_module(bytes);
  if (!module) return refuse(module.error());
  const std::uint64_t decoding = thread_nanoseconds() - begin;
  Told told{.module = *module, .name = name};
  wasm::CompileStats stats;
  const auto code = wasm::compile_module(*module, &stats,
                                         {.before_function = before_function,
                                          .state = &told,
                                          .workers = {.run = run_on_all_cpus},
                                          .clock = times ? thread_nanoseconds : nullptr});
  if (!code) return refuse(code.error());
  told.progress.clear();
  if (times) print_times(stats, decoding);
  return wasm::write_code_file(**code, *module);
}

Result<> compile_file(const CompileOptions& options) {
  const auto module = TRY(read_module(options.file));
  const auto code = TRY(compile_bytes(module, options.file, options.times));
  return write_file(options.output.empty() ? options.file + ".code" : options.output, code);
}

}  // namespace nebulet::tool
