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
  std::printf("1..%d\n", number);
  return failures != 0;
}
