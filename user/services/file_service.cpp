// SPDX-License-Identifier: MIT
// Sessions and messages. The service has one thread, so calls come one at a time.
#include "user/services/file_service.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "user/ninep/session.h"

namespace nebulet::services {
namespace {

// Doors with cookies from this on are sessions; others lead to the service.
constexpr std::uint64_t kFirstSession = std::uint64_t{1} << 63;
// What a door call returns has no sign; this is longer than any answer.
constexpr std::int64_t kRefused = std::int64_t{1} << 62;
constexpr std::uint64_t kForever = ~std::uint64_t{0};

class FileService {
 public:
  FileService(nb_handle_t service, ninep::FileSystem& files) : service_(service), files_(files) {}

  /// Gives the caller a door of a new session.
  std::int64_t connect() {
    const std::uint64_t cookie = next_session_;
    const auto made = nb_door_create(service_, cookie);
    if (made < 0) return kRefused;
    const auto door = static_cast<nb_handle_t>(made);
    if (nb_door_give(&door, 1) != NB_STATUS_OK) {
      nb_handle_close(door);
      return kRefused;
    }
    next_session_++;
    sessions_.try_emplace(cookie, files_);
    return 0;
  }

  /// Answers the caller's message.
  std::int64_t answer(std::uint64_t cookie, std::uint64_t request_size, std::uint64_t reply_size) {
    const auto session = sessions_.find(cookie);
    if (session == sessions_.end() || request_size > request_.size()) return kRefused;
    const auto request = std::span(request_).first(request_size);
    if (nb_door_read(0, request.data(), request.size()) != NB_STATUS_OK) return kRefused;
    const auto room = std::span(reply_).first(std::min<std::size_t>(reply_size, reply_.size()));
    const std::size_t length = session->second.handle(request, room);
    if (nb_door_write(0, reply_.data(), length) != NB_STATUS_OK) return kRefused;
    return static_cast<std::int64_t>(length);
  }

  void end_sessions() {
    std::array<std::uint64_t, 64> cookies;
    while (true) {
      const auto count = nb_service_ended(service_, cookies.data(), cookies.size());
      if (count <= 0) return;
      for (const std::uint64_t cookie : std::span(cookies).first(static_cast<std::size_t>(count)))
        sessions_.erase(cookie);
    }
  }

 private:
  const nb_handle_t service_;
  ninep::FileSystem& files_;
  std::map<std::uint64_t, ninep::Session> sessions_;
  std::uint64_t next_session_ = kFirstSession;
  std::array<std::byte, ninep::kMessageSize> request_, reply_;
};

constinit FileService* current = nullptr;

std::int64_t called(std::uint64_t cookie, std::uint64_t word, std::uint64_t request_size,
                    std::uint64_t reply_size, std::uint64_t) {
  if (word == NB_FILE_REQUEST_CONNECT && cookie < kFirstSession) return current->connect();
  if (word == NB_FILE_REQUEST_MESSAGE && cookie >= kFirstSession)
    return current->answer(cookie, request_size, reply_size);
  return kRefused;
}

}  // namespace

nb_status_t serve_files(nb_handle_t service, ninep::FileSystem& files) {
  const auto self = std::make_unique<FileService>(service, files);
  current = self.get();
  const auto entry = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&called));
  nb_status_t status = NB_STATUS_OK;
  while (status == NB_STATUS_OK) {
    status = nb_service_serve(service, entry, kForever);
    self->end_sessions();
  }
  current = nullptr;
  return status;
}

}  // namespace nebulet::services
