// SPDX-License-Identifier: MIT
#include "tools/nebulet/profile_file.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "base/result.h"
#include "tools/nebulet/call_names.h"
#include "tools/nebulet/files.h"

namespace nebulet::tool {
namespace {

namespace trace = kernel::trace;

/// A frame as the format wants it: semicolons and line ends separate.
std::string frame(std::string name) {
  std::ranges::replace(name, ';', ':');
  std::ranges::replace(name, '\n', ' ');
  return name;
}

bool read_hex(std::string_view& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
  return true;
}

}  // namespace

Result<ProfileFile> ProfileFile::create(const std::string& path) {
  if (const auto written = write_file(path, {}); !written)
    return fail("run --profile folded:{}", written.error().message);
  return ProfileFile(path);
}

Result<> ProfileFile::finish() const {
  std::string text;
  for (const auto& [stack, count] : stacks_) text += std::format("{} {}\n", stack, count);
  if (lost_ != 0)
    std::fprintf(stderr, "nebulet: the profile lacks %llu samples, for which the kernel had no room\n",
                 static_cast<unsigned long long>(lost_));
  if (const auto written = write_file(path_, std::as_bytes(std::span(text))); !written)
    return fail("run --profile folded:{}", written.error().message);
  return {};
}

void ProfileFile::take_record(std::uint32_t, const Record& record) {
  if (record.kind == trace::Kind::lost) lost_ += record.value;
}

/// The kernel's frames have the ending of perf's, by which flame graphs colour them.
void ProfileFile::take_sample(const Record& record, std::span<const std::uint64_t> functions) {
  const auto process = processes_.find(record.value);
  std::string stack = process == processes_.end() ? "kernel" : frame(process->second);
  for (std::size_t i = functions.size(); i-- != 0;) stack += ';' + frame(name_of(functions[i]));
  switch (record.call) {
    case trace::kInWasm: break;
    case trace::kInKernel: stack += ";kernel_[k]"; break;
    case trace::kBetweenInstances: stack += ";runtime_[k]"; break;
    default: stack += ';' + call_name(record.call) + "_[k]"; break;
  }
  ++stacks_[stack];
}

void ProfileFile::take_names(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    std::uint64_t begin = 0, size = 0;
    if (!read_hex(line, begin) || !read_hex(line, size) || size == 0 || begin + size < begin) continue;
    // What lay there before is gone.
    auto old = code_.upper_bound(begin);
    if (old != code_.begin() && std::prev(old)->first + std::prev(old)->second.size > begin) --old;
    while (old != code_.end() && old->first < begin + size) old = code_.erase(old);
    code_[begin] = {size, std::string(line)};
  }
}

std::string ProfileFile::name_of(std::uint64_t address) const {
  auto found = code_.upper_bound(address);
  if (found == code_.begin()) return "?";
  --found;
  return address - found->first < found->second.size ? found->second.name : "?";
}

}  // namespace nebulet::tool
