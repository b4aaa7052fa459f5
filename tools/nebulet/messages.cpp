// SPDX-License-Identifier: MIT
#include "tools/nebulet/messages.h"

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/invoke.h"

namespace nebulet::tool {

Result<> Messages::open(const RunOptions& options) {
  if (!options.trace_file.empty()) {
    trace_ = TRY(TraceFile::create(options.trace_file));
    consumers_.push_back(&*trace_);
  }
  if (!options.profile_file.empty()) {
    profile_ = TRY(ProfileFile::create(options.profile_file));
    consumers_.push_back(&*profile_);
  }
  if (!options.core_file.empty()) core_.emplace(options.core_file);
  return {};
}

Result<> Messages::finish() {
  Result<> traced, profiled, dumped;
  if (trace_) traced = trace_->finish();
  if (profile_) profiled = profile_->finish();
  if (core_) dumped = core_->finish();
  return !traced ? traced : !profiled ? profiled : dumped;
}

bool Messages::take(Packet kind, std::span<const std::byte> payload) {
  const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (kind == Packet::results) {
    progress_.clear();
    take_results(text);
  } else if (kind == Packet::progress) {
    text == "\n" ? progress_.clear() : progress_.say(text);
  } else if (kind == Packet::trace) {
    reader_.take(payload, consumers_);
  } else if (kind == Packet::names) {
    for (RecordConsumer* consumer : consumers_) consumer->take_names(text);
  } else if (kind == Packet::core) {
    if (core_) core_->take(payload);
  } else {
    return false;
  }
  return true;
}

void Messages::take_results(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != '\n') {
      line_ += c;
      continue;
    }
    out += format_result(line_) + '\n';
    line_.clear();
  }
  write_all(1, out.data(), out.size());
}

}  // namespace nebulet::tool
