// SPDX-License-Identifier: MIT
// A server of 9P2000.L that has one client, as a file service for many (docs/reference/files.md).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "abi/sdk/nebulet.h"

namespace nebulet::services {

/// The way to the server.
class Upstream {
 public:
  virtual ~Upstream() = default;
  /// Sends one message, which may be changed, and returns the answer, which is in `reply`; empty: there is
  /// none.
  virtual std::span<const std::byte> transact(std::span<std::byte> request, std::span<std::byte> reply) = 0;
};

/// Answers calls through the service's doors until there are none; how that ended. A door with the cookie n
/// leads to what the server has under the n-th name; without names all doors lead to what it has under "".
/// All clients share the server's numbers of fids, so each has its own ones here, and can name no others.
/// bad_state: the server does not speak the protocol.
nb_status_t share_server(nb_handle_t service, Upstream& upstream, std::span<const std::string_view> names);

}  // namespace nebulet::services
