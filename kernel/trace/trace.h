// SPDX-License-Identifier: MIT
// The tracer, where calls, doors and the scheduler say what they do, and the profiler's samples. Each CPU has
// a ring that only it writes, and whoever comes by empties it into the console's trace stream. Off, which it
// is unless the machine's user asked for it at boot, it costs one branch where threads switch and doors are
// entered, and calls nothing: they are linked to entries that tell of themselves only if it is on
// (kernel/syscall/table.h).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/trace/record.h"

namespace nebulet::kernel::trace {

namespace internal {
extern bool traces;
extern std::uint64_t period;
}  // namespace internal

// These do not change once there are tasks.
/// Calls, doors and switches are recorded.
inline bool is_on() { return internal::traces; }
/// Running threads are sampled.
inline bool is_sampling() { return internal::period != 0; }
/// Either: threads have numbers, calls tell of themselves.
inline bool is_observing() { return is_on() || is_sampling(); }
/// Before there are tasks and other CPUs. `samples` in each second of a CPU; 0: none. False: no memory.
bool start(std::uint32_t cpus, bool traces, std::uint32_t samples);
/// Sends what all CPUs have recorded; when the machine ends.
void finish();

// All that follows only if something is on; the tracer's events are dropped without it.
/// A number for a new task.
std::uint32_t next_thread();

// Any context.
void call_begin(std::uint32_t thread, std::uint16_t call);
void call_end(std::uint32_t thread, std::uint16_t call, std::int64_t result);
void door_enter(std::uint32_t caller, std::uint32_t server);
void door_leave(std::uint32_t caller, std::uint32_t server, DoorEnd end);
void switched(std::uint32_t from, std::uint32_t to, Left why);
void ready(std::uint32_t thread, std::uint32_t by);
void sample(std::uint32_t thread, std::uint64_t process, std::uint16_t in,
            std::span<const std::uint64_t> functions);

// Of the running CPU, with interrupts off, while it samples.
/// When the next sample is due.
std::uint64_t next_sample();
/// Whether that time has come.
bool is_sample_due();

// Where no spin lock is held and the console may be waited for.
/// Sent at once: no other CPU's records of a thread come before those that say whose it is.
void process(std::uint64_t id, std::string_view name);
void thread(std::uint32_t thread, std::uint64_t process);
/// Lines "BEGIN SIZE NAME", numbers in hex, of code that is about to run. What was sampled of code that lay
/// there before is sent before them.
void code_names(std::string_view lines);
/// Sends what this CPU has recorded.
void flush();
/// If it is much.
void flush_if_full();

}  // namespace nebulet::kernel::trace
