// SPDX-License-Identifier: MIT
// The driver of a virtio 9P device (type 9 of OASIS virtio 1.2; what goes over its queue is as in Linux's
// net/9p/trans_virtio.c), and a file service with what the device's host shares. Handles: those of a virtio
// driver, then 4 the service.
#include <array>
#include <cstdio>
#include <cstring>

#include "user/sdk/ninep.h"
#include "user/services/shared_server.h"
#include "user/virtio/device.h"

namespace {

using namespace nebulet;
using ninep::MessageType;

class Device9p final : public services::Upstream {
 public:
  Device9p()
      : features_(device_.negotiate(0)),
        memory_(virtio::kDeviceHandle, kReply + kRoom),
        requests_(device_, 0, 8, memory_, 0),
        number_(static_cast<std::uint64_t>(nb_process_info(NB_PROCESS_PROPERTY_ID)) << 32) {
    device_.start();
  }

  /// The host speaks Linux's dialect: what docs/reference/files.md adds is done here.
  std::span<const std::byte> transact(std::span<std::byte> request, std::span<std::byte> reply) override {
    if (!find_end(request, reply)) return {};
    const auto answer = exchange(request, reply);
    if (is(answer, MessageType::rgetattr) && answer.size() >= kFileSystem + sizeof number_)
      std::memcpy(reply.data() + kFileSystem, &number_, sizeof number_);
    return answer;
  }

 private:
  // In the memory that is shared with the device.
  static constexpr std::uint32_t kRoom = 68 << 10, kRequest = 4096, kReply = kRequest + kRoom;
  static_assert(kRoom >= ninep::kMessageSize);
  static constexpr std::uint64_t kTimeout = 600'000'000'000;
  // In messages.
  static constexpr std::size_t kOffset = ninep::kHeaderSize + 4, kSize = ninep::kHeaderSize + 49,
                               kFileSystem = ninep::kHeaderSize + 8 + 13 + 12 + 14 * 8;

  static bool is(std::span<const std::byte> message, MessageType type) {
    return message.size() > 4 && message[4] == static_cast<std::byte>(type);
  }

  std::span<const std::byte> exchange(std::span<const std::byte> request, std::span<std::byte> reply) {
    if (request.size() > kRoom || !memory_.write(kRequest, request)) return {};
    const std::uint64_t base = memory_.address();
    const virtio::Buffer chain[] = {{base + kRequest, static_cast<std::uint32_t>(request.size()), false},
                                    {base + kReply, kRoom, true}};
    const auto answer = reply.first(std::min<std::size_t>(requests_.transact(chain, kTimeout), reply.size()));
    return memory_.read(kReply, answer) ? answer : std::span<const std::byte>();
  }

  /// Puts the file's size in place of "its end" in a Twrite. Nobody else in this machine writes meanwhile.
  bool find_end(std::span<std::byte> request, std::span<std::byte> reply) {
    if (!is(request, MessageType::twrite) || request.size() < ninep::kWriteOverhead) return true;
    std::uint64_t offset = 0;
    std::memcpy(&offset, request.data() + kOffset, sizeof offset);
    if (offset != ninep::kAtEnd) return true;
    std::array<std::byte, 64> question;
    ninep::Writer writer(question, MessageType::tgetattr, 0);
    ninep::Reader fid(request.subspan(ninep::kHeaderSize));
    writer.u32(fid.u32());
    writer.u64(ninep::kAttrBasic);
    const auto answer = exchange(writer.finish(), reply);
    if (!is(answer, MessageType::rgetattr) || answer.size() < kSize + sizeof offset) return false;
    std::memcpy(request.data() + kOffset, answer.data() + kSize, sizeof offset);
    return true;
  }

  virtio::Device device_;
  const std::uint64_t features_;
  const sdk::Dma memory_;
  virtio::RequestQueue requests_;
  const std::uint64_t number_;  // of the file system: unlike those of other services
};

}  // namespace

int main() {
  static auto* device = new Device9p;
  const nb_status_t status = services::share_server(virtio::kFirstOtherHandle, *device, {});
  if (status == NB_STATUS_PEER_CLOSED) return 0;
  std::fprintf(stderr, "virtio_9p: %s\n",
               status == NB_STATUS_BAD_STATE ? "the device speaks no 9P2000.L" : "the service ended");
  return 1;
}
