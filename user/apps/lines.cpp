// SPDX-License-Identifier: MIT
// Two lines, a second serial port (0x2f8, ISA interrupt 3) and a virtio console, each with a driver in a
// process of its own: sends back what comes, until an end of transmission (4) came by each. Run with
// --devices and the drivers' folder as /drivers.
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "user/sdk/event_loop.h"
#include "user/sdk/virtio.h"

namespace {

using namespace nebulet;
using namespace nebulet::sdk;

struct Line {
  nb_handle_t process;
  Pipe sent, came;
};

int g_open = 0;

void echo(EventLoop& loop, Line& line) {
  constexpr char kEnd = 4;
  ++g_open;
  struct Context {
    EventLoop& loop;
    Line& line;
    std::size_t source;
  };
  auto& context = *new Context{loop, line, 0};
  context.source = loop.add(
      line.came.reader, NB_SIGNAL_READABLE,
      [](void* raw, std::uint32_t) {
        auto& [its_loop, its_line, source] = *static_cast<Context*>(raw);
        std::array<char, 256> bytes;
        const std::string_view text(bytes.data(),
                                    Stream(its_line.came.reader).read(bytes.data(), bytes.size()));
        Stream(its_line.sent.writer).write(text);
        if (text.find(kEnd) == text.npos) return;
        its_loop.set_mask(source, 0);
        nb_handle_close(its_line.sent.writer);  // the driver sends the rest and ends
        nb_object_wait(its_line.process, NB_SIGNAL_TERMINATED, kForever);
        if (--g_open == 0) its_loop.stop();
      },
      &context);
}

}  // namespace

int main() {
  static EventLoop loop;
  static std::vector<Line> lines;
  lines.reserve(2);
  const nb_handle_t interrupts =
      checked("interrupt lines", nb_resource_create(root_resource(), NB_RESOURCE_KIND_INTERRUPTS, 0, 24));
  const nb_handle_t interrupt =
      checked("its interrupt", nb_interrupt_create(interrupts, 3, NB_INTERRUPT_TRIGGER_ISA));
  Pipe sent = make_pipe(), came = make_pipe();
  lines.push_back(
      {start_process("serial", "/drivers/serial.wasm", 4 << 20,
                     {device_part(NB_RESOURCE_KIND_PORTS, 0x2f8, 8), interrupt, sent.reader, came.writer}),
       sent, came});
  for (const Hardware& device : find_virtio()) {
    if (device.virtio != virtio::Type::console) continue;
    sent = make_pipe();
    came = make_pipe();
    lines.push_back({start_virtio_driver(device, "virtio_console", "/drivers/virtio_console.wasm",
                                         {sent.reader, came.writer}),
                     sent, came});
  }
  for (Line& line : lines) echo(loop, line);
  std::printf("%d lines\n", g_open);
  std::fflush(stdout);
  loop.run();
  return 0;
}
