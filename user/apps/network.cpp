// SPDX-License-Identifier: MIT
// A client of a network driver under init, with a channel `link`: asks the host of QEMU's user network for
// its address and for an echo. Reports in TAP.
#include "user/apps/network.h"

#include "user/sdk/given.h"

namespace {

using namespace nebulet::apps;

void ask(const Link& link, const Mac& me) {
  const Frame answer = ask_for_host(link, me);
  check(!answer.bytes().empty() && answer.get<6>(32) == me, "ARP: the host tells its address");

  // Each size once, up to the largest.
  int answered = 0;
  for (const unsigned data : {56u, 1u, 500u, 1472u}) {
    const Frame echo = echo_request(sender(answer), me, data);
    link.send(echo);
    const Frame reply =
        link.receive([&](const Frame& frame) { return is_echo(frame) && frame.get16(40) == data; });
    answered +=
        reply.bytes().size() >= 42 + data &&
        std::equal(reply.bytes().begin() + 42, reply.bytes().begin() + 42 + data, echo.bytes().begin() + 42);
  }
  check(answered == 4, "ICMP: the host echoes what it was sent");
}

}  // namespace

int main() {
  const Link link(nebulet::sdk::Given::get().handle("link"));
  const auto is_info = [](const Frame& frame) { return frame.bytes().size() == sizeof(nb_net_info_t); };
  const Frame first = link.receive(is_info);
  check(is_info(first), "the driver says what it has");
  link.send(Frame());
  check(link.receive(is_info).bytes() == first.bytes(), "and says it again when it is asked");
  ask(link, first.get<6>(0));
  std::printf("1..%d\n", number);
  return failures != 0;
}
