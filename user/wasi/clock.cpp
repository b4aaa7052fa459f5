// SPDX-License-Identifier: MIT
// clock_time_get, clock_res_get.
#include "user/wasi/clock.h"

#include "abi/sdk/nebulet.h"
#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/export.h"

namespace nebulet::wasi {

Result<std::uint64_t> read_clock(std::uint32_t id) {
  constexpr nb_clock_t kKernelClock[kClockCount] = {NB_CLOCK_REALTIME, NB_CLOCK_MONOTONIC,
                                                    NB_CLOCK_PROCESS_CPU, NB_CLOCK_THREAD_CPU};
  if (id >= kClockCount) return fail(Errno::inval);
  const int64_t now = nb_clock_read(kKernelClock[id]);
  if (now < 0) return fail(Errno::notsup);
  return static_cast<std::uint64_t>(now);
}

namespace {

Result<> store_time(std::uint32_t id, Address at) { return store(at, TRY(read_clock(id))); }

Result<> store_resolution(std::uint32_t id, Address at) {
  if (id >= kClockCount) return fail(Errno::inval);
  return store(at, std::uint64_t{1});
}

}  // namespace

WASI_EXPORT(clock_time_get, (std::uint32_t id, std::uint64_t precision, Address at), (id, precision, at)) {
  return code(store_time(id, at));
}
WASI_EXPORT(clock_res_get, (std::uint32_t id, Address at), (id, at)) {
  return code(store_resolution(id, at));
}

}  // namespace nebulet::wasi
