// SPDX-License-Identifier: MIT
// A keyboard and a screen, each with a driver in a process of its own that has its own device and nothing
// else: what is typed appears. Run with --devices and the drivers' folder as /drivers. Escape ends it.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "user/sdk/devices.h"
#include "user/sdk/process.h"

namespace {

using namespace nebulet::sdk;

constexpr std::uint64_t kDriverMemory = 4 << 20;
constexpr char kEscape = 033;

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

nb_handle_t start_driver(const std::string& name, std::vector<nb_handle_t> handles) {
  return start_process(name, "/drivers/" + name + ".wasm", kDriverMemory, std::move(handles));
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
