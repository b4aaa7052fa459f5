// SPDX-License-Identifier: MIT
#include "kernel/process/trap_report.h"

#include <algorithm>
#include <format>
#include <span>

#include "machine/include/machine/memory.h"
#include "wasm/debug/source.h"

namespace nebulet::kernel {
namespace {

/// Longer names are cut: log lines have a limit, and what follows the name matters more.
constexpr std::size_t kMaxName = 300;

/// The wasm instruction; for a fault before the function's first one, where its body begins.
std::uint32_t position_of(const wasm::Frame& frame) {
  return frame.position != 0 ? frame.position : frame.code->module().functions[frame.function].body_begin;
}

std::string frame_text(const wasm::Frame& frame, std::string_view by, std::string_view module,
                       const wasm::debug::SourceLine& source) {
  const std::string line = source.line == 0 ? "" : std::format(" ({}:{})", source.file, source.line);
  const std::string inlined = source.inlined.empty() ? "" : source.inlined + ", inlined into ";
  if (frame.name.empty())
    return std::format("  {} {}function {}, byte {:#x} of {}{}", by, inlined, frame.function,
                       position_of(frame), module, line);
  return std::format("  {} {}{} (function {}), byte {:#x} of {}{}", by, inlined,
                     frame.name.substr(0, kMaxName), frame.function, position_of(frame), module, line);
}

/// Looks up all frames of a module at once: its line table is read only once.
std::vector<wasm::debug::SourceLine> lines_of(std::span<const wasm::Frame> frames) {
  std::vector<wasm::debug::SourceLine> lines(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const wasm::ModuleCode* code = frames[i].code;
    const auto same = [&](const wasm::Frame& frame) { return frame.code == code; };
    if (std::ranges::any_of(frames.first(i), same)) continue;
    std::vector<std::uint32_t> offsets;
    for (const wasm::Frame& frame : frames)
      if (same(frame)) offsets.push_back(position_of(frame));
    std::vector<wasm::debug::SourceLine> found(offsets.size());
    wasm::debug::find_source_lines(code->module().bytes, offsets, found);
    std::size_t next = 0;
    for (std::size_t k = 0; k < frames.size(); ++k)
      if (same(frames[k])) lines[k] = std::move(found[next++]);
  }
  return lines;
}

}  // namespace

std::vector<std::string> describe_trap(Process& process, const wasm::Outcome& outcome,
                                       const Program& program) {
  std::vector<std::string> text;
  // The first instances are libraries, the last one is what the process is named for.
  const std::string_view name = std::string_view(process.name()).substr(0, kMaxName);
  const wasm::ModuleCode* const own = program.module(program.size() - 1)->code().get();
  const bool thrown = outcome.kind == wasm::Outcome::Kind::thrown;
  if (thrown)
    text.push_back(std::format("{}: uncaught exception", name));
  else
    text.push_back(std::format("{}: trap: {}", name, wasm::ir::trap_text(outcome.trap)));
  if (!thrown && outcome.trap == wasm::Trap::out_of_memory) {
    text.push_back(std::format("  it has {} MiB of at most {} MiB, and the machine has {} MiB free",
                               process.quota()->used() >> 20, process.quota()->limit() >> 20,
                               machine::free_memory() >> 20));
  }
  const auto& frames = outcome.backtrace;
  const auto lines = lines_of(frames);
  for (std::size_t i = 0; i < frames.size();) {
    std::size_t end = i + 1;
    while (end < frames.size() && frames[end].code == frames[i].code &&
           frames[end].position == frames[i].position)
      ++end;
    text.push_back(frame_text(
        frames[i], i == 0 ? "at" : "called by",
        frames[i].code == own ? name : program.name_of(*frames[i].code).substr(0, kMaxName), lines[i]));
    if (end - i > 1) text.push_back(std::format("  … {} times", end - i));  // recursion
    i = end;
  }
  if (frames.size() == wasm::kMaxBacktrace) text.emplace_back("  … and what called that");
  return text;
}

}  // namespace nebulet::kernel
