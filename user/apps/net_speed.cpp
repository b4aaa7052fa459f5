// SPDX-License-Identifier: MIT
// How fast a network controller is through its driver: nanoseconds for each frame, as bench/devices wants
// them. A client under init like network.cpp, with a channel `link`.
#include "user/apps/network.h"
#include "user/sdk/given.h"

namespace {

using namespace nebulet::apps;

void report(const char* name, std::uint64_t begin, int count) {
  std::printf("%s %llu\n", name,
              static_cast<unsigned long long>((now() - begin) / static_cast<unsigned>(count)));
}

/// Echoes, so many at once. What the driver dropped is asked for again.
void echoes(const Link& link, const char* name, const Frame& request, int count, int window) {
  const std::uint64_t begin = now();
  int sent = 0, answered = 0;
  while (answered < count) {
    for (; sent < count && sent - answered < window; ++sent) link.send(request);
    if (link.receive(is_echo).bytes().empty()) {
      std::printf("%s failed\n", name);
      return;
    }
    ++answered;
  }
  report(name, begin, count);
}

/// Frames that nobody answers, of a type for experiments (IEEE 802, 9.2.4).
void sends(nb_handle_t channel, const Mac& host, const Mac& me, int count) {
  constexpr std::uint16_t kExperiment = 0x88b5;
  Frame frame = ethernet(host, me, kExperiment);
  while (frame.bytes().size() < 1514) frame.u8(0);
  const std::uint64_t begin = now();
  for (int i = 0; i < count; ++i) {
    while (nb_channel_write(channel, frame.bytes().data(), frame.bytes().size(), nullptr, 0) ==
           NB_STATUS_SHOULD_WAIT)
      nb_object_wait(channel, NB_SIGNAL_WRITABLE, nebulet::sdk::kForever);
  }
  report("send_1514", begin, count);
}

}  // namespace

int main() {
  const nb_handle_t channel = nebulet::sdk::Given::get().handle("link");
  const Link link(channel);
  const Mac me = link.receive().get<6>(0);
  const Mac host = sender(ask_for_host(link, me));
  echoes(link, "echo_64", echo_request(host, me, 22), 3000, 1);
  echoes(link, "echo_1514", echo_request(host, me, 1472), 6000, 16);
  sends(channel, host, me, 20000);
  return 0;
}
