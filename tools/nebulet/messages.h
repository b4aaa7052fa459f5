// SPDX-License-Identifier: MIT
// What a kernel, hosted or in a virtual machine, tells the tool itself: results of an invoked function, and
// how far it is.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "tools/nebulet/link.h"
#include "tools/nebulet/progress.h"

namespace nebulet::tool {

class Messages {
 public:
  /// False: the packet is of another kind.
  bool take(Packet kind, std::span<const std::byte> payload);
  Progress& progress() { return progress_; }

 private:
  void take_results(std::string_view text);
  Progress progress_;
  std::string line_;  ///< of results, as far as it came
};

}  // namespace nebulet::tool
