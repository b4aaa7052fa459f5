// SPDX-License-Identifier: MIT
#include "tools/nebulet/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace nebulet::tool {

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

Result<std::vector<std::byte>> read_all(int fd, const std::string& name, std::size_t expected) {
  std::vector<std::byte> bytes;
  std::size_t used = 0;
  for (;;) {
    bytes.resize(used == 0 ? expected + 1 : used + used / 2 + 65536);
    const ssize_t n = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("{}: {}", name, std::strerror(errno));
    used += static_cast<std::size_t>(n);
    if (n == 0) break;
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail("{}: {}", path, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail("{}: {}", path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return fail("{}: is a directory, not a file", path);
  return read_all(file.get(), path, static_cast<std::size_t>(status.st_size));
}

Result<std::vector<std::byte>> read_module(const std::string& path) {
  if (path == "-" && ::isatty(0))
    return fail("-: standard input is a terminal; send it a module: nebulet run - <FILE.wasm");
  auto bytes = TRY(path == "-" ? read_all(0, "standard input", 0) : read_file(path));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(std::string_view("\0asm\x0d\0\1\0", 8)))
    return fail("{}: a component, not a module; compile the program for wasm32-wasip1, WASI preview 1", path);
  if (text.starts_with("NBCODE"))
    return fail("{}: a code file; run the module that it was made of: --code {} FILE.wasm", path, path);
  if (text.starts_with("\x7f"
                       "ELF"))
    return fail("{}: a program for Linux; compile it for wasm32-wasi", path);
  const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  if (text.substr(begin).starts_with("(module") || text.substr(begin).starts_with(";;"))
    return fail("{}: WebAssembly text; assemble it first: wat2wasm {} -o FILE.wasm", path, path);
  return bytes;
}

Result<> write_file(const std::string& path, std::span<const std::byte> bytes) {
  // A device or a pipe is written to, and never replaced.
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0 || !write_all(file.get(), bytes.data(), bytes.size()))
      return fail("{}: {}", path, std::strerror(errno));
    return {};
  }
  // Whole or not at all: another process may be reading it.
  const std::string part = path + ".part";
  Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0 || !write_all(file.get(), bytes.data(), bytes.size()) ||
      ::rename(part.c_str(), path.c_str()) != 0) {
    return fail("{}: {}", path, std::strerror(errno));
  }
  return {};
}

bool write_all(int fd, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size != 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

Result<Installation> Installation::locate() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("cannot tell where this program lies: {}", error.message());
  // build/host-release/tools/nebulet/nebulet
  const auto root = self.parent_path().parent_path().parent_path().parent_path().parent_path();
  Installation found;
  found.root = root.string();
  found.hosted_kernel = (root / "build/host-release/machine/hosted/nebulet-hosted").string();
  found.kernel = (root / "build/kernel-release/machine/x86_64/nebulet.elf").string();
  found.wasi = (root / "build/wasm/user/wasi/wasi.wasm").string();
  found.wasi_code = found.wasi + ".code";
  found.init = (root / "build/wasm/user/init/init.wasm").string();
  found.init_code = found.init + ".code";
  return found;
}

std::string Installation::module(std::string_view name) const {
  if (name.contains('/')) return {};
  for (const char* const folder : {"services", "drivers"}) {
    std::string path = std::format("{}/build/wasm/user/{}/{}.wasm", root, folder, name);
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  return {};
}

Result<> Installation::require(std::initializer_list<std::string> paths) const {
  for (const std::string& path : paths) {
    if (::access(path.c_str(), R_OK) != 0)
      return fail("{}: {}; {}/nebulet build makes it", path, std::strerror(errno), root);
  }
  return {};
}

}  // namespace nebulet::tool
