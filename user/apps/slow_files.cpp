// SPDX-License-Identifier: MIT
// A file service for tests whose answer to a Tread waits: it writes a byte to the stream `asked` and reads
// one from the stream `gate` first. Serves one client, a directory in memory.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "user/ninep/memory_files.h"
#include "user/ninep/session.h"
#include "user/sdk/given.h"
#include "user/sdk/service.h"

namespace {

using nebulet::ninep::MessageType;

constexpr std::uint64_t kRefused = std::uint64_t{1} << 62, kSession = 1000;

nb_handle_t service, asked, gate;
std::array<std::byte, nebulet::ninep::kExchangeSize> request, reply;

std::uint64_t now() { return static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_REALTIME)); }
nebulet::ninep::MemoryFiles files(1 << 20, 1, &now);
nebulet::ninep::Session session(files);

void pass_gate() {
  char byte = 'x';
  nb_stream_write(asked, &byte, 1);
  nb_object_wait(gate, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, nebulet::sdk::kForever);
  nb_stream_read(gate, &byte, 1);
}

std::uint64_t answer(const nebulet::sdk::Request& call) {
  if (call.word == NB_FILE_REQUEST_CONNECT) {
    const auto door = static_cast<nb_handle_t>(nb_door_create(service, kSession));
    return nb_door_give(&door, 1) == NB_STATUS_OK ? 0 : kRefused;
  }
  const auto message = std::span(request).first(call.bytes);
  if (call.cookie != kSession || !call.read(0, message)) return kRefused;
  if (message[4] == static_cast<std::byte>(MessageType::tread)) pass_gate();
  const std::size_t length =
      session.handle(message, std::span(reply).first(std::min<std::size_t>(call.room, reply.size())));
  return call.reply(0, std::span(reply).first(length)) ? length : kRefused;
}

}  // namespace

int main() {
  const auto given = nebulet::sdk::Given::get();
  service = given.handle("service"), asked = given.handle("asked"), gate = given.handle("gate");
  nebulet::sdk::serve(service, answer);
}
