// SPDX-License-Identifier: MIT
#include "tools/nebulet/image.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/result.h"
#include "tools/nebulet/child.h"
#include "tools/nebulet/command_line.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/initfs.h"
#include "tools/nebulet/system.h"

namespace nebulet::tool {
namespace {

namespace fs = std::filesystem;

/// A directory that disappears with this.
class Scratch {
 public:
  static Result<Scratch> make() {
    std::string path = (fs::temp_directory_path() / "nebulet-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
      return fail("cannot make a directory like {}: {}; set TMPDIR to a place that can be written", path,
                  std::strerror(errno));
    return Scratch(std::move(path));
  }
  Scratch(Scratch&& other) : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;  // what stays in /tmp harms nobody
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// The boot archive. The kernel reads `command-line` behind what the boot loader gave it. A system's program
/// is init.
Result<std::vector<std::byte>> make_archive(const RunOptions& run, const Installation& installation) {
  const std::string line = kernel_command_line(run);
  InitfsWriter writer;
  writer.add("command-line", std::as_bytes(std::span(line)));
  if (run.system) {
    writer.add("program", TRY(read_file(installation.init)));
    writer.add("program.code", TRY(read_file(installation.init_code)));
    writer.add("initfs", TRY(make_system_initfs(*run.system, true)));
  } else {
    const auto program = TRY(read_module(run.file));
    writer.add("program", program);
    writer.add("program.code", TRY(compile_bytes(program, run.file)));
  }
  writer.add("wasi", TRY(read_file(installation.wasi)));
  writer.add("wasi.code", TRY(read_file(installation.wasi_code)));
  return writer.finish();
}

/// Runs a script that writes the file `output`; what it complains about becomes the error.
Result<> run_script(const std::vector<std::string>& command, const std::string& output) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
  Descriptor from_child(pipe[0]), to_parent(pipe[1]);
  Child child = TRY(Child::start(command, {.out = to_parent.get(), .err = to_parent.get()}));
  to_parent.reset();
  std::string said;
  char buffer[4096];
  for (ssize_t n; (n = ::read(from_child.get(), buffer, sizeof buffer)) != 0;) {
    if (n > 0) said.append(buffer, static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  while (said.ends_with('\n')) said.pop_back();
  return fail("build --output {}: {}", output, said.empty() ? "the script " + command[0] + " failed" : said);
}

Result<> write_folder(const BuildOptions& options, const Installation& installation,
                      std::span<const std::byte> archive) {
  std::error_code error;
  fs::create_directories(options.output, error);
  if (error) return fail("build --output {}: {}", options.output, error.message());
  const auto kernel = TRY(read_file(installation.kernel));
  const std::string base = options.output + "/";
  TRY(write_file(base + "nebulet.elf", kernel));
  TRY(write_file(base + "initfs.cpio", archive));
  std::printf(
      "qemu-system-x86_64 -machine q35 -cpu max -m 512M -nodefaults -display none -serial stdio -no-reboot "
      "-kernel %snebulet.elf -initrd %sinitfs.cpio\n",
      base.c_str(), base.c_str());
  return {};
}

/// By an image of that name with `.part`, so that a failure leaves no half of one.
Result<> write_image(const BuildOptions& options, const Installation& installation,
                     std::span<const std::byte> archive) {
  const std::string part = options.output + ".part";
  const Scratch scratch = TRY(Scratch::make());
  const std::string initfs = scratch.file("initfs");
  TRY(write_file(initfs, archive));
  const bool iso = options.format == ImageFormat::iso;
  const auto done = run_script({installation.root + (iso ? "/tools/mkiso.sh" : "/tools/mkdisk.sh"),
                                installation.kernel, part, iso ? "initfs=" + initfs : initfs},
                               options.output);
  std::error_code error;
  if (done) fs::rename(part, options.output, error);
  if (done && !error) return {};
  std::error_code ignored;  // there may be none
  fs::remove(part, ignored);
  return done ? fail("build --output {}: {}", options.output, error.message()) : done;
}

}  // namespace

Result<> build_image(const BuildOptions& options) {
  const Installation installation = TRY(Installation::locate());
  TRY(installation.require({installation.kernel, installation.wasi, installation.wasi_code}));
  if (options.run.system) TRY(installation.require({installation.init, installation.init_code}));
  if (options.format != ImageFormat::elf) {
    // Before the long part.
    const std::string folder = fs::path(options.output).parent_path().string();
    if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0)
      return fail("build --output {}: {}", options.output, std::strerror(errno));
    std::error_code error;
    if (fs::is_directory(options.output, error))
      return fail("build --output {}: is a directory", options.output);
  }
  const auto archive = TRY(make_archive(options.run, installation));
  return options.format == ImageFormat::elf ? write_folder(options, installation, archive)
                                            : write_image(options, installation, archive);
}

}  // namespace nebulet::tool
