// SPDX-License-Identifier: MIT
// Waits for several objects and calls what belongs to each. For drivers and services that do more than answer
// calls; one that only does that needs sdk::serve alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "user/sdk/driver.h"

namespace nebulet::sdk {

class EventLoop {
 public:
  static constexpr std::size_t kMost = 64;
  /// Gets the signals that were waited for.
  using Callback = void (*)(void* context, std::uint32_t signals);

  /// Which source it is, for set_mask. Ends the driver when there are too many.
  std::size_t add(nb_handle_t object, std::uint32_t mask, Callback callback, void* context) {
    if (count_ == kMost) give_up("an event loop has too many sources");
    items_[count_] = {object, mask};
    calls_[count_] = {callback, context};
    return count_++;
  }
  /// Other signals from now on; 0: it is not waited for.
  void set_mask(std::size_t source, std::uint32_t mask) { items_[source].mask = mask; }
  /// The source's callback is called again, whether or not there is a signal: it has more to do than one
  /// turn.
  void again(std::size_t source) { again_ |= std::uint64_t{1} << source; }
  void stop() { stopped_ = true; }

  /// Until `stop`, or until waiting fails, as it does when an object is not there any more.
  void run() {
    std::array<std::uint32_t, kMost> observed{};
    while (!stopped_) {
      const std::uint64_t again = std::exchange(again_, 0);
      const Result waited =
          nb_object_wait_many(items_.data(), count_, observed.data(), count_, again != 0 ? 0 : kForever);
      if (waited < 0 && waited != NB_STATUS_TIMED_OUT) return;
      for (std::size_t i = 0; i < count_ && !stopped_; ++i) {
        const std::uint32_t signals = observed[i] & items_[i].mask;
        if (signals != 0 || (again >> i & 1)) calls_[i].callback(calls_[i].context, signals);
      }
    }
  }

 private:
  struct Call {
    Callback callback = nullptr;
    void* context = nullptr;
  };
  std::array<nb_wait_item_t, kMost> items_{};
  std::array<Call, kMost> calls_{};
  std::size_t count_ = 0;
  std::uint64_t again_ = 0;  ///< a bit for each
  bool stopped_ = false;
};

}  // namespace nebulet::sdk
