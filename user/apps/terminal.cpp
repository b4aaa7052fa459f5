// SPDX-License-Identifier: MIT
// A keyboard and a screen, each with a driver in a process of its own that has its own device and nothing
// else: what is typed appears. Run with --devices and the drivers' folder as /drivers. Escape ends it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "user/sdk/devices.h"
#include "user/sdk/driver.h"

namespace {

using namespace nebulet::sdk;

constexpr std::uint64_t kDriverMemory = 4 << 20;
constexpr char kEscape = 033;

[[noreturn]] void fail(const char* what, Result status) {
  std::fprintf(stderr, "terminal: %s: error %d\n", what, static_cast<int>(status));
  std::exit(1);
}
nb_handle_t checked(const char* what, Result result) {
  if (result < 0) fail(what, result);
  return static_cast<nb_handle_t>(result);
}

/// The root of all resources; the program ends without it.
nb_handle_t devices() {
  const nb_handle_t root = root_resource();
  if (root == 0) {
    std::fputs("terminal: it has no devices; run it with --devices\n", stderr);
    std::exit(1);
  }
  return root;
}

/// A part of the root that can only be read and written.
nb_handle_t part(nb_resource_kind_t kind, std::uint64_t base, std::uint64_t count) {
  const nb_handle_t made = checked("a part of the devices", nb_resource_create(devices(), kind, base, count));
  return checked("fewer rights", nb_handle_replace(made, NB_RIGHT_READ | NB_RIGHT_WRITE | NB_RIGHT_TRANSFER));
}

std::vector<char> read_file(const char* path) {
  std::vector<char> bytes;
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) {
    std::perror(path);
    std::exit(1);
  }
  char piece[4096];
  while (const std::size_t count = std::fread(piece, 1, sizeof piece, file))
    bytes.insert(bytes.end(), piece, piece + count);
  std::fclose(file);
  return bytes;
}

nb_handle_t start_driver(const char* name, std::vector<nb_handle_t> handles) {
  const std::vector<char> bytes = read_file((std::string("/drivers/") + name + ".wasm").c_str());
  char message[200] = {};
  const Result module = nb_module_create(bytes.data(), bytes.size(), message, sizeof message);
  if (module < 0) fail(message, module);
  const nb_handle_t process = checked("a process", nb_process_create(name, std::strlen(name), kDriverMemory));
  const Result added =
      nb_process_add(process, checked(name, module), name, std::strlen(name), message, sizeof message);
  if (added < 0) fail(message, added);
  checked(name, nb_process_start(process, "run", 3, handles.data(), handles.size(), nullptr, 0));
  nb_handle_close(checked(name, module));
  return process;
}

struct Pipe {
  nb_handle_t reader, writer;
};
Pipe make_pipe() {
  nb_handle_t ends[2];
  checked("a stream", nb_stream_create(4096, ends, 2));
  return {ends[0], ends[1]};
}

}  // namespace

int main() {
  const Pipe typed = make_pipe(), shown = make_pipe();
  const nb_handle_t lines =
      checked("interrupt lines", nb_resource_create(devices(), NB_RESOURCE_KIND_INTERRUPTS, 0, 24));
  const nb_handle_t interrupt =
      checked("the keyboard's interrupt", nb_interrupt_create(lines, 1, NB_INTERRUPT_TRIGGER_ISA));
  const nb_handle_t drivers[] = {
      start_driver("ps2_keyboard", {part(NB_RESOURCE_KIND_PORTS, 0x60, 5), interrupt, typed.writer}),
      start_driver("vga_text", {part(NB_RESOURCE_KIND_REGISTERS, 0xb8000, 4000),
                                part(NB_RESOURCE_KIND_PORTS, 0x3d4, 2), shown.reader})};

  const Stream keyboard(typed.reader), screen(shown.writer);
  screen.write("Nebulet. Type; Escape ends it.\n");
  std::puts("ready");
  std::fflush(stdout);
  char text[64];
  while (const std::size_t count = keyboard.read(text, sizeof text)) {
    const std::string_view all(text, count);
    const std::size_t end = all.find(kEscape);
    if (!screen.write(all.substr(0, end))) break;
    if (end != all.npos) {
      for (const nb_handle_t driver : drivers) nb_process_kill(driver);
      return 0;
    }
  }
  std::fputs("terminal: a driver has ended\n", stderr);
  return 1;
}
