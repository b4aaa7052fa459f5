// SPDX-License-Identifier: MIT
// service.*, door.*
#include <algorithm>
#include <array>
#include <boost/container/static_vector.hpp>

#include "abi/generated/calls.h"
#include "kernel/syscall/exchange.h"

namespace nebulet::kernel {
namespace {

constexpr std::size_t kMaxCookies = 64;
constexpr std::uint32_t kPiece = 256 * 1024;  ///< of a copy, between which others may run

/// The function that element `index` of the instance's table 0 is.
Result<wasm::Function*> entry_at(wasm::Instance& instance, std::uint32_t index) {
  if (instance.tables() == 0 || index >= instance.table(0).size()) return fail(Status::invalid_argument);
  wasm::Function* function = instance.store().function(instance.table(0).elements()[index].ref);
  if (function == nullptr || !wasm::WordCall::takes(*function)) return fail(Status::invalid_argument);
  return function;
}

/// A copy in pieces; what was copied before an error stays.
Result<> copy(CallContext& context, wasm::Memory& to, std::uint64_t to_at, wasm::Memory& from,
              std::uint64_t from_at, std::uint32_t size) {
  for (std::uint32_t done = 0; done < size;) {
    const std::uint32_t piece = std::min(size - done, kPiece);
    TRY(to_result(wasm::Memory::move(to, to_at + done, from, from_at + done, piece)));
    done += piece;
    if (done < size && !may_go_on(context)) break;
  }
  return {};
}

}  // namespace

Result<HandleValue> sys_service_create(CallContext& context) {
  const QuotaRef& quota = context.process.quota();
  return context.process.handles().insert(
      Handle(TRY(make_object<Service>(quota, 0)),
             Right::duplicate | Right::transfer | Right::wait | Right::signal | Right::manage));
}

Served sys_service_serve(CallContext& context, HandleArg<Service, Right::manage> service, std::uint32_t entry,
                         std::uint64_t deadline) {
  const auto function = entry_at(context.instance, entry);
  if (!function) return {fail(function.error())};
  return {service->serve(context.thread, context.process.quota(), **function, deadline)};
}

Result<std::uint32_t> sys_service_ended(CallContext&, HandleArg<Service, Right::manage> service,
                                        GuestArrayOut<std::uint64_t> cookies) {
  std::array<std::uint64_t, kMaxCookies> found = {};
  const std::size_t room = std::min<std::size_t>(cookies.count(), found.size());
  TRY(cookies.write(std::span<const std::uint64_t>(found).first(room)));  // commits the pages, which stay
  const std::size_t count = service->take_ended(std::span(found).first(room));
  TRY(cookies.write(std::span<const std::uint64_t>(found).first(count)));
  return static_cast<std::uint32_t>(count);
}

Result<HandleValue> sys_door_create(CallContext& context, HandleArg<Service, Right::manage> service,
                                    std::uint64_t cookie) {
  const Ref<Door> door = TRY(service->create_door(context.process.quota(), cookie));
  std::array<Handle, 1> handle = {
      Handle(door, Right::duplicate | Right::transfer | Right::transact | Right::wait | Right::signal)};
  std::array<HandleValue, 1> value;
  const Result<> inserted = context.process.handles().insert_all(handle, value);
  if (inserted) return value[0];
  door->forget();
  return fail(inserted.error());
}

Result<std::uint64_t> sys_door_call(CallContext& context, HandleArg<Door, Right::transact> door,
                                    std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
                                    std::uint64_t deadline) {
  DoorCall call;
  return door->call(context.thread, call, {a, b, c, d}, deadline);
}

Result<std::uint64_t> sys_door_exchange(CallContext& context, HandleArg<Door, Right::transact> door,
                                        std::uint64_t word, GuestIn request, GuestOut reply,
                                        GuestArrayIn<HandleValue> handles,
                                        GuestArrayOut<HandleValue> received, std::uint64_t deadline) {
  if (handles.count() > kMaxMessageHandles || received.count() > kMaxMessageHandles)
    return fail(Status::too_large);
  HandleTable& table = context.process.handles();
  using boost::container::static_vector;
  static_vector<HandleValue, kMaxMessageHandles> values(handles.count()), places(received.count());
  static_vector<Handle, kMaxMessageHandles> sent(handles.count()), given(received.count());
  DoorCall call{.memory = context.memory,
                .request = request.address(),
                .request_size = request.size(),
                .reply = reply.address(),
                .reply_size = reply.size(),
                .table = &table,
                .handles = values,
                .sent = sent,
                .received = given,
                .is_exchange = true};
  TRY(handles.read(values));
  TRY(received.write(std::span<const HandleValue>(places)));  // commits the pages
  const Door::Words words = {word, request.size(), reply.size(),
                             handles.count() | std::uint64_t{received.count()} << 32};
  const std::uint64_t result = TRY(door->call(context.thread, call, words, deadline));
  const auto came = std::span(given).first(call.given);
  TRY(table.insert_all(came, std::span(places).first(call.given)));
  TRY(received.write(std::span<const HandleValue>(places).first(call.given)));
  return result;
}

Result<> sys_door_read(CallContext& context, std::uint32_t offset, GuestOut bytes) {
  DoorCall& call = *TRY(current_exchange(context));
  if (offset > call.request_size || bytes.size() > call.request_size - offset) return fail(Status::too_large);
  if (bytes.size() == 0) return {};
  return copy(context, *context.memory, bytes.address(), *call.memory, std::uint64_t{call.request} + offset,
              bytes.size());
}

Result<> sys_door_write(CallContext& context, std::uint32_t offset, GuestIn bytes) {
  DoorCall& call = *TRY(current_exchange(context));
  if (offset > call.reply_size || bytes.size() > call.reply_size - offset) return fail(Status::too_large);
  if (bytes.size() == 0) return {};
  return copy(context, *call.memory, std::uint64_t{call.reply} + offset, *context.memory, bytes.address(),
              bytes.size());
}

Result<std::uint32_t> sys_door_take(CallContext& context, GuestArrayOut<HandleValue> handles) {
  DoorCall& call = *TRY(current_exchange(context));
  if (call.sent.size() > handles.count()) return fail(Status::too_large);
  std::array<HandleValue, kMaxMessageHandles> values = {};
  const auto used = std::span(values).first(call.sent.size());
  TRY(handles.write(std::span<const HandleValue>(used)));  // commits the pages, which stay
  TRY(context.process.handles().insert_all(call.sent, used));
  call.sent = {};
  TRY(handles.write(std::span<const HandleValue>(used)));
  return static_cast<std::uint32_t>(used.size());
}

Result<> sys_door_give(CallContext& context, GuestArrayIn<HandleValue> handles) {
  DoorCall& call = *TRY(current_exchange(context));
  if (handles.count() > call.received.size() - call.given) return fail(Status::too_large);
  std::array<HandleValue, kMaxMessageHandles> values;
  const auto used = std::span(values).first(handles.count());
  TRY(handles.read(used));
  TRY(context.process.handles().take_all(used, call.received.subspan(call.given)));
  call.given += handles.count();
  return {};
}

}  // namespace nebulet::kernel
