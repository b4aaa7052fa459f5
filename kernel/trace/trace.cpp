// SPDX-License-Identifier: MIT
#include "kernel/trace/trace.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <span>

#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/link.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel::trace {

bool internal::traces = false;
std::uint64_t internal::period = 0;

namespace {

/// A CPU's records between two counters that only grow. Its own CPU writes, with interrupts off since their
/// handlers record too; one reader at a time sends.
struct Ring {
  static constexpr std::uint32_t kSize = 4096;
  std::array<Record, kSize> records;
  alignas(64) std::atomic<std::uint32_t> written = 0;
  std::uint64_t lost = 0;  ///< since the last record that found room
  std::uint64_t sample_at = 0;
  alignas(64) std::atomic<std::uint32_t> sent = 0;
  std::atomic<bool> sending = false;
  struct Packet {
    PacketHead head;
    std::array<Record, kMaxPacketRecords> records;
  } packet;  ///< of who has `sending`
};
static_assert(sizeof(Ring::Packet) <= machine::link::kMaxStreamPayload);  // whole in one packet

Ring* rings = nullptr;
std::uint32_t ring_count = 0;
std::atomic<std::uint32_t> threads = 0;

/// A record and what follows it: all or nothing, so that the reader of the file stays in step. With the
/// interrupts off. The time is taken here, so a ring's records are in order.
void write(Ring& ring, std::span<Record> records) {
  const std::uint32_t at = ring.written.load(std::memory_order_relaxed);
  // Acquire: the reader is done with what it has counted as sent.
  const std::uint32_t room = Ring::kSize - (at - ring.sent.load(std::memory_order_acquire));
  const std::uint32_t needed = static_cast<std::uint32_t>(records.size()) + (ring.lost != 0 ? 1 : 0);
  if (room < needed) {
    ++ring.lost;
    return;
  }
  std::uint32_t next = at;
  const std::uint64_t now = machine::monotonic_ns();
  if (ring.lost != 0) {
    ring.records[next++ % Ring::kSize] = {
        .time = now, .kind = Kind::lost, .detail = 0, .call = 0, .thread = 0, .value = ring.lost};
    ring.lost = 0;
  }
  records[0].time = now;
  for (const Record& record : records) ring.records[next++ % Ring::kSize] = record;
  ring.written.store(next, std::memory_order_release);  // pairs with send
}

void write(std::span<Record> records) {
  const machine::InterruptGuard interrupts;
  write(rings[machine::current_cpu()], records);
}

void write(Kind kind, std::uint32_t thread, std::uint64_t value, std::uint8_t detail = 0,
           std::uint16_t call = 0) {
  Record record = {.time = 0, .kind = kind, .detail = detail, .call = call, .thread = thread, .value = value};
  write({&record, 1});
}

/// Sends what was written so far. The caller has `sending`.
void send(Ring& ring, std::uint32_t cpu) {
  Ring::Packet& packet = ring.packet;
  const std::uint32_t end = ring.written.load(std::memory_order_acquire);
  for (std::uint32_t at = ring.sent.load(std::memory_order_relaxed); at != end;) {
    const std::uint32_t count = std::min<std::uint32_t>(end - at, packet.records.size());
    for (std::uint32_t i = 0; i < count; ++i) packet.records[i] = ring.records[(at + i) % Ring::kSize];
    packet.head = {.cpu = cpu, .records = count};
    at += count;
    ring.sent.store(at, std::memory_order_release);  // pairs with write
    machine::console_write(
        machine::ConsoleStream::trace,
        std::as_bytes(std::span(&packet, 1)).first(sizeof packet.head + count * sizeof(Record)));
  }
}

/// When it returns, everything was sent that the CPU had recorded before.
void send_all(std::uint32_t cpu) {
  while (rings[cpu].sending.exchange(true, std::memory_order_acquire)) machine::spin_hint();
  send(rings[cpu], cpu);
  rings[cpu].sending.store(false, std::memory_order_release);
}

}  // namespace

bool start(std::uint32_t cpus, bool traces, std::uint32_t samples) {
  rings = new (std::nothrow) Ring[cpus];
  if (rings == nullptr) return false;
  ring_count = cpus;
  internal::traces = traces;
  if (samples != 0) internal::period = 1'000'000'000 / samples;
  return true;
}

void finish() {
  for (std::uint32_t cpu = 0; cpu < ring_count; ++cpu) send_all(cpu);
}

void code_names(std::string_view lines) {
  finish();
  machine::console_write(machine::ConsoleStream::names, std::as_bytes(std::span(lines)));
}

std::uint64_t next_sample() {
  const std::uint64_t next = (machine::monotonic_ns() / internal::period + 1) * internal::period;
  return rings[machine::current_cpu()].sample_at = next;
}

bool is_sample_due() { return machine::monotonic_ns() >= rings[machine::current_cpu()].sample_at; }

void sample(std::uint32_t thread, std::uint64_t process, std::uint16_t in,
            std::span<const std::uint64_t> functions) {
  std::array<Record, 1 + kMaxSampled / kAddresses> records = {};
  const std::size_t count = std::min(functions.size(), kMaxSampled);
  records[0] = {.time = 0,
                .kind = Kind::sample,
                .detail = static_cast<std::uint8_t>(count),
                .call = in,
                .thread = thread,
                .value = process};
  std::memcpy(&records[1], functions.data(), count * sizeof(std::uint64_t));
  write(std::span(records).first(1 + (count + kAddresses - 1) / kAddresses));
}

std::uint32_t next_thread() { return threads.fetch_add(1, std::memory_order_relaxed) + 1; }

void process(std::uint64_t id, std::string_view name) {
  std::array<Record, 1 + kMaxName / sizeof(Record)> records = {};
  const std::size_t length = std::min(name.size(), kMaxName);
  records[0] = {.time = 0,
                .kind = Kind::process,
                .detail = static_cast<std::uint8_t>(length),
                .call = 0,
                .thread = 0,
                .value = id};
  std::memcpy(&records[1], name.data(), length);
  write(std::span(records).first(1 + (length + sizeof(Record) - 1) / sizeof(Record)));
  send_all(machine::current_cpu());
}

void thread(std::uint32_t thread, std::uint64_t process) {
  write(Kind::thread, thread, process);
  send_all(machine::current_cpu());
}

void call_begin(std::uint32_t thread, std::uint16_t call) {
  if (!is_on()) return;
  write(Kind::call_begin, thread, 0, 0, call);
}

void call_end(std::uint32_t thread, std::uint16_t call, std::int64_t result) {
  if (!is_on()) return;
  write(Kind::call_end, thread, static_cast<std::uint64_t>(result), 0, call);
}

void door_enter(std::uint32_t caller, std::uint32_t server) { write(Kind::door_enter, caller, server); }

void door_leave(std::uint32_t caller, std::uint32_t server, DoorEnd end) {
  write(Kind::door_leave, caller, server, static_cast<std::uint8_t>(end));
}

void switched(std::uint32_t from, std::uint32_t to, Left why) {
  write(Kind::run, to, from, static_cast<std::uint8_t>(why));
}

void ready(std::uint32_t thread, std::uint32_t by) { write(Kind::ready, thread, by); }

void flush() {
  const std::uint32_t cpu = machine::current_cpu();
  Ring& ring = rings[cpu];
  if (ring.written.load(std::memory_order_relaxed) == ring.sent.load(std::memory_order_relaxed)) return;
  if (ring.sending.exchange(true, std::memory_order_acquire)) return;  // another CPU does it
  send(ring, cpu);
  ring.sending.store(false, std::memory_order_release);
}

void flush_if_full() {
  const Ring& ring = rings[machine::current_cpu()];
  if (ring.written.load(std::memory_order_relaxed) - ring.sent.load(std::memory_order_relaxed) >
      Ring::kSize / 2)
    flush();
}

}  // namespace nebulet::kernel::trace
