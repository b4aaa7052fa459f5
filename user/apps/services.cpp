// SPDX-License-Identifier: MIT
// File systems that are processes: several programs share one, its quota holds, its end costs only itself.
// Reports in TAP (testanything.org); has the services' modules in /services. With an argument it is the
// child that the argument says, and an ordinary program with files in /shared.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/process.h"

namespace {

using nebulet::sdk::Startup;

constexpr std::uint64_t kMemory = 16 << 20;
constexpr std::int64_t kRefused = 1ll << 62;
constexpr std::uint64_t kLong = 20'000 * 1'000'000ull;

// The children.

int write_file() {
  const int fd = open("/shared/a", O_CREAT | O_EXCL | O_WRONLY, 0666);
  if (fd < 0) return 10;
  if (write(fd, "one", 3) != 3 || close(fd) != 0) return 11;
  return mkdir("/shared/folder", 0777) == 0 && rename("/shared/a", "/shared/folder/b") == 0 ? 0 : 12;
}

int append_and_list() {
  const int fd = open("/shared/folder/b", O_WRONLY | O_APPEND);
  if (fd < 0) return 10;
  if (write(fd, "two", 3) != 3 || close(fd) != 0) return 11;
  DIR* directory = opendir("/shared/folder");
  if (directory == nullptr) return 12;
  int names = 0;
  while (const dirent* entry = readdir(directory)) names += entry->d_name[0] == 'b';
  closedir(directory);
  return names == 1 ? 0 : 13;
}

/// Reads what it is told was written meanwhile, by the descriptor that it has had all the time.
int watch() {
  char text[8] = {}, byte = 0;
  const int fd = open("/shared/folder/b", O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text) != 3) return 10;
  if (write(1, "?", 1) != 1 || read(0, &byte, 1) != 1) return 11;
  if (read(fd, text, sizeof text) != 3 || text[0] != 't') return 12;
  struct stat status;
  if (fstat(fd, &status) != 0 || status.st_size != 6) return 13;
  // The service ends, and then the input.
  if (write(1, "?", 1) != 1 || read(0, &byte, 1) != 0) return 14;
  if (pread(fd, text, 1, 0) != -1 || errno != EIO) return 15;
  if (open("/shared/folder", O_RDONLY) != -1 || errno != EIO) return 16;
  if (close(fd) != 0) return 17;
  const int other = open("/other/file", O_CREAT | O_RDWR, 0666);
  return other >= 0 && write(other, "x", 1) == 1 ? 0 : 18;
}

int fill() {
  const int fd = open("/shared/large", O_CREAT | O_WRONLY, 0666);
  const std::vector<char> piece(10000, 'x');
  std::size_t done = 0;
  while (true) {
    const ssize_t count = write(fd, piece.data(), piece.size());
    if (count < 0) break;
    done += static_cast<std::size_t>(count);
    if (done > 2 << 20) return 10;
  }
  if (errno != ENOSPC || done < 500'000) return 11;
  return unlink("/shared/large") == 0 ? 0 : 12;
}

int across() {
  const int fd = open("/shared/x", O_CREAT | O_WRONLY, 0666);
  if (fd < 0) return 10;
  if (rename("/shared/x", "/other/x") != -1 || errno != EXDEV) return 11;
  struct stat here, there;
  if (stat("/shared/x", &here) != 0 || stat("/other", &there) != 0) return 12;
  return here.st_dev != there.st_dev ? 0 : 13;
}

int read_archive() {
  char text[16] = {};
  int fd = open("/shared/link", O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text) != 5 || std::string_view(text) != "hello") return 10;
  if (write(fd, "x", 1) != -1 || errno != EBADF || ftruncate(fd, 0) == 0) return 11;
  close(fd);
  if (open("/shared/dir/hello", O_WRONLY) != -1 || errno != EROFS) return 12;
  if (open("/shared/dir/new", O_CREAT | O_WRONLY, 0666) != -1 || errno != EROFS) return 13;
  if (unlink("/shared/dir/hello") != -1 || errno != EROFS || mkdir("/shared/x", 0777) != -1) return 14;
  if (rename("/shared/dir/hello", "/shared/y") != -1 || errno != EROFS) return 15;
  std::vector<char> large(400'000);
  fd = open("/shared/large", O_RDONLY);
  std::size_t size = 0;
  while (true) {
    const ssize_t count = read(fd, large.data() + size, large.size() - size);
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size != 300'000) return 16;
  for (std::size_t i = 0; i < size; i++)
    if (large[i] != static_cast<char>(i * 7)) return 17;
  std::string names;
  DIR* directory = opendir("/shared/dir");
  while (const dirent* entry = readdir(directory)) names += std::string(entry->d_name) + ' ';
  closedir(directory);
  if (names != ". .. hello sub ") return 18;
  struct stat status;
  if (stat("/shared/dir/sub", &status) != 0 || !S_ISDIR(status.st_mode)) return 19;
  // The other directory is a part of the same archive.
  return open("/other/file", O_RDONLY) >= 0 && open("/other/../link", O_RDONLY) == -1 ? 0 : 20;
}

int outside() {
  if (open("/shared/../services/memfs.wasm", O_RDONLY) != -1) return 10;
  if (open("/services/memfs.wasm", O_RDONLY) != -1) return 11;
  return open("/shared/../../etc/passwd", O_RDONLY) == -1 ? 0 : 12;
}

int run_child(const std::string& role) {
  if (role == "write") return write_file();
  if (role == "append") return append_and_list();
  if (role == "watch") return watch();
  if (role == "fill") return fill();
  if (role == "across") return across();
  if (role == "outside") return outside();
  if (role == "archive") return read_archive();
  return 99;
}

// The parent.

struct Service {
  nb_handle_t process, door;
};

/// memfs with a quota, and a door to it.
Service start_service(const char* bytes) {
  const auto service = static_cast<nb_handle_t>(nb_service_create());
  const auto door = static_cast<nb_handle_t>(nb_door_create(service, 0));
  Startup startup;
  startup.argument("memfs");
  startup.argument(bytes);
  startup.handle("service", service);
  const nb_handle_t module = nebulet::sdk::load_module("/services/memfs.wasm");
  return {nebulet::sdk::start_wasi("memfs", module, kMemory, startup), door};
}

nb_handle_t duplicate(nb_handle_t handle) {
  return static_cast<nb_handle_t>(
      nb_handle_duplicate(handle, NB_RIGHT_DUPLICATE | NB_RIGHT_TRANSFER | NB_RIGHT_TRANSACT));
}

nb_handle_t start(const char* role, Startup startup) {
  startup.argument("services");
  startup.argument(role);
  const auto module = static_cast<nb_handle_t>(nb_module_of("program", 7));
  return nebulet::sdk::start_wasi("child", module, kMemory, startup);
}
nb_handle_t start(const char* role, const Service& shared, const Service& other) {
  Startup startup;
  startup.preopen("/shared", duplicate(shared.door), "");
  startup.preopen("/other", duplicate(other.door), "");
  return start(role, startup);
}

bool exited(nb_handle_t process, int status) {
  nb_object_wait(process, NB_SIGNAL_TERMINATED, now() + kLong);
  const auto reason = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON);
  const auto code = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_CODE);
  nb_handle_close(process);
  if (reason != NB_END_REASON_EXITED || code != status)
    std::printf("# reason %d, code %d\n", static_cast<int>(reason), static_cast<int>(code));
  return reason == NB_END_REASON_EXITED && code == status;
}

bool comes(nb_handle_t reader) {
  char byte = 0;
  nb_object_wait(reader, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong);
  return nb_stream_read(reader, &byte, 1) == 1;
}

void protocol(const Service& service) {
  nb_handle_t session = 0, none = 0;
  check(nb_door_exchange(service.door, NB_FILE_REQUEST_CONNECT, 0, 0, 0, 0, 0, 0, &session, 1, ~0ull) == 0,
        "a service gives sessions");
  check(nb_door_exchange(service.door, NB_FILE_REQUEST_CONNECT, 0, 0, 0, 0, 0, 0, 0, 0, ~0ull) == kRefused,
        "not without a place for the door");
  check(
      nb_door_exchange(service.door, NB_FILE_REQUEST_MESSAGE, "x", 1, 0, 0, 0, 0, 0, 0, ~0ull) == kRefused &&
          nb_door_exchange(session, NB_FILE_REQUEST_CONNECT, 0, 0, 0, 0, 0, 0, &none, 1, ~0ull) == kRefused &&
          nb_door_exchange(session, 7, 0, 0, 0, 0, 0, 0, 0, 0, ~0ull) == kRefused,
      "messages go to sessions, and nothing else does");
  char reply[64];
  check(nb_door_exchange(session, NB_FILE_REQUEST_MESSAGE, "nonsense", 8, reply, sizeof reply, 0, 0, 0, 0,
                         ~0ull) >= 7,
        "nonsense is answered");
  nb_handle_close(session);
}

/// An entry of a cpio archive in the "newc" format (cpio(5)).
std::string entry(std::string_view name, unsigned mode, std::string_view content) {
  char header[111];
  std::snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0u, mode,
                0u, 0u, 1u, 0u, static_cast<unsigned>(content.size()), 0u, 0u, 0u, 0u,
                static_cast<unsigned>(name.size() + 1), 0u);
  std::string text = header + std::string(name) + '\0';
  text.resize((text.size() + 3) & ~3u);
  text += content;
  text.resize((text.size() + 3) & ~3u);
  return text;
}

/// initfs over these bytes. What it has to say goes to `errors`.
Service start_initfs(const std::string& archive, nb_handle_t errors) {
  const auto memory = static_cast<nb_handle_t>(nb_memory_create(archive.size()));
  nb_memory_write(memory, 0, archive.data(), archive.size());
  const auto service = static_cast<nb_handle_t>(nb_service_create());
  const auto door = static_cast<nb_handle_t>(nb_door_create(service, 0));
  Startup startup;
  startup.argument("initfs");
  startup.handle("service", service);
  startup.handle("archive", memory);
  startup.standard(2, errors);
  const nb_handle_t module = nebulet::sdk::load_module("/services/initfs.wasm");
  return {nebulet::sdk::start_wasi("initfs", module, kMemory, startup), door};
}

void archives() {
  std::string large(300'000, '\0');
  for (std::size_t i = 0; i < large.size(); i++) large[i] = static_cast<char>(i * 7);
  const std::string good = entry("dir/hello", 0100644, "hello") + entry("dir/sub/file", 0100644, "") +
                           entry("link", 0120777, "dir/hello") + entry("large", 0100644, large);
  const std::string trailer = entry("TRAILER!!!", 0, "");
  const Service service = start_initfs(good + trailer, 0);
  Startup startup;
  startup.preopen("/shared", duplicate(service.door), "");
  startup.preopen("/other", duplicate(service.door), "dir/sub");
  check(exited(start("archive", startup), 0), "an archive is read-only files");
  nb_handle_close(service.door);
  check(exited(service.process, 0), "its service ends without doors");

  const std::string wrong[] = {good, entry("../up", 0100644, "x") + trailer,
                               entry("a", 0100644, "x") + entry("a/b", 0100644, "x") + trailer,
                               "070701 and nothing"};
  int refused = 0;
  for (const std::string& archive : wrong) {
    nb_handle_t lines[2];
    nb_stream_create(4096, lines, 2);
    const Service bad = start_initfs(archive, lines[1]);
    char text[200] = {};
    nb_object_wait(lines[0], NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong);
    nb_stream_read(lines[0], text, sizeof text - 1);
    refused += std::string_view(text).starts_with("initfs: `archive`: ") && exited(bad.process, 1);
    nb_handle_close(lines[0]);
    nb_handle_close(bad.door);
  }
  check(refused == 4, "what is no archive is refused, and why is said");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return run_child(argv[1]);
  const Service shared = start_service("1000000"), other = start_service("100000");
  protocol(shared);
  check(exited(start("write", shared, other), 0), "a program makes files");
  nb_handle_t questions[2], answers[2];
  nb_stream_create(4096, questions, 2);
  nb_stream_create(4096, answers, 2);
  Startup watching;
  watching.preopen("/shared", duplicate(shared.door), "");
  watching.preopen("/other", duplicate(other.door), "");
  watching.standard(0, answers[0]);
  watching.standard(1, questions[1]);
  const nb_handle_t watcher = start("watch", watching);
  check(comes(questions[0]), "another one reads them");
  check(exited(start("append", shared, other), 0), "a third one changes them");
  check(exited(start("fill", shared, other), 0), "all share the quota, and what is removed comes back");
  check(exited(start("fill", shared, other), 0), "each time");
  check(exited(start("across", shared, other), 0), "nothing is renamed between file systems");
  check(exited(start("outside", shared, other), 0), "what was not given does not exist");
  nb_stream_write(answers[1], "!", 1);
  check(comes(questions[0]), "what was open shows the change");
  check(nb_process_kill(shared.process) == 0, "a service is killed");
  nb_object_wait(shared.process, NB_SIGNAL_TERMINATED, now() + kLong);
  nb_handle_close(answers[1]);
  check(exited(watcher, 0), "whose files are EIO, and those of others are not");
  nb_handle_close(other.door);
  check(exited(other.process, 0), "a service without doors ends");
  archives();
  std::printf("1..%d\n", number);
  return failures != 0;
}
