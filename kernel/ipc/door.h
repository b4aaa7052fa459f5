// SPDX-License-Identifier: MIT
// Doors: synchronous calls into another process, on the caller's thread.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <span>

#include "kernel/ipc/message.h"
#include "kernel/object/handle_table.h"
#include "kernel/process/server.h"
#include "kernel/sched/wait_queue.h"

namespace nebulet::kernel {

/// What a door call carries beside its words; lies in the caller's frame on the kernel stack.
struct DoorCall {
  wasm::Memory* memory = nullptr;  ///< the caller's
  std::uint32_t request = 0, request_size = 0;
  std::uint32_t reply = 0, reply_size = 0;
  HandleTable* table = nullptr;  ///< the caller's
  std::span<const HandleValue> handles;
  std::span<Handle> sent;  ///< room for as many; empty when the server took them
  std::span<Handle> received;
  std::uint32_t given = 0;  ///< of received
  bool is_exchange = false;
};

class Service;

/// What a client holds. Signal: `peer_closed` when the service is gone.
class Door final : public Object, public boost::intrusive::list_base_hook<> {
 public:
  static constexpr ObjectType kType = ObjectType::door;
  Door(Charge charge, Ref<Service> service, std::uint64_t cookie);
  ~Door() override;
  /// Nobody got a handle to it: the service is not told of its end.
  void forget();

  static constexpr std::size_t kWords = wasm::WordCall::kWords - 1;
  using Words = std::array<std::uint64_t, kWords>;
  /// Runs the service's function with the cookie and these words on the calling thread; its result. Waits
  /// until `deadline` for a server that is free. Fails with peer_closed (the service is gone or went
  /// meanwhile), timed_out, deadlock, call_failed (the function trapped), limit_reached (calls are nested too
  /// deeply), and as HandleTable::take_all.
  Result<std::uint64_t> call(Thread& caller, DoorCall& call, const Words& words, std::uint64_t deadline);

 private:
  friend class Service;
  void no_handles(DropList& list) override;

  const Charge charge_;
  const Ref<Service> service_;
  const std::uint64_t cookie_;
};

/// Where the calls through its doors arrive. Its threads serve them, each one call at a time. Signals:
/// `readable` while doors wait whose clients are gone, `peer_closed` when there were doors and none is open.
class Service final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::service;
  explicit Service(Charge charge) : Object(kType), charge_(std::move(charge)) {}
  ~Service() override;

  /// A door whose calls bring `cookie`, charged to `quota`.
  Result<Ref<Door>> create_door(const QuotaRef& quota, std::uint64_t cookie);
  /// Lets callers run `entry` on the thread's stack until `deadline`, until a door waits whose client is gone
  /// (ok), or none is open any more (peer_closed). Fails with timed_out too, out_of_memory, limit_reached
  /// (the stack is nearly full) and not_supported (the thread is in a door call). Ends too when a caller's
  /// code trapped; the thread must then end as it did (WordCall::end_if_failed).
  Result<> serve(Thread& thread, const QuotaRef& quota, wasm::Function& entry, std::uint64_t deadline);
  /// Cookies of doors whose last handle went; each is told once. Returns how many.
  std::size_t take_ended(std::span<std::uint64_t> cookies);

 private:
  friend class Door;
  using Doors = boost::intrusive::list<Door>;
  void no_handles(DropList& list) override;
  Server* find_free(Thread& caller);
  Result<Server*> wait_for_free(Thread& caller, std::uint64_t deadline);
  Result<Server*> make_server(const QuotaRef& quota);
  bool is_waiting_for_itself(const Thread& caller) const;
  void left();
  void door_ended(Door& door);

  const Charge charge_;
  std::atomic<Server*> servers_ = nullptr;  ///< all there ever were
  std::atomic<bool> closed_ = false;
  std::atomic<std::uint32_t> waiting_ = 0;
  WaitQueue callers_;
  SpinLock lock_;
  Doors open_;   ///< not referenced: a door leaves before it ends
  Doors ended_;  ///< each with a reference
};

}  // namespace nebulet::kernel
