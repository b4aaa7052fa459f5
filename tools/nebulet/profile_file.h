// SPDX-License-Identifier: MIT
// A profile: for each stack that was seen a line "OUTERMOST;…;INNERMOST COUNT", which flamegraph.pl,
// speedscope and others make graphs of.
#pragma once

#include <map>
#include <string>

#include "tools/nebulet/error.h"
#include "tools/nebulet/records.h"

namespace nebulet::tool {

class ProfileFile final : public RecordConsumer {
 public:
  /// Fails if the file cannot be written.
  static Result<ProfileFile> create(const std::string& path);
  /// Writes it.
  Result<> finish() const;

  void take_process(std::uint64_t id, const std::string& name) override { processes_[id] = name; }
  void take_record(std::uint32_t cpu, const Record& record) override;
  void take_sample(const Record& record, std::span<const std::uint64_t> functions) override;
  void take_names(std::string_view lines) override;

 private:
  explicit ProfileFile(std::string path) : path_(std::move(path)) {}
  struct Code {
    std::uint64_t size = 0;
    std::string name;
  };
  std::string name_of(std::uint64_t address) const;

  std::string path_;
  std::map<std::uint64_t, std::string> processes_;
  std::map<std::uint64_t, Code> code_;
  std::map<std::string, std::uint64_t> stacks_;
  std::uint64_t lost_ = 0;
};

}  // namespace nebulet::tool
