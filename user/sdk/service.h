// SPDX-License-Identifier: MIT
// A service in ten lines: a function that answers calls through doors, and how it reads and answers them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "user/sdk/driver.h"

namespace nebulet::sdk {

/// What a client sent by door_exchange, and where the answer goes. In the serving function only.
struct Request {
  std::uint64_t cookie, word, bytes, room;

  /// Copies from `offset` of the request. False: it has not so much. It may change at any time, so each byte
  /// is to be read once.
  bool read(std::uint32_t offset, std::span<std::byte> into) const {
    return nb_door_read(offset, into.data(), into.size()) == NB_STATUS_OK;
  }
  /// Copies to `offset` of the reply. False: there is not so much room.
  bool reply(std::uint32_t offset, std::span<const std::byte> bytes_of_it) const {
    return nb_door_write(offset, bytes_of_it.data(), bytes_of_it.size()) == NB_STATUS_OK;
  }
};

using Answer = std::uint64_t (*)(const Request&);

namespace detail {
inline Answer g_answer = nullptr;
inline std::int64_t serve_one(std::uint64_t cookie, std::uint64_t word, std::uint64_t bytes,
                              std::uint64_t room, std::uint64_t) {
  return static_cast<std::int64_t>(g_answer({cookie, word, bytes, room}));
}
}  // namespace detail

/// Answers calls until no door of the service is open any more, or until `deadline`.
inline void serve(nb_handle_t service, Answer answer, std::uint64_t deadline = kForever) {
  detail::g_answer = answer;
  nb_service_serve(service, static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(detail::serve_one)),
                   deadline);
}

}  // namespace nebulet::sdk
