// SPDX-License-Identifier: MIT
// A handle that is closed with its owner, and results of calls as std::expected with the status's name.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "abi/sdk/nebulet.h"

namespace nebulet::init {

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

template <class T = void>
using Result = std::expected<T, std::string>;

/// What a negative result means, for messages.
std::string status_text(int64_t status);

/// The handle that a call returned, or `what` and why not.
inline Result<Handle> made(const std::string& what, int64_t result) {
  if (result < 0) return std::unexpected(what + ": " + status_text(result));
  return Handle(static_cast<nb_handle_t>(result));
}

}  // namespace nebulet::init
