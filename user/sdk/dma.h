// SPDX-License-Identifier: MIT
// Memory that a driver shares with its device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "user/sdk/driver.h"

namespace nebulet::sdk {

/// Never closed: its pages stay with the device until the driver says that that is idle (dma_quiesced).
class Dma {
 public:
  /// `bytes` zeros for the device whose registers or PCI function `device` is. Without memory the driver
  /// ends.
  Dma(nb_handle_t device, std::uint64_t bytes) {
    const Result made = nb_dma_create(device, bytes);
    if (made < 0) give_up("no memory for the device");
    handle_ = static_cast<nb_handle_t>(made);
    address_ = static_cast<std::uint64_t>(nb_dma_address(handle_));
  }

  /// As the device sees it.
  std::uint64_t address() const { return address_; }
  std::uint8_t load8(std::uint32_t offset) const { return static_cast<std::uint8_t>(load(offset, 1)); }
  std::uint16_t load16(std::uint32_t offset) const { return static_cast<std::uint16_t>(load(offset, 2)); }
  std::uint32_t load32(std::uint32_t offset) const { return load(offset, 4); }
  void store8(std::uint32_t offset, std::uint8_t value) const { nb_dma_store(handle_, offset, 1, value); }
  void store16(std::uint32_t offset, std::uint16_t value) const { nb_dma_store(handle_, offset, 2, value); }
  void store32(std::uint32_t offset, std::uint32_t value) const { nb_dma_store(handle_, offset, 4, value); }
  /// False: it does not lie inside.
  bool read(std::uint32_t offset, std::span<std::byte> into) const {
    return nb_dma_read(handle_, offset, into.data(), into.size()) == NB_STATUS_OK;
  }
  bool write(std::uint32_t offset, std::span<const std::byte> bytes) const {
    return nb_dma_write(handle_, offset, bytes.data(), bytes.size()) == NB_STATUS_OK;
  }
  /// In a function that serves door_exchange: bytes of the request or of the reply, without a stop in the
  /// driver's memory. False: there are not so many.
  bool take_request(std::uint32_t offset, std::uint32_t from, std::uint32_t bytes) const {
    return nb_dma_take_request(handle_, offset, from, bytes) == NB_STATUS_OK;
  }
  bool give_reply(std::uint32_t offset, std::uint32_t to, std::uint32_t bytes) const {
    return nb_dma_give_reply(handle_, offset, to, bytes) == NB_STATUS_OK;
  }

 private:
  std::uint32_t load(std::uint32_t offset, std::uint32_t bytes) const {
    const Result value = nb_dma_load(handle_, offset, bytes);
    return value < 0 ? 0 : static_cast<std::uint32_t>(value);
  }

  nb_handle_t handle_ = 0;
  std::uint64_t address_ = 0;
};

}  // namespace nebulet::sdk
