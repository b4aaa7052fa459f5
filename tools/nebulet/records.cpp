// SPDX-License-Identifier: MIT
#include "tools/nebulet/records.h"

#include <algorithm>
#include <cstring>

namespace nebulet::tool {
namespace {

namespace trace = kernel::trace;
constexpr std::uint32_t kMaxCpus = 64;

/// How many records follow this one.
std::size_t followers_of(const Record& record) {
  if (record.kind == trace::Kind::process) return (record.detail + sizeof(Record) - 1) / sizeof(Record);
  if (record.kind == trace::Kind::sample) return (record.detail + trace::kAddresses - 1) / trace::kAddresses;
  return 0;
}

}  // namespace

void RecordReader::take(std::span<const std::byte> packet, std::span<RecordConsumer* const> consumers) {
  trace::PacketHead head;
  if (packet.size() < sizeof head) return;
  std::memcpy(&head, packet.data(), sizeof head);
  packet = packet.subspan(sizeof head);
  if (head.cpu >= kMaxCpus || packet.size() % sizeof(Record) != 0) return;
  Cpu& cpu = cpus_[head.cpu];
  for (; !packet.empty(); packet = packet.subspan(sizeof(Record))) {
    if (cpu.missing != 0) {
      cpu.rest.insert(cpu.rest.end(), packet.begin(), packet.begin() + sizeof(Record));
      if (--cpu.missing == 0) finish(cpu, consumers);
      continue;
    }
    std::memcpy(&cpu.head, packet.data(), sizeof(Record));
    cpu.rest.clear();
    cpu.missing = followers_of(cpu.head);
    if (cpu.missing != 0) continue;
    if (cpu.head.kind == trace::Kind::process || cpu.head.kind == trace::Kind::sample) {
      finish(cpu, consumers);
    } else {
      for (RecordConsumer* consumer : consumers) consumer->take_record(head.cpu, cpu.head);
    }
  }
}

void RecordReader::finish(const Cpu& cpu, std::span<RecordConsumer* const> consumers) {
  if (cpu.head.kind == trace::Kind::process) {
    const std::string name(reinterpret_cast<const char*>(cpu.rest.data()), cpu.head.detail);
    for (RecordConsumer* consumer : consumers) consumer->take_process(cpu.head.value, name);
    return;
  }
  std::vector<std::uint64_t> functions(cpu.head.detail);
  std::memcpy(functions.data(), cpu.rest.data(), functions.size() * sizeof(std::uint64_t));
  for (RecordConsumer* consumer : consumers) consumer->take_sample(cpu.head, functions);
}

}  // namespace nebulet::tool
