// SPDX-License-Identifier: MIT
// A virtio block device (OASIS virtio 1.2, 5.2) that answers the block protocol (user/sdk/block.h).
#pragma once

#include <algorithm>

#include "user/sdk/block.h"
#include "user/sdk/service.h"
#include "user/virtio/device.h"

namespace nebulet::drivers {

class BlockDevice {
 public:
  BlockDevice()
      : features_(device_.negotiate(kReadOnly | kFlush)),
        memory_(virtio::kDeviceHandle, kData + kDataBytes),
        requests_(device_, 0, 8, memory_, 0) {
    std::uint32_t words[2];
    device_.read_config(0, words);
    // More than 2^55 sectors have no number of bytes.
    sectors_ = std::min<std::uint64_t>(std::uint64_t{words[1]} << 32 | words[0], 1ull << 54);
    device_.start();
  }

  std::uint64_t sectors() const { return sectors_; }
  bool is_read_only() const { return features_ & kReadOnly; }

  nb_block_result_t read(const sdk::Request& request, std::uint64_t sector) {
    for (std::uint64_t done = 0; done < request.room;) {
      const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(request.room - done, kDataBytes));
      if (!transfer(kIn, sector + done / sdk::kSectorBytes, part)) return NB_BLOCK_RESULT_DEVICE_ERROR;
      if (!memory_.give_reply(kData, static_cast<std::uint32_t>(done), part)) return NB_BLOCK_RESULT_INVALID;
      done += part;
    }
    return NB_BLOCK_RESULT_OK;
  }

  nb_block_result_t write(const sdk::Request& request, std::uint64_t sector) {
    for (std::uint64_t done = 0; done < request.bytes;) {
      const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(request.bytes - done, kDataBytes));
      if (!memory_.take_request(kData, static_cast<std::uint32_t>(done), part))
        return NB_BLOCK_RESULT_INVALID;
      if (!transfer(kOut, sector + done / sdk::kSectorBytes, part)) return NB_BLOCK_RESULT_DEVICE_ERROR;
      done += part;
    }
    return NB_BLOCK_RESULT_OK;
  }

  nb_block_result_t flush() {
    if (!(features_ & kFlush)) return NB_BLOCK_RESULT_OK;  // what was written is on the medium (5.2.5.1)
    return transfer(kFlushType, 0, 0) ? NB_BLOCK_RESULT_OK : NB_BLOCK_RESULT_DEVICE_ERROR;
  }

 private:
  // 5.2.3, 5.2.6
  static constexpr std::uint64_t kReadOnly = 1 << 5, kFlush = 1 << 9;
  enum RequestType : std::uint32_t { kIn = 0, kOut = 1, kFlushType = 4 };
  static constexpr std::uint8_t kOk = 0, kNotYet = 0xff;
  // In the memory that is shared with the device.
  static constexpr std::uint32_t kHeader = 4096, kStatus = kHeader + 16, kData = 8192, kDataBytes = 256 << 10;
  static constexpr std::uint64_t kTimeout = 30'000'000'000;

  /// One request with `bytes` of kData. False: the device says that it failed.
  bool transfer(RequestType type, std::uint64_t sector, std::uint32_t bytes) {
    memory_.store32(kHeader, type);
    memory_.store32(kHeader + 4, 0);
    memory_.store32(kHeader + 8, static_cast<std::uint32_t>(sector));
    memory_.store32(kHeader + 12, static_cast<std::uint32_t>(sector >> 32));
    memory_.store8(kStatus, kNotYet);
    const std::uint64_t base = memory_.address();
    const virtio::Buffer header{base + kHeader, 16, false}, data{base + kData, bytes, type == kIn},
        status{base + kStatus, 1, true};
    const virtio::Buffer chain[] = {header, data, status}, no_data[] = {header, status};
    const std::uint32_t written =
        bytes ? requests_.transact(chain, kTimeout) : requests_.transact(no_data, kTimeout);
    if (memory_.load8(kStatus) != kOk) return false;
    return type != kIn || written >= bytes + 1;  // less: the data is not all there
  }

  virtio::Device device_;
  const std::uint64_t features_;
  const sdk::Dma memory_;
  virtio::RequestQueue requests_;
  std::uint64_t sectors_ = 0;
};

/// A call of the block protocol.
inline std::uint64_t answer(BlockDevice& device, const sdk::Request& request) {
  const auto operation = static_cast<nb_block_operation_t>(request.word >> sdk::kOperationShift);
  const std::uint64_t sector = request.word & sdk::kSectorMask;
  const auto lies_inside = [&](std::uint64_t bytes) {
    return bytes % sdk::kSectorBytes == 0 && sector <= device.sectors() &&
           bytes / sdk::kSectorBytes <= device.sectors() - sector;
  };
  switch (operation) {
    case NB_BLOCK_OPERATION_INFO: {
      const nb_block_info_t info{device.sectors(), device.is_read_only(), 0};
      return request.reply(0, std::as_bytes(std::span(&info, 1))) ? NB_BLOCK_RESULT_OK
                                                                  : NB_BLOCK_RESULT_INVALID;
    }
    case NB_BLOCK_OPERATION_READ:
      return lies_inside(request.room) ? device.read(request, sector) : NB_BLOCK_RESULT_INVALID;
    case NB_BLOCK_OPERATION_WRITE:
      if (device.is_read_only()) return NB_BLOCK_RESULT_READ_ONLY;
      return lies_inside(request.bytes) ? device.write(request, sector) : NB_BLOCK_RESULT_INVALID;
    case NB_BLOCK_OPERATION_FLUSH: return device.flush();
    default: return NB_BLOCK_RESULT_INVALID;
  }
}

}  // namespace nebulet::drivers
