// SPDX-License-Identifier: MIT
// The file servers that the process has, and the way of a message to each: a kernel call to the host's, a
// door to a service, a function call to a file system in the library's own memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "abi/sdk/nebulet.h"
#include "user/sdk/ninep.h"
#include "user/wasi/entry.h"
#include "user/wasi/types.h"

namespace nebulet::wasi::files {

class Server {
 public:
  virtual ~Server() = default;
  /// Sends messages of 9P2000.L and stores the answers, whose length is returned. Whether they are well
  /// formed is for the caller to see. Other threads' calls go on meanwhile.
  Result<std::size_t> transact(std::span<const std::byte> request, std::span<std::byte> reply);

  /// The most that fits into a message.
  std::uint32_t message_size = ninep::kMessageSize;

 private:
  virtual Result<std::size_t> send(std::span<const std::byte> request, std::span<std::byte> reply) = 0;
  /// Whether `send` waits, and uses nothing of the library's.
  virtual bool is_elsewhere() const { return true; }
};

/// Of a process they have numbers, from 0 on.
class Servers {
 public:
  static constexpr std::uint32_t kLimit = 4096;

  static Servers& get();

  /// The server behind a handle: the host's files or a door. `nodev` if the handle is nothing of the kind.
  Result<std::uint32_t> find_or_connect(nb_handle_t handle);
  /// A new one in memory, which may take `quota` bytes.
  Result<std::uint32_t> make_in_memory(std::uint64_t quota);
  Server& operator[](std::uint32_t number) { return *servers_[number].server; }

 private:
  struct Known {
    nb_handle_t handle;  // 0: in memory
    std::unique_ptr<Server> server;
  };
  Result<std::uint32_t> add(nb_handle_t handle, std::unique_ptr<Server> server);

  std::vector<Known> servers_;
  Turn connecting_;  // a second Tversion would end the first one's session
};

}  // namespace nebulet::wasi::files
