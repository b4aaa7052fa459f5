// SPDX-License-Identifier: MIT
#include "tools/nebulet/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace nebulet::tool {

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::vector<std::byte>> read_file(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail("{}: {}", path, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail("{}: {}", path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return fail("{}: is a directory, not a WebAssembly module", path);
  std::vector<std::byte> bytes;
  std::size_t used = 0;
  for (;;) {
    bytes.resize(used + (used == 0 ? static_cast<std::size_t>(status.st_size) + 1 : 65536));
    const ssize_t n = ::read(file.get(), bytes.data() + used, bytes.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("{}: {}", path, std::strerror(errno));
    used += static_cast<std::size_t>(n);
    if (n == 0) break;
  }
  bytes.resize(used);
  return bytes;
}

Result<> write_file(const std::string& path, std::span<const std::byte> bytes) {
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
  return found;
}

}  // namespace nebulet::tool
