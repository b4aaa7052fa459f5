// SPDX-License-Identifier: MIT
// What a kernel, hosted or in a virtual machine, tells the tool itself: results of an invoked function, how
// far it is, and what goes to files for those who look inside.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tools/nebulet/core_file.h"
#include "tools/nebulet/link.h"
#include "tools/nebulet/options.h"
#include "tools/nebulet/profile_file.h"
#include "tools/nebulet/progress.h"
#include "tools/nebulet/records.h"
#include "tools/nebulet/trace_file.h"

namespace nebulet::tool {

class Messages {
 public:
  /// Begins the files that `options` ask for.
  Result<> open(const RunOptions& options);
  /// False: the packet is of another kind.
  bool take(Packet kind, std::span<const std::byte> payload);
  Progress& progress() { return progress_; }
  /// Ends the files, whatever became of the kernel. Fails if one could not be written.
  Result<> finish();

 private:
  void take_results(std::string_view text);
  Progress progress_;
  std::string line_;  ///< of results, as far as it came
  RecordReader reader_;
  std::optional<TraceFile> trace_;
  std::optional<ProfileFile> profile_;
  std::vector<RecordConsumer*> consumers_;
  std::optional<CoreFile> core_;
};

}  // namespace nebulet::tool
