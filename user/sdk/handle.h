// SPDX-License-Identifier: MIT
// A handle that is closed with its owner.
#pragma once

#include <utility>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk {

class Handle {
 public:
  Handle() = default;
  explicit Handle(nb_handle_t value) : value_(value) {}
  Handle(Handle&& other) noexcept : value_(std::exchange(other.value_, 0)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Handle() { reset(); }
  nb_handle_t get() const { return value_; }
  explicit operator bool() const { return value_ != 0; }
  /// It belongs to somebody else now.
  nb_handle_t release() { return std::exchange(value_, 0); }
  void reset() {
    if (value_ != 0) nb_handle_close(std::exchange(value_, 0));
  }

 private:
  nb_handle_t value_ = 0;
};

}  // namespace nebulet::sdk
