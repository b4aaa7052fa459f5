// SPDX-License-Identifier: MIT
#include "tools/nebulet/cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <vector>

#include "base/result.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/files.h"
#include "wasm/object/code_file.h"
#include "wasm/object/sha256.h"

namespace nebulet::tool {
namespace {

namespace fs = std::filesystem;

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) text += std::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}

}  // namespace

std::optional<CodeCache> CodeCache::of_user() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  if (std::getenv("NEBULET_CACHE") != nullptr) {
    const std::string folder = variable("NEBULET_CACHE");
    return folder.empty() ? std::nullopt : std::optional(CodeCache(folder));
  }
  // XDG Base Directory Specification: a relative path is no path.
  if (const std::string cache = variable("XDG_CACHE_HOME"); cache.starts_with("/"))
    return CodeCache(fs::path(cache) / "nebulet");
  const std::string home = variable("HOME");
  return home.starts_with("/") ? std::optional(CodeCache(fs::path(home) / ".cache/nebulet")) : std::nullopt;
}

fs::path CodeCache::path_of(std::span<const std::byte> program) const {
  const auto compiler = wasm::compiler_id();
  return folder_ / hex(compiler.first(8)) / (hex(wasm::sha256(program)) + ".code");
}

std::optional<std::string> CodeCache::find(std::span<const std::byte> program) const {
  const fs::path path = path_of(program);
  const auto file = read_file(path.string());
  if (!file || !wasm::check_code_file(*file, program)) return std::nullopt;
  std::error_code ignored;  // the file is only removed earlier than it should be
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  return path.string();
}

Result<std::string> CodeCache::put(std::span<const std::byte> program,
                                   std::span<const std::byte> code) const {
  const fs::path path = path_of(program);
  std::error_code error;
  // Whoever can write here can change what programs compute.
  if (!fs::exists(folder_, error)) {
    fs::create_directories(folder_, error);
    fs::permissions(folder_, fs::perms::owner_all, error);
  }
  fs::create_directories(path.parent_path(), error);
  if (error) return fail("{}: {}", path.parent_path().string(), error.message());
  // Another process may put the same program there now.
  const std::string part = std::format("{}.{}", path.string(), ::getpid());
  TRY(write_file(part, code));
  fs::rename(part, path, error);
  if (error) return fail("{}: {}", path.string(), error.message());
  prune(path);
  return path.string();
}

void CodeCache::prune(const fs::path& keep) const {
  struct Entry {
    fs::file_time_type used;
    std::uintmax_t bytes;
    fs::path path;
  };
  std::vector<Entry> entries;
  std::uintmax_t all = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (!at->is_regular_file(gone)) continue;
    const std::uintmax_t bytes = at->file_size(gone);
    const fs::file_time_type used = at->last_write_time(gone);
    if (gone) continue;
    all += bytes;
    if (at->path() != keep) entries.push_back({used, bytes, at->path()});
  }
  std::ranges::sort(entries, {}, &Entry::used);
  for (const Entry& entry : entries) {
    if (all <= most_bytes_) break;
    std::error_code gone;
    fs::remove(entry.path, gone);
    all -= entry.bytes;
  }
}

std::string cached_code(std::span<const std::byte> program, const std::string& name) {
  const auto cache = CodeCache::of_user();
  if (!cache || program.size() < CodeCache::kLeastModule) return {};
  if (auto found = cache->find(program)) return *found;
  const auto code = compile_bytes(program, name);
  if (!code) return {};  // the kernel says why
  return cache->put(program, *code).value_or("");
}

}  // namespace nebulet::tool
