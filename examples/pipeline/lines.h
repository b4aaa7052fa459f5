// SPDX-License-Identifier: MIT
// Numbers, one a line, through streams of the kernel: what the three programs of the pipeline share.
#pragma once

#include "user/sdk/driver.h"

class Numbers {
 public:
  explicit Numbers(nebulet::sdk::Stream from) : from_(from) {}
  /// False: the writer is gone, or what it wrote is no number.
  bool next(unsigned& number) {
    number = 0;
    for (bool any = false;; any = true) {
      if (at_ == size_) {
        size_ = from_.read(buffer_, sizeof buffer_);
        at_ = 0;
      }
      if (size_ == 0) return false;
      const char c = buffer_[at_++];
      if (c == '\n') return any;
      if (c < '0' || c > '9') return false;
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
  }

 private:
  nebulet::sdk::Stream from_;
  char buffer_[1024];
  std::size_t at_ = 0, size_ = 0;
};

/// False: the reader is gone.
inline bool write_number(nebulet::sdk::Stream to, unsigned long long number) {
  char text[24];
  std::size_t at = sizeof text;
  text[--at] = '\n';
  do text[--at] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  return to.write({text + at, sizeof text - at});
}
