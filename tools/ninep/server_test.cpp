// SPDX-License-Identifier: MIT
// Tests of the file server: what a client may do, and what a hostile one may not.
#include "tools/ninep/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>

namespace nebulet::ninep {
namespace {

namespace fs = std::filesystem;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::string name = testing::TempDir() + "ninep-XXXXXX";
    base_ = ::mkdtemp(name.data());
    root_ = base_ / "root";
    fs::create_directory(root_);
    write_file(base_ / "secret", "secret");
    write_file(root_ / "file", "content");
    fs::create_directory(root_ / "dir");
    write_file(root_ / "dir/inner", "inner");
    fs::create_symlink("../secret", root_ / "escape");
    fs::create_symlink(base_, root_ / "outside");
    server_ = std::make_unique<Server>(std::vector<Export>{{root_.string(), "/data"}});
  }
  ~ServerTest() override { fs::remove_all(base_); }

  static void write_file(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string read_file(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  using Fill = std::function<void(Writer&)>;

  /// Sends a message; returns 0 or the errno of Rlerror. `body()` then reads the reply behind its header.
  int send(MessageType type, const Fill& fill) {
    std::vector<std::byte> request(kMessageSize);
    Writer writer(request, type, 7);
    fill(writer);
    return send_raw(writer.finish(), type);
  }
  int send_raw(std::span<const std::byte> request, MessageType type) {
    reply_.assign(kMessageSize, std::byte{0xee});
    const std::size_t size = server_->handle(request, reply_);
    EXPECT_GE(size, kHeaderSize);
    EXPECT_LE(size, reply_.size());
    reply_.resize(size);
    Reader header(reply_);
    EXPECT_EQ(header.u32(), size);
    const auto answer = static_cast<MessageType>(header.u8());
    header.u16();
    if (answer == MessageType::rlerror) return static_cast<int>(header.u32());
    EXPECT_EQ(answer, reply_to(type));
    return 0;
  }
  Reader body() const { return Reader(std::span(reply_).subspan(kHeaderSize)); }

  int start() {
    return send(MessageType::tversion, [](Writer& out) {
      out.u32(kMessageSize);
      out.string(kVersion);
    });
  }
  int attach(std::uint32_t fid, std::string_view name = "/data") {
    return send(MessageType::tattach, [&](Writer& out) {
      out.u32(fid);
      out.u32(kNoFid);
      out.string("user");
      out.string(name);
      out.u32(0);
    });
  }
  int walk(std::uint32_t from, std::uint32_t to, std::initializer_list<std::string_view> names) {
    return send(MessageType::twalk, [&](Writer& out) {
      out.u32(from);
      out.u32(to);
      out.u16(static_cast<std::uint16_t>(names.size()));
      for (const auto name : names) out.string(name);
    });
  }
  int open(std::uint32_t fid, std::uint32_t flags) {
    return send(MessageType::tlopen, [&](Writer& out) {
      out.u32(fid);
      out.u32(flags);
    });
  }
  int create(std::uint32_t fid, std::string_view name,
             std::uint32_t flags = kOpenReadWrite | kOpenExclusive) {
    return send(MessageType::tlcreate, [&](Writer& out) {
      out.u32(fid);
      out.string(name);
      out.u32(flags);
      out.u32(0644);
      out.u32(0);
    });
  }
  std::string read(std::uint32_t fid, std::uint64_t offset, std::uint32_t count) {
    const int error = send(MessageType::tread, [&](Writer& out) {
      out.u32(fid);
      out.u64(offset);
      out.u32(count);
    });
    if (error != 0) return "errno " + std::to_string(error);
    Reader in = body();
    const auto data = in.bytes(in.u32());
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
  int write(std::uint32_t fid, std::uint64_t offset, std::string_view text) {
    return send(MessageType::twrite, [&](Writer& out) {
      out.u32(fid);
      out.u64(offset);
      out.u32(static_cast<std::uint32_t>(text.size()));
      out.bytes(std::as_bytes(std::span(text)));
    });
  }
  int on_name(MessageType type, std::uint32_t fid, std::string_view name, int words) {
    return send(type, [&](Writer& out) {
      out.u32(fid);
      out.string(name);
      for (int i = 0; i < words; i++) out.u32(0);
    });
  }

  fs::path base_, root_;
  std::unique_ptr<Server> server_;
  std::vector<std::byte> reply_;
};

TEST_F(ServerTest, NothingWorksBeforeVersion) {
  EXPECT_EQ(attach(1), EPROTO);
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(attach(1), 0);
}

TEST_F(ServerTest, VersionEndsTheOldSession) {
  start();
  attach(1);
  EXPECT_EQ(server_->fid_count(), 1u);
  start();
  EXPECT_EQ(server_->fid_count(), 0u);
}

TEST_F(ServerTest, AttachKnowsOnlyExports) {
  start();
  EXPECT_EQ(attach(1, "/other"), ENOENT);
  EXPECT_EQ(attach(1, ""), ENOENT);
  EXPECT_EQ(attach(kNoFid), EBADF);
  EXPECT_EQ(attach(1), 0);
  EXPECT_EQ(attach(1), EBADF);
}

TEST_F(ServerTest, ReadsAndWritesFiles) {
  start();
  attach(1);
  ASSERT_EQ(walk(1, 2, {"file"}), 0);
  EXPECT_EQ(read(2, 0, 100), "errno 9");
  ASSERT_EQ(open(2, kOpenReadWrite), 0);
  EXPECT_EQ(read(2, 0, 100), "content");
  EXPECT_EQ(read(2, 3, 2), "te");
  EXPECT_EQ(read(2, 100, 2), "");
  EXPECT_EQ(write(2, 3, "XX"), 0);
  EXPECT_EQ(read_file(root_ / "file"), "conXXnt");
  EXPECT_EQ(send(MessageType::tclunk, [](Writer& out) { out.u32(2); }), 0);
  EXPECT_EQ(read(2, 0, 1), "errno 9");
}

TEST_F(ServerTest, CreatesRemovesAndRenames) {
  start();
  attach(1);
  ASSERT_EQ(walk(1, 2, {}), 0);
  ASSERT_EQ(create(2, "new"), 0);
  EXPECT_EQ(write(2, 0, "abc"), 0);
  EXPECT_EQ(read_file(root_ / "new"), "abc");
  ASSERT_EQ(walk(1, 3, {}), 0);
  EXPECT_EQ(create(3, "new"), EEXIST);
  EXPECT_EQ(on_name(MessageType::tmkdir, 1, "made", 2), 0);
  EXPECT_TRUE(fs::is_directory(root_ / "made"));
  EXPECT_EQ(send(MessageType::trenameat,
                 [](Writer& out) {
                   out.u32(1);
                   out.string("new");
                   out.u32(1);
                   out.string("renamed");
                 }),
            0);
  EXPECT_TRUE(fs::exists(root_ / "renamed"));
  EXPECT_EQ(on_name(MessageType::tunlinkat, 1, "renamed", 1), 0);
  EXPECT_FALSE(fs::exists(root_ / "renamed"));
}

TEST_F(ServerTest, AWalkThatEndsEarlyMakesNoFid) {
  start();
  attach(1);
  EXPECT_EQ(walk(1, 2, {"dir", "missing"}), 0);
  EXPECT_EQ(body().u16(), 1);
  EXPECT_EQ(server_->fid_count(), 1u);
  EXPECT_EQ(walk(1, 2, {"missing"}), ENOENT);
}

TEST_F(ServerTest, NoNameLeadsOut) {
  start();
  attach(1);
  for (const std::string_view name : {"..", ".", "", "/", "../secret", "dir/inner", "/etc/passwd"}) {
    EXPECT_EQ(walk(1, 2, {name}), EINVAL) << name;
    EXPECT_EQ(on_name(MessageType::tmkdir, 1, name, 2), EINVAL) << name;
    EXPECT_EQ(on_name(MessageType::tunlinkat, 1, name, 1), EINVAL) << name;
    EXPECT_EQ(create(1, name), EINVAL) << name;
  }
  EXPECT_EQ(walk(1, 2, {std::string_view("a\0b", 3)}), EINVAL);
  EXPECT_EQ(walk(1, 2, {std::string(300, 'a')}), ENAMETOOLONG);
  EXPECT_EQ(read_file(base_ / "secret"), "secret");
}

TEST_F(ServerTest, LinksAreNotFollowed) {
  start();
  attach(1);
  ASSERT_EQ(walk(1, 2, {"escape"}), 0);
  EXPECT_EQ(open(2, kOpenRead), ELOOP);
  EXPECT_EQ(walk(1, 3, {"outside", "secret"}), 0);
  EXPECT_EQ(body().u16(), 1);
  ASSERT_EQ(walk(1, 3, {"outside"}), 0);
  EXPECT_EQ(walk(3, 4, {"secret"}), ENOTDIR);
  EXPECT_EQ(open(3, kOpenRead | kOpenDirectory), ELOOP);
  // Nor do a change of size or of times and creation follow one.
  EXPECT_EQ(send(MessageType::tsetattr,
                 [](Writer& out) {
                   out.u32(2);
                   out.u32(kSetSize);
                   for (int i = 0; i < 3; i++) out.u32(0);
                   for (int i = 0; i < 5; i++) out.u64(0);
                 }),
            EINVAL);
  ASSERT_EQ(walk(1, 5, {}), 0);
  EXPECT_EQ(create(5, "escape", kOpenReadWrite | kOpenTruncate), ELOOP);
  EXPECT_EQ(read_file(base_ / "secret"), "secret");
}

TEST_F(ServerTest, ADirectoryReplacedByALinkStaysWhatItWas) {
  start();
  attach(1);
  ASSERT_EQ(walk(1, 2, {"dir"}), 0);
  fs::rename(root_ / "dir", root_ / "moved");
  fs::create_symlink(base_, root_ / "dir");
  EXPECT_EQ(walk(2, 3, {"inner"}), 0);
  EXPECT_EQ(walk(2, 4, {"secret"}), ENOENT);
}

TEST_F(ServerTest, PipesAndDevicesAreNotOpened) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  start();
  attach(1);
  ASSERT_EQ(walk(1, 2, {"pipe"}), 0);
  EXPECT_EQ(open(2, kOpenRead), EACCES);
}

TEST_F(ServerTest, ListsADirectoryInPieces) {
  for (int i = 0; i < 300; i++) write_file(root_ / "dir" / ("name-" + std::to_string(i)), "");
  start();
  attach(1);
  ASSERT_EQ(walk(1, 2, {"dir"}), 0);
  ASSERT_EQ(open(2, kOpenRead | kOpenDirectory), 0);
  std::uint64_t offset = 0;
  int found = 0;
  while (true) {
    ASSERT_EQ(send(MessageType::treaddir,
                   [&](Writer& out) {
                     out.u32(2);
                     out.u64(offset);
                     out.u32(500);
                   }),
              0);
    Reader in = body();
    Reader entries(in.bytes(in.u32()));
    if (entries.at_end()) break;
    while (!entries.at_end()) {
      const Qid qid = entries.qid();
      offset = entries.u64();
      entries.u8();
      const auto name = entries.string();
      found++;
      ASSERT_TRUE(entries.ok());
      struct stat status;
      ASSERT_EQ(::stat(root_.c_str(), &status), 0);
      // ".." does not tell about what is above.
      if (name == "..") EXPECT_NE(qid.path, status.st_ino);
    }
  }
  EXPECT_EQ(found, 303);
}

TEST_F(ServerTest, AppendsWhereTheEndIs) {
  ASSERT_EQ(start(), 0);
  ASSERT_EQ(attach(1), 0);
  ASSERT_EQ(walk(1, 2, {"file"}), 0);
  ASSERT_EQ(open(2, kOpenReadWrite), 0);
  EXPECT_EQ(write(2, kAtEnd, " one"), 0);
  std::ofstream(root_ / "file", std::ios::app) << " of another";
  EXPECT_EQ(write(2, kAtEnd, " two"), 0);
  EXPECT_EQ(read_file(root_ / "file"), "content one of another two");
  EXPECT_EQ(write(2, kAtEnd - 1, "x"), EINVAL);
}

TEST_F(ServerTest, AllocatesSpace) {
  const auto allocate = [&](std::uint32_t fid, std::uint64_t offset, std::uint64_t length) {
    return send(MessageType::tallocate, [&](Writer& out) {
      out.u32(fid);
      out.u64(offset);
      out.u64(length);
    });
  };
  ASSERT_EQ(start(), 0);
  ASSERT_EQ(attach(1), 0);
  ASSERT_EQ(walk(1, 2, {"file"}), 0);
  EXPECT_EQ(allocate(2, 0, 100), EBADF);
  ASSERT_EQ(open(2, kOpenReadWrite), 0);
  EXPECT_EQ(allocate(2, 1000, 100'000), 0);
  EXPECT_EQ(fs::file_size(root_ / "file"), 101'000u);
  struct stat status{};
  ASSERT_EQ(::stat((root_ / "file").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 100'000);
  EXPECT_EQ(allocate(2, 0, 10), 0);
  EXPECT_EQ(fs::file_size(root_ / "file"), 101'000u);
  EXPECT_EQ(allocate(2, 1, INT64_MAX), EFBIG);
  EXPECT_EQ(allocate(2, 0, 0), EINVAL);
  ASSERT_EQ(walk(1, 3, {}), 0);
  ASSERT_EQ(open(3, kOpenRead), 0);
  EXPECT_EQ(allocate(3, 0, 10), EISDIR);
}

TEST_F(ServerTest, FidsAreLimited) {
  start();
  attach(1);
  int error = 0;
  std::uint32_t fid = 2;
  for (; error == 0 && fid < 2 * Server::kMaxFids; fid++) error = walk(1, fid, {});
  EXPECT_EQ(error, EMFILE);
  EXPECT_LE(server_->fid_count(), Server::kMaxFids);
}

TEST_F(ServerTest, TruncatedMessagesAreRefused) {
  start();
  attach(1);
  std::vector<std::byte> request(256);
  Writer writer(request, MessageType::twalk, 1);
  writer.u32(1);
  writer.u32(2);
  writer.u16(1);
  writer.string("file");
  const auto message = writer.finish();
  for (std::size_t size = 0; size < message.size(); size++) {
    // Once with a wrong size field, once with a right one and fields that lack.
    EXPECT_EQ(send_raw(message.first(size), MessageType::twalk), EPROTO) << size;
    std::vector<std::byte> cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    const auto length = static_cast<std::uint32_t>(size);
    if (size >= 4) std::memcpy(cut.data(), &length, sizeof length);
    EXPECT_EQ(send_raw(cut, MessageType::twalk), EPROTO) << size;
  }
  EXPECT_EQ(server_->fid_count(), 1u);
}

TEST_F(ServerTest, MessagesThatComeTogetherAreAnsweredInOrder) {
  start();
  attach(1);
  std::vector<std::byte> request;
  const auto add = [&](MessageType type, const Fill& fill) {
    std::vector<std::byte> room(256);
    Writer writer(room, type, 7);
    fill(writer);
    const auto message = writer.finish();
    request.insert(request.end(), message.begin(), message.end());
  };
  const auto look_up = [&](std::string_view name) {
    add(MessageType::twalk, [&](Writer& out) {
      out.u32(1);
      out.u32(2);
      out.u16(1);
      out.string(name);
    });
    add(MessageType::tlopen, [](Writer& out) {
      out.u32(2);
      out.u32(kOpenRead);
    });
    add(MessageType::tclunk, [](Writer& out) { out.u32(2); });
  };
  look_up("file");
  look_up("nothing");  // and what needs it fails
  request.resize(request.size() + 3);
  reply_.assign(kMessageSize, std::byte{0xee});
  const std::size_t size = server_->handle(request, reply_);
  std::vector<std::pair<MessageType, std::uint32_t>> answers;
  for (auto rest = std::span<const std::byte>(reply_).first(size); !rest.empty();) {
    const auto message = first_message(rest);
    Reader reader(message);
    reader.u32();
    const auto type = static_cast<MessageType>(reader.u8());
    reader.u16();
    answers.emplace_back(type, type == MessageType::rlerror ? reader.u32() : 0);
    rest = rest.subspan(message.size());
  }
  EXPECT_EQ(answers, (std::vector<std::pair<MessageType, std::uint32_t>>{{MessageType::rwalk, 0},
                                                                         {MessageType::rlopen, 0},
                                                                         {MessageType::rclunk, 0},
                                                                         {MessageType::rlerror, ENOENT},
                                                                         {MessageType::rlerror, EBADF},
                                                                         {MessageType::rlerror, EBADF},
                                                                         {MessageType::rlerror, EPROTO}}));
  EXPECT_EQ(server_->fid_count(), 1u);
  // Without room for the second answer, the second message is not looked at.
  request.clear();
  look_up("file");
  EXPECT_EQ(server_->handle(request, std::span(reply_).first(Server::kMinReply)), kHeaderSize + 2 + 13);
  EXPECT_EQ(server_->fid_count(), 2u);
}

TEST_F(ServerTest, ASmallReplyBufferIsNotOverrun) {
  start();
  attach(1);
  walk(1, 2, {"file"});
  open(2, kOpenRead);
  std::vector<std::byte> request(64);
  Writer writer(request, MessageType::tread, 1);
  writer.u32(2);
  writer.u64(0);
  writer.u32(0xffff'ffff);
  std::vector<std::byte> reply(Server::kMinReply);
  EXPECT_LE(server_->handle(writer.finish(), reply), reply.size());
  EXPECT_EQ(server_->handle(request, std::span(reply).first(10)), 0u);
}

TEST_F(ServerTest, RandomMessagesDoNoHarm) {
  std::mt19937 random(1);
  for (int i = 0; i < 6000; i++) {
    if (i % 100 == 0) {
      start();
      attach(1);
      walk(1, 2, {"dir"});
      walk(1, 3, {"file"});
      open(3, kOpenReadWrite);
    }
    std::vector<std::byte> request(kHeaderSize + random() % 60);
    for (auto& byte : request) byte = std::byte(random() % 4 == 0 ? random() : random() % 5);
    const auto size = static_cast<std::uint32_t>(request.size());
    std::memcpy(request.data(), &size, sizeof size);
    constexpr MessageType kTypes[] = {MessageType::tlopen,    MessageType::tlcreate,  MessageType::tsymlink,
                                      MessageType::treadlink, MessageType::tgetattr,  MessageType::tsetattr,
                                      MessageType::treaddir,  MessageType::tfsync,    MessageType::tlink,
                                      MessageType::tmkdir,    MessageType::trenameat, MessageType::tunlinkat,
                                      MessageType::twalk,     MessageType::tread,     MessageType::twrite,
                                      MessageType::tclunk,    MessageType::tattach};
    const MessageType type = kTypes[random() % std::size(kTypes)];
    request[4] = static_cast<std::byte>(type);
    (void)send_raw(request, type);
  }
  EXPECT_EQ(read_file(base_ / "secret"), "secret");
  EXPECT_EQ(std::distance(fs::directory_iterator(base_), {}), 2);
}

}  // namespace
}  // namespace nebulet::ninep
