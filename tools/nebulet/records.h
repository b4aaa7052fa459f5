// SPDX-License-Identifier: MIT
// The records that a kernel sends of what it does (kernel/trace/record.h): from packets to whole ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernel/trace/record.h"

namespace nebulet::tool {

using kernel::trace::Record;

/// What files are made of.
class RecordConsumer {
 public:
  virtual ~RecordConsumer() = default;
  virtual void take_process(std::uint64_t id, const std::string& name) = 0;
  /// Any other kind but a sample.
  virtual void take_record(std::uint32_t cpu, const Record& record) = 0;
  /// `functions`: addresses, innermost first.
  virtual void take_sample(const Record& record, std::span<const std::uint64_t> functions) = 0;
  /// Lines "BEGIN SIZE NAME" of code that lies there from now on.
  virtual void take_names(std::string_view lines) = 0;
};

/// Names of processes and samples are longer than a record, and may be in two packets.
class RecordReader {
 public:
  /// A packet's payload. What cannot be one is dropped: the kernel's memory may be damaged.
  void take(std::span<const std::byte> packet, std::span<RecordConsumer* const> consumers);

 private:
  struct Cpu {
    Record head = {};
    std::size_t missing = 0;  ///< records that belong to `head`
    std::vector<std::byte> rest;
  };
  static void finish(const Cpu& cpu, std::span<RecordConsumer* const> consumers);
  std::map<std::uint32_t, Cpu> cpus_;
};

}  // namespace nebulet::tool
