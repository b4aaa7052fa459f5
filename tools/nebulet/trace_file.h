// SPDX-License-Identifier: MIT
// A file of trace events, written while the kernel runs: the Trace Event Format that Perfetto and
// chrome://tracing open (docs/reference/insight.md says what is in it).
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "tools/nebulet/error.h"
#include "tools/nebulet/records.h"

namespace nebulet::tool {

class TraceFile final : public RecordConsumer {
 public:
  /// Begins the file.
  static Result<TraceFile> create(const std::string& path);
  void take_process(std::uint64_t id, const std::string& name) override;
  void take_record(std::uint32_t cpu, const Record& record) override;
  void take_sample(const Record&, std::span<const std::uint64_t>) override {}
  void take_names(std::string_view) override {}
  /// Ends the file. Fails if it could not be written.
  Result<> finish();

 private:
  struct Cpu {
    bool named = false;
    std::uint32_t running = 0;
  };
  struct Thread {
    std::uint64_t process = 0;
    std::uint64_t number = 0;  ///< in the process, from 1 on
    bool named = false;
  };
  struct Process {
    std::string name;
    std::uint64_t threads = 0;
  };
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  TraceFile(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  void take_run(std::uint32_t index, const Record& record);
  void take_door(const Record& record);
  void take_call(const Record& record);
  void put(std::string_view event);
  /// `fields` go behind what all events have: phase, time, and the track.
  void put(char phase, std::uint64_t time, std::uint64_t process, std::uint64_t thread,
           std::string_view fields);
  void put_name(std::string_view what, std::uint64_t process, std::uint64_t thread, std::string_view name);
  void put_on(char phase, std::uint64_t time, std::uint32_t thread, std::string_view fields);
  Thread& thread(std::uint32_t number);
  std::string thread_name(std::uint32_t number);
  std::uint64_t track_of(const Thread& thread) const;

  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  bool is_first_ = true;
  std::uint64_t lost_ = 0;
  std::uint64_t flows_ = 0;
  std::map<std::uint32_t, Cpu> cpus_;
  std::map<std::uint32_t, Thread> threads_;
  std::map<std::uint64_t, Process> processes_;
};

}  // namespace nebulet::tool
