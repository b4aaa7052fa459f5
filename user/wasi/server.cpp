// SPDX-License-Identifier: MIT
// The ways to file servers. All begin with Tversion.
#include "user/wasi/server.h"

#include <array>

#include "base/result.h"
#include "user/ninep/memory_files.h"
#include "user/ninep/session.h"

namespace nebulet::wasi::files {
namespace {

constexpr std::uint64_t kForever = ~std::uint64_t{0};

class HostServer final : public Server {
 public:
  explicit HostServer(nb_handle_t files) : files_(files) {}

 private:
  Result<std::size_t> send(std::span<const std::byte> request, std::span<std::byte> reply) override {
    const auto length = nb_files_transact(files_, request.data(), request.size(), reply.data(), reply.size());
    if (length == NB_STATUS_NOT_SUPPORTED) return fail(Errno::nodev);
    if (length < 0) return fail(Errno::io);
    return static_cast<std::size_t>(length);
  }

  const nb_handle_t files_;
};

/// A session with a service (docs/reference/files.md). All errors, also of a service that is gone, are `io`.
class DoorServer final : public Server {
 public:
  explicit DoorServer(nb_handle_t session) : session_(session) {}
  ~DoorServer() override { nb_handle_close(session_); }
  DoorServer(const DoorServer&) = delete;
  DoorServer& operator=(const DoorServer&) = delete;

  static Result<std::unique_ptr<Server>> connect(nb_handle_t door) {
    nb_handle_t session = 0;
    TRY(OthersGoOn::prepare());
    const std::int64_t answer = [&] {
      const OthersGoOn guard;
      return nb_door_exchange(door, NB_FILE_REQUEST_CONNECT, nullptr, 0, nullptr, 0, nullptr, 0, &session, 1,
                              kForever);
    }();
    if (answer == NB_STATUS_WRONG_TYPE) return fail(Errno::nodev);
    if (answer != 0 || session == 0) {
      if (session != 0) nb_handle_close(session);
      return fail(Errno::io);
    }
    return std::make_unique<DoorServer>(session);
  }
  Result<std::size_t> send(std::span<const std::byte> request, std::span<std::byte> reply) override {
    const auto length = nb_door_exchange(session_, NB_FILE_REQUEST_MESSAGE, request.data(), request.size(),
                                         reply.data(), reply.size(), nullptr, 0, nullptr, 0, kForever);
    if (length < 0) return fail(Errno::io);
    return static_cast<std::size_t>(length);
  }

 private:
  const nb_handle_t session_;
};

class MemoryServer final : public Server {
 public:
  MemoryServer(std::uint64_t quota, std::uint64_t number) : files_(quota, number, &now), session_(files_) {}
  Result<std::size_t> send(std::span<const std::byte> request, std::span<std::byte> reply) override {
    return session_.handle(request, reply);
  }
  bool is_elsewhere() const override { return false; }

 private:
  static std::uint64_t now() { return static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_REALTIME)); }

  ninep::MemoryFiles files_;
  ninep::Session session_;
};

Result<> agree_version(Server& server) {
  constexpr std::size_t kRoom = 64;
  constexpr std::uint32_t kLeast = 4096;
  std::array<std::byte, kRoom> request, reply;
  ninep::Writer writer(request, ninep::MessageType::tversion, ninep::kNoTag);
  writer.u32(ninep::kMessageSize);
  writer.string(ninep::kVersion);
  const std::size_t length = TRY(server.transact(writer.finish(), reply));
  if (length > reply.size()) return fail(Errno::io);
  ninep::Reader reader(std::span(reply).first(length));
  const std::uint32_t size = reader.u32();
  const auto type = static_cast<ninep::MessageType>(reader.u8());
  reader.u16();
  const std::uint32_t message_size = reader.u32();
  const bool same = reader.string() == ninep::kVersion;
  if (!reader.ok() || size != length || type != ninep::MessageType::rversion || !same ||
      message_size < kLeast || message_size > ninep::kMessageSize)
    return fail(Errno::io);
  server.message_size = message_size;
  return {};
}

}  // namespace

Result<std::size_t> Server::transact(std::span<const std::byte> request, std::span<std::byte> reply) {
  // Without memory for another call's place the others have to wait.
  if (!is_elsewhere() || !OthersGoOn::prepare()) return send(request, reply);
  const OthersGoOn guard;
  return send(request, reply);
}

Servers& Servers::get() {
  static auto* servers = new Servers;
  return *servers;
}

Result<std::uint32_t> Servers::find_or_connect(nb_handle_t handle) {
  const auto turn = TRY(connecting_.take());
  for (std::uint32_t number = 0; number < servers_.size(); number++)
    if (handle != 0 && servers_[number].handle == handle) return number;
  switch (nb_handle_info(handle, NB_HANDLE_PROPERTY_OBJECT_TYPE)) {
    case NB_OBJECT_FILES: return add(handle, std::make_unique<HostServer>(handle));
    case NB_OBJECT_DOOR: return add(handle, TRY(DoorServer::connect(handle)));
    default: return fail(Errno::nodev);
  }
}

Result<std::uint32_t> Servers::make_in_memory(std::uint64_t quota) {
  const std::uint64_t number = (std::uint64_t{1} << 32) + servers_.size();  // unlike those of file servers
  return add(0, std::make_unique<MemoryServer>(quota, number));
}

Result<std::uint32_t> Servers::add(nb_handle_t handle, std::unique_ptr<Server> server) {
  if (servers_.size() == kLimit) return fail(Errno::nfile);
  TRY(agree_version(*server));
  servers_.push_back({handle, std::move(server)});
  return static_cast<std::uint32_t>(servers_.size() - 1);
}

}  // namespace nebulet::wasi::files
