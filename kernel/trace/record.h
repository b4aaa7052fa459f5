// SPDX-License-Identifier: MIT
// What the tracer writes: records of one size, which the host's tool turns into a file
// (docs/reference/insight.md).
#pragma once

#include <cstdint>
#include <type_traits>

namespace nebulet::kernel::trace {

enum class Kind : std::uint8_t {
  process = 1,     ///< `value` is its number; its name follows, `detail` bytes in as many records as it takes
  thread = 2,      ///< `thread` belongs to the process `value`; 0: the kernel's own
  call_begin = 3,  ///< `thread` makes the kernel call `call`
  call_end = 4,    ///< `value`: its result, negative: a status
  door_enter = 5,  ///< `thread` runs in the process and on the stack of the thread `value`
  door_leave = 6,  ///< `detail`: DoorEnd
  run = 7,         ///< the CPU runs `thread` (0: none) in place of `value` (0: none); `detail`: Left
  ready = 8,       ///< `thread` can run; `value` is who saw to it (0: no thread)
  lost = 9,        ///< `value` records are missing here: there was no room
  sample = 10,  ///< `thread` of the process `value` was seen; `detail`: how many functions follow, innermost
                ///< first, three addresses in a record. `call` as SampledIn has it
};

/// Where a sample's thread was: in wasm code, in the kernel call of this number, or elsewhere.
enum SampledIn : std::uint16_t { kInWasm = 0, kInKernel = 1, kBetweenInstances = 2 };

/// Why a thread does not run any more.
enum class Left : std::uint8_t { preempted, yielded, waits, ended };
enum class DoorEnd : std::uint8_t { returned, failed, unwound };

/// Of a CPU, in the order of time. Threads are numbered from 1 on.
struct Record {
  std::uint64_t time;  ///< monotonic, nanoseconds
  Kind kind;
  std::uint8_t detail;
  std::uint16_t call;
  std::uint32_t thread;
  std::uint64_t value;
};
static_assert(sizeof(Record) == 24 && std::has_unique_object_representations_v<Record>);

/// In front of the records of a packet.
struct PacketHead {
  std::uint32_t cpu;
  std::uint32_t records;
};

constexpr std::size_t kAddresses = sizeof(Record) / sizeof(std::uint64_t);
/// Functions of a sample.
constexpr std::size_t kMaxSampled = 96;
/// Names of processes are cut to this.
constexpr std::size_t kMaxName = 120;
/// A packet of the link has at most as many records.
constexpr std::size_t kMaxPacketRecords = 2048;

}  // namespace nebulet::kernel::trace
