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
#include <string>
#include <string_view>
#include <vector>

#include "user/ninep/session.h"

namespace nebulet::services {
namespace {

// Doors with cookies from this on are sessions; others lead to the service.
constexpr std::uint64_t kFirstSession = std::uint64_t{1} << 63;
// What a door call returns has no sign; this is longer than any answer.
constexpr std::int64_t kRefused = std::int64_t{1} << 62;
constexpr std::uint64_t kForever = ~std::uint64_t{0};

/// A directory of another file system, as if there were nothing else.
class Rooted final : public ninep::FileSystem {
 public:
  Rooted(ninep::FileSystem& files, std::string root) : files_(files), root_(std::move(root)) {}
  ninep::Error attach(std::string_view name, std::unique_ptr<ninep::File>& root) override {
    return files_.attach(root_ + "/" + std::string(name), root);
  }

 private:
  ninep::FileSystem& files_;
  const std::string root_;
};

class FileService {
 public:
  FileService(nb_handle_t service, ninep::FileSystem& files, std::span<char* const> roots)
      : service_(service), files_(files) {
    for (const char* const root : roots) roots_.push_back(std::make_unique<Rooted>(files, root));
  }

  /// Gives the caller a door of a new session.
  std::int64_t connect(std::uint64_t root) {
    if (!roots_.empty() && (root == 0 || root > roots_.size())) return kRefused;
    const std::uint64_t cookie = next_session_;
    const auto made = nb_door_create(service_, cookie);
    if (made < 0) return kRefused;
    const auto door = static_cast<nb_handle_t>(made);
    if (nb_door_give(&door, 1) != NB_STATUS_OK) {
      nb_handle_close(door);
      return kRefused;
    }
    next_session_++;
    sessions_.try_emplace(cookie, roots_.empty() ? files_ : *roots_[root - 1]);
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
  std::vector<std::unique_ptr<Rooted>> roots_;
  std::map<std::uint64_t, ninep::Session> sessions_;
  std::uint64_t next_session_ = kFirstSession;
  std::array<std::byte, ninep::kExchangeSize> request_, reply_;
};

constinit FileService* current = nullptr;

std::int64_t called(std::uint64_t cookie, std::uint64_t word, std::uint64_t request_size,
                    std::uint64_t reply_size, std::uint64_t) {
  if (word == NB_FILE_REQUEST_CONNECT && cookie < kFirstSession) return current->connect(cookie);
  if (word == NB_FILE_REQUEST_MESSAGE && cookie >= kFirstSession)
    return current->answer(cookie, request_size, reply_size);
  return kRefused;
}

}  // namespace

nb_status_t serve_files(nb_handle_t service, ninep::FileSystem& files, std::span<char* const> roots) {
  const auto self = std::make_unique<FileService>(service, files, roots);
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
