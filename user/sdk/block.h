// SPDX-License-Identifier: MIT
// The block protocol: sectors of 512 bytes behind a door. A call is a door_exchange whose word is the
// operation (enum block_operation) in its highest byte and the first sector in the others; what is written is
// the request, what is read fills the reply, both a multiple of sectors; `info` answers with a block_info.
// The result is a block_result. When the driver ends the door's calls fail with peer_closed: what was not
// answered may have happened or not, what was answered has, and what was flushed is on the medium.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "user/sdk/driver.h"

namespace nebulet::sdk {

constexpr std::uint32_t kSectorBytes = 512, kOperationShift = 56;
constexpr std::uint32_t kWriterBlock = 128 << 10;  ///< of user/drivers/block_writer.cpp
constexpr std::uint64_t kSectorMask = (std::uint64_t{1} << kOperationShift) - 1;

/// A client's side. Results are a block_result, or a negative status of door_exchange.
class Disk {
 public:
  explicit Disk(nb_handle_t door) : door_(door) {}

  Result info(nb_block_info_t& info) const {
    return call(NB_BLOCK_OPERATION_INFO, 0, {}, std::as_writable_bytes(std::span(&info, 1)));
  }
  Result read(std::uint64_t sector, std::span<std::byte> into) const {
    return call(NB_BLOCK_OPERATION_READ, sector, {}, into);
  }
  Result write(std::uint64_t sector, std::span<const std::byte> bytes) const {
    return call(NB_BLOCK_OPERATION_WRITE, sector, bytes, {});
  }
  Result flush() const { return call(NB_BLOCK_OPERATION_FLUSH, 0, {}, {}); }

 private:
  Result call(nb_block_operation_t operation, std::uint64_t sector, std::span<const std::byte> request,
              std::span<std::byte> reply) const {
    return nb_door_exchange(door_, std::uint64_t{operation} << kOperationShift | sector, request.data(),
                            request.size(), reply.data(), reply.size(), nullptr, 0, nullptr, 0, kForever);
  }

  nb_handle_t door_;
};

}  // namespace nebulet::sdk
