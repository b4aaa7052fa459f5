// SPDX-License-Identifier: MIT
#include "kernel/ipc/door.h"

#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {
namespace {

trace::DoorEnd door_end(wasm::WordCall::End end) {
  using End = wasm::WordCall::End;
  switch (end) {
    case End::returned: return trace::DoorEnd::returned;
    case End::failed: return trace::DoorEnd::failed;
    case End::unwound: break;
  }
  return trace::DoorEnd::unwound;
}

/// Unparks the thread that made it when the service has news.
class NewsObserver final : public Observer {
 public:
  explicit NewsObserver(Task& task) : task_(task) {}
  void on_signal() override { Scheduler::unpark(task_); }

 private:
  Task& task_;
};

}  // namespace

Service::~Service() {
  DropList list;
  no_handles(list);
  for (Server* server = servers_.load(); server != nullptr;) {
    Server* const next = server->next;
    delete server;
    server = next;
  }
}

/// Doors are told a few at a time, so that the lock is held for a short time only.
void Service::no_handles(DropList&) {
  closed_.store(true, std::memory_order_seq_cst);
  callers_.wake_all();
  for (bool more = true; more;) {
    std::array<Ref<Door>, 32> some;
    std::array<Ref<Door>, 32> gone;
    more = false;
    {
      const SpinGuard guard(lock_);
      for (std::size_t i = 0; i < some.size() && !open_.empty(); ++i, more = true) {
        some[i] = &open_.front();
        open_.pop_front();
      }
      for (std::size_t i = 0; i < gone.size() && !ended_.empty(); ++i, more = true) {
        gone[i] = Ref<Door>(&ended_.front(), false);
        ended_.pop_front();
      }
    }
    for (const Ref<Door>& door : some)
      if (door) door->signal({}, Signal::peer_closed);
  }
}

Result<Ref<Door>> Service::create_door(const QuotaRef& quota, std::uint64_t cookie) {
  Ref<Door> door = TRY(make_object<Door>(quota, 0, Ref<Service>(this), cookie));
  {
    const SpinGuard guard(lock_);
    if (closed_.load(std::memory_order_relaxed)) return fail(Status::peer_closed);
    open_.push_back(*door);
    signal(Signal::peer_closed, {});
  }
  return door;
}

void Service::door_ended(Door& door) {
  const SpinGuard guard(lock_);
  if (!door.is_linked()) return;  // the service went first
  open_.erase(open_.iterator_to(door));
  intrusive_ptr_add_ref(&door);
  ended_.push_back(door);
  signal({}, open_.empty() ? Signal::readable | Signal::peer_closed : Signals(Signal::readable));
}

std::size_t Service::take_ended(std::span<std::uint64_t> cookies) {
  std::size_t count = 0;
  while (count < cookies.size()) {
    Ref<Door> door;  // ends after the lock
    const SpinGuard guard(lock_);
    if (ended_.empty()) break;
    door = Ref<Door>(&ended_.front(), false);
    ended_.pop_front();
    cookies[count++] = door->cookie_;
    if (ended_.empty()) signal(Signal::readable, {});
  }
  return count;
}

Result<Server*> Service::make_server(const QuotaRef& quota) {
  for (Server* server = servers_.load(std::memory_order_acquire); server != nullptr; server = server->next)
    if (server->take()) return server;
  auto charge = Charge::take(quota, sizeof(Server));
  if (!charge) return fail(charge.error());
  auto* made = new (std::nothrow) Server(std::move(*charge));
  if (made == nullptr) return fail(Status::out_of_memory);
  (void)made->take();
  made->next = servers_.load(std::memory_order_relaxed);
  while (!servers_.compare_exchange_weak(made->next, made, std::memory_order_acq_rel)) {
  }
  return made;
}

Result<> Service::serve(Thread& thread, const QuotaRef& quota, wasm::Function& entry,
                        std::uint64_t deadline) {
  if (thread.place().call != nullptr) return fail(Status::not_supported);
  if (!wasm::WordCall::has_room(thread.stack())) return fail(Status::limit_reached);
  Server& server = *TRY(make_server(quota));
  NewsObserver observer(thread);
  observe(observer, Signal::readable | Signal::peer_closed);
  thread.set_server(&server);
  server.open(thread, entry);
  if (waiting_.load(std::memory_order_seq_cst) != 0) callers_.wake_one();
  Result<> result;
  bool leaving = false, failed = false;
  for (;;) {
    if (!leaving) {
      leaving = true;
      if (signals().contains(Signal::readable)) {
        result = {};
      } else if (signals().contains(Signal::peer_closed)) {
        result = fail(Status::peer_closed);
      } else if (thread.process().exiting() || machine::monotonic_ns() >= deadline) {
        result = fail(Status::timed_out);
      } else {
        leaving = server.has_failed();
      }
    }
    if (leaving) {
      const Server::Closed closed = server.try_close();
      failed = closed == Server::Closed::failed;
      if (closed != Server::Closed::busy) break;
    }
    Scheduler::park_until(leaving ? kForever : deadline);
  }
  thread.set_server(nullptr);
  stop_observing(observer);
  if (failed) {
    server.code().hand_over();
    server.give_up();
  }
  return result;
}

/// The first server that is free, now the caller's.
Server* Service::find_free(Thread& caller) {
  for (Server* server = servers_.load(std::memory_order_acquire); server != nullptr; server = server->next)
    if (server->enter(caller)) return server;
  return nullptr;
}

/// Whether all that serve are inside the calls which led here: none will be free.
bool Service::is_waiting_for_itself(const Thread& caller) const {
  bool any = false;
  for (const Server* server = servers_.load(std::memory_order_acquire); server != nullptr;
       server = server->next) {
    if (!server->is_in_use()) continue;
    if (!server->is_visited_by(caller)) return false;
    any = true;
  }
  return any;
}

Result<Server*> Service::wait_for_free(Thread& caller, std::uint64_t deadline) {
  if (is_waiting_for_itself(caller)) return fail(Status::deadlock);
  const std::atomic<bool>& cancelled = caller.place().process->exiting();
  Server* server = nullptr;
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  callers_.wait(
      [&] {
        if (closed_.load(std::memory_order_relaxed)) return true;
        server = find_free(caller);
        return server != nullptr || cancelled.load(std::memory_order_relaxed);
      },
      deadline);
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
  left();  // who was woken passes it on
  if (server != nullptr) return server;
  return fail(closed_.load(std::memory_order_relaxed) ? Status::peer_closed : Status::timed_out);
}

void Service::left() {
  if (waiting_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
    callers_.wake_one();
}

Door::Door(Charge charge, Ref<Service> service, std::uint64_t cookie)
    : Object(kType), charge_(std::move(charge)), service_(std::move(service)), cookie_(cookie) {}

Door::~Door() { forget(); }

void Door::forget() {
  const SpinGuard guard(service_->lock_);
  if (is_linked()) service_->open_.erase(service_->open_.iterator_to(*this));
}

void Door::no_handles(DropList&) { service_->door_ended(*this); }

Result<std::uint64_t> Door::call(Thread& caller, DoorCall& call, const Words& words, std::uint64_t deadline) {
  if (service_->closed_.load(std::memory_order_relaxed)) return fail(Status::peer_closed);
  // The server's own kernel calls need some.
  if (Scheduler::stack_left() < machine::kThreadStack.call) return fail(Status::limit_reached);
  Server* server = service_->find_free(caller);
  if (server == nullptr) [[unlikely]]
    server = TRY(service_->wait_for_free(caller, deadline));
  if (!call.handles.empty()) {
    const Result<> taken = call.table->take_all(call.handles, call.sent, this);
    if (!taken) {
      server->leave(caller, false);
      service_->left();
      return fail(taken.error());
    }
  }
  Place& place = caller.place();
  const Place outer = place;
  place = {.process = &server->process(), .stack = &server->stack(), .call = &call};
  if (trace::is_on()) [[unlikely]]
    trace::door_enter(caller.number(), server->thread_number());
  using End = wasm::WordCall::End;
  End end = End::unwound;
  std::uint64_t result = 0;
  // After entering: who ends the process has seen this thread inside, or this thread sees that it ends.
  if (!server->process().exiting().load(std::memory_order_acquire)) [[likely]] {
    end = server->code().run({cookie_, words[0], words[1], words[2], words[3]});
    result = server->code().result();
  }
  if (trace::is_on()) [[unlikely]]
    trace::door_leave(caller.number(), server->thread_number(), door_end(end));
  place = outer;
  server->leave(caller, end == End::failed);
  service_->left();
  switch (end) {
    case End::returned: return result;
    case End::failed: return fail(Status::call_failed);
    case End::unwound: break;
  }
  return fail(Status::peer_closed);
}

}  // namespace nebulet::kernel
