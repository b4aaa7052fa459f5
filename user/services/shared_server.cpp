// SPDX-License-Identifier: MIT
// Messages go on to the server as they are, but for their fids.
#include "user/services/shared_server.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "user/sdk/ninep.h"

namespace nebulet::services {
namespace {

using namespace ninep;

constexpr std::uint64_t kFirstSession = std::uint64_t{1} << 63;  // cookies from this on are sessions
constexpr std::int64_t kRefused = std::int64_t{1} << 62;         // longer than any answer
constexpr std::uint64_t kForever = ~std::uint64_t{0};
constexpr std::size_t kMaxFids = 1024;  // of a session; the tool's server has four times as many
constexpr std::uint32_t kLeastMessageSize = 4096;

using Buffer = std::array<std::byte, kExchangeSize>;

/// The server.
class Host {
 public:
  explicit Host(Upstream& upstream) : upstream_(upstream) {}

  /// False: there is no server that speaks the protocol.
  bool start() {
    std::array<std::byte, 64> request, reply;
    Writer writer(request, MessageType::tversion, kNoTag);
    writer.u32(kMessageSize);
    writer.string(kVersion);
    const auto answer = transact(writer.finish(), reply);
    Reader reader(answer);
    reader.bytes(kHeaderSize);
    message_size_ = reader.u32();
    return is(answer, MessageType::rversion) && reader.string() == kVersion && reader.ok() &&
           message_size_ >= kLeastMessageSize && message_size_ <= kMessageSize;
  }
  std::uint32_t message_size() const { return message_size_; }
  /// Empty: the server failed.
  std::span<const std::byte> transact(std::span<std::byte> request, std::span<std::byte> reply) const {
    const auto answer = upstream_.transact(request, reply);
    return answer.size() < kHeaderSize ? answer.first(0) : answer;
  }
  std::uint32_t take_fid() {
    if (free_.empty()) return next_++;
    const std::uint32_t fid = free_.back();
    free_.pop_back();
    return fid;
  }
  void give_back(std::uint32_t fid) { free_.push_back(fid); }
  void clunk(std::uint32_t fid) {
    std::array<std::byte, 64> request, reply;
    Writer writer(request, MessageType::tclunk, 0);
    writer.u32(fid);
    transact(writer.finish(), reply);
    give_back(fid);
  }
  static bool is(std::span<const std::byte> message, MessageType type) {
    return message.size() >= kHeaderSize && message[4] == static_cast<std::byte>(type);
  }

 private:
  Upstream& upstream_;
  std::uint32_t message_size_ = 0;
  std::uint32_t next_ = 0;
  std::vector<std::uint32_t> free_;
};

/// One client's fids, and the directory that it may attach to.
class Session {
 public:
  Session(Host& host, std::string_view directory) : host_(host), directory_(directory) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { clear(); }

  /// Messages that came together, which are changed. The length of their answers, which are in `reply`; 0:
  /// none.
  std::size_t handle(std::span<std::byte> request, std::span<std::byte> reply) {
    std::size_t done = 0;
    do {
      const auto message = request.first(first_message(request).size());
      const std::size_t length = handle_one(message, reply.subspan(done));
      if (length == 0) break;
      done += length;
      request = request.subspan(message.size());
    } while (!request.empty());
    return done;
  }

 private:
  std::size_t handle_one(std::span<std::byte> request, std::span<std::byte> reply) {
    Reader reader(request);
    const std::uint32_t size = reader.u32();
    const auto type = static_cast<MessageType>(reader.u8());
    const std::uint16_t tag = reader.u16();
    if (!reader.ok() || size != request.size() || reply.size() < 64) return 0;
    if (type == MessageType::tversion) return version(reader, tag, reply);
    if (!std::ranges::contains(kForwarded, type)) return error(errors::opnotsupp, tag, reply);
    return forward(type, tag, request, reply);
  }

  /// Of other messages it is not known where their fids are.
  static constexpr MessageType kForwarded[] = {
      MessageType::tattach,   MessageType::twalk,     MessageType::tlopen,    MessageType::tlcreate,
      MessageType::tread,     MessageType::twrite,    MessageType::treaddir,  MessageType::tgetattr,
      MessageType::tsetattr,  MessageType::treadlink, MessageType::tsymlink,  MessageType::tlink,
      MessageType::tmkdir,    MessageType::trenameat, MessageType::tunlinkat, MessageType::tfsync,
      MessageType::tallocate, MessageType::tclunk};
  static constexpr std::size_t kFid = kHeaderSize, kNewFid = kHeaderSize + 4;

  void clear() {
    for (const auto& [fid, of_host] : fids_) host_.clunk(of_host);
    fids_.clear();
  }

  std::size_t version(Reader& in, std::uint16_t tag, std::span<std::byte> reply) {
    const std::uint32_t size = in.u32();
    const bool known = in.string() == kVersion;
    if (!in.ok() || size < kLeastMessageSize) return error(errors::proto, tag, reply);
    clear();
    Writer out(reply, MessageType::rversion, tag);
    out.u32(std::min(size, host_.message_size()));
    out.string(known ? kVersion : "unknown");
    return out.finish().size();
  }

  std::size_t forward(MessageType type, std::uint16_t tag, std::span<std::byte> request,
                      std::span<std::byte> reply) {
    const bool makes = type == MessageType::tattach || type == MessageType::twalk;
    if (request.size() < kFid + 4 || (type == MessageType::twalk && request.size() < kNewFid + 4))
      return error(errors::proto, tag, reply);
    const std::uint32_t fid = word(request, kFid);
    if (type != MessageType::tattach && !rename(request, kFid)) return error(errors::badf, tag, reply);
    if ((type == MessageType::tlink && !rename(request, kNewFid)) ||
        (type == MessageType::trenameat && !rename_target(request)))
      return error(errors::badf, tag, reply);
    if (!makes) {
      const auto answer = host_.transact(request, reply);
      // Whatever the server says, the number means nothing any more.
      if (type == MessageType::tclunk) host_.give_back(fids_.extract(fid).mapped());
      return answer.empty() ? error(errors::io, tag, reply) : answer.size();
    }
    const std::uint32_t made = type == MessageType::tattach ? fid : word(request, kNewFid);
    const bool replaces = type == MessageType::twalk && made == fid;
    if (made == kNoFid || (!replaces && fids_.contains(made))) return error(errors::badf, tag, reply);
    if (!replaces && fids_.size() == kMaxFids) return error(errors::mfile, tag, reply);
    const std::uint32_t of_host = replaces ? fids_.find(made)->second : host_.take_fid();
    std::array<std::byte, 512> attach;  // an export's name is short
    std::span<std::byte> message = request;
    if (type == MessageType::tattach) {
      message = attach_message(request, attach, tag, of_host);
    } else {
      put(request, kNewFid, of_host);
    }
    const auto answer = message.empty() ? std::span<const std::byte>() : host_.transact(message, reply);
    const bool is_there =
        Host::is(answer, reply_to(type)) && (type == MessageType::tattach || is_whole_walk(request, answer));
    if (is_there) {
      fids_.insert_or_assign(made, of_host);
    } else if (!replaces) {
      host_.give_back(of_host);
    }
    if (message.empty()) return error(errors::noent, tag, reply);
    return answer.empty() ? error(errors::io, tag, reply) : answer.size();
  }

  /// Twalk makes its fid only if all names were found.
  static bool is_whole_walk(std::span<const std::byte> request, std::span<const std::byte> answer) {
    return request.size() >= kNewFid + 6 && answer.size() >= kHeaderSize + 2 &&
           std::memcmp(request.data() + kNewFid + 4, answer.data() + kHeaderSize, 2) == 0;
  }

  /// Tattach to the directory, whose name the client does not say. Empty: it asks for something else.
  std::span<std::byte> attach_message(std::span<const std::byte> request, std::span<std::byte> into,
                                      std::uint16_t tag, std::uint32_t fid) const {
    Reader in(request);
    in.bytes(kNewFid);
    in.u32();
    in.string();
    const std::string_view name = in.string();
    in.u32();
    if (!in.ok() || !in.at_end() || !name.empty()) return {};
    Writer out(into, MessageType::tattach, tag);
    out.u32(fid);
    out.u32(kNoFid);
    out.string("");
    out.string(directory_);
    out.u32(0);
    return out.finish();
  }

  /// Puts the host's number in place of the client's. False: the client has no such fid.
  bool rename(std::span<std::byte> message, std::size_t at) const {
    if (message.size() < at + 4) return false;
    const auto found = fids_.find(word(message, at));
    if (found == fids_.end()) return false;
    put(message, at, found->second);
    return true;
  }
  /// Trenameat: olddirfid[4] oldname[s] newdirfid[4] newname[s].
  bool rename_target(std::span<std::byte> message) const {
    if (message.size() < kNewFid + 2) return false;
    std::uint16_t length = 0;
    std::memcpy(&length, message.data() + kNewFid, sizeof length);
    return rename(message, kNewFid + 2 + length);
  }

  static std::uint32_t word(std::span<const std::byte> message, std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, message.data() + at, sizeof value);
    return value;
  }
  static void put(std::span<std::byte> message, std::size_t at, std::uint32_t value) {
    std::memcpy(message.data() + at, &value, sizeof value);
  }
  static std::size_t error(int number, std::uint16_t tag, std::span<std::byte> reply) {
    Writer out(reply, MessageType::rlerror, tag);
    out.u32(static_cast<std::uint32_t>(number));
    return out.finish().size();
  }

  Host& host_;
  const std::string_view directory_;
  std::map<std::uint32_t, std::uint32_t> fids_;  // the client's, and what they are there
};

struct Service {
  nb_handle_t service;
  Host host;
  std::span<const std::string_view> names;
  std::map<std::uint64_t, Session> sessions = {};
  std::uint64_t next_session = kFirstSession;
  Buffer request = {}, reply = {};
};
Service* current = nullptr;

std::int64_t connect(std::uint64_t door) {
  if (!current->names.empty() && (door == 0 || door > current->names.size())) return kRefused;
  const std::uint64_t cookie = current->next_session;
  const auto made = nb_door_create(current->service, cookie);
  if (made < 0) return kRefused;
  const auto session = static_cast<nb_handle_t>(made);
  if (nb_door_give(&session, 1) != NB_STATUS_OK) {
    nb_handle_close(session);
    return kRefused;
  }
  current->next_session++;
  current->sessions.try_emplace(cookie, current->host,
                                current->names.empty() ? std::string_view() : current->names[door - 1]);
  return 0;
}

std::int64_t answer(std::uint64_t cookie, std::uint64_t request_size, std::uint64_t reply_size) {
  const auto found = current->sessions.find(cookie);
  if (found == current->sessions.end() || request_size > current->request.size()) return kRefused;
  const auto request = std::span(current->request).first(request_size);
  if (nb_door_read(0, request.data(), request.size()) != NB_STATUS_OK) return kRefused;
  const auto room = std::span(current->reply).first(std::min<std::size_t>(reply_size, current->reply.size()));
  const std::size_t length = found->second.handle(request, room);
  if (nb_door_write(0, room.data(), length) != NB_STATUS_OK) return kRefused;
  return static_cast<std::int64_t>(length);
}

std::int64_t called(std::uint64_t cookie, std::uint64_t word, std::uint64_t request_size,
                    std::uint64_t reply_size, std::uint64_t) {
  if (word == NB_FILE_REQUEST_CONNECT && cookie < kFirstSession) return connect(cookie);
  if (word == NB_FILE_REQUEST_MESSAGE && cookie >= kFirstSession)
    return answer(cookie, request_size, reply_size);
  return kRefused;
}

void end_sessions() {
  std::array<std::uint64_t, 64> cookies;
  for (;;) {
    const auto count = nb_service_ended(current->service, cookies.data(), cookies.size());
    if (count <= 0) return;
    for (const std::uint64_t cookie : std::span(cookies).first(static_cast<std::size_t>(count)))
      current->sessions.erase(cookie);
  }
}

}  // namespace

nb_status_t share_server(nb_handle_t service, Upstream& upstream, std::span<const std::string_view> names) {
  // Never destroyed: calls may come as long as the process is there.
  current = new Service{service, Host(upstream), names};
  if (!current->host.start()) return NB_STATUS_BAD_STATE;
  const auto entry = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&called));
  nb_status_t status = NB_STATUS_OK;
  while (status == NB_STATUS_OK) {
    status = nb_service_serve(service, entry, kForever);
    end_sessions();
  }
  return status;
}

}  // namespace nebulet::services
