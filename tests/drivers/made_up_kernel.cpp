// SPDX-License-Identifier: MIT
#include "tests/drivers/made_up_kernel.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>

namespace nebulet::test {
namespace {

World* g_world = nullptr;
std::jmp_buf g_end;

[[noreturn]] void end(End how) { std::longjmp(g_end, 1 + static_cast<int>(how)); }

/// Every call: a driver that makes too many hangs.
World& world() {
  if (g_world->budget-- == 0) end(End::hangs);
  return *g_world;
}

std::span<std::byte> dma_range(nb_handle_t handle, std::uint64_t offset, std::uint64_t count) {
  auto& bytes = g_world->dma.at(handle - 100).bytes;
  if (offset > bytes.size() || count > bytes.size() - offset) return {};
  return std::span(bytes).subspan(offset, count);
}

}  // namespace

std::byte* World::at(std::uint64_t address, std::uint64_t count) {
  for (Dma& memory : dma) {
    if (address >= memory.address && address - memory.address <= memory.bytes.size() &&
        count <= memory.bytes.size() - (address - memory.address))
      return memory.bytes.data() + (address - memory.address);
  }
  return nullptr;
}

End run(World& world, void (*entry)()) {
  g_world = &world;
  const int ended = setjmp(g_end);
  if (ended != 0) return static_cast<End>(ended - 1);
  entry();
  return End::returned;
}

}  // namespace nebulet::test

using namespace nebulet::test;
using nebulet::test::world;

extern "C" {

nb_status_t nb_log_write(nb_log_level_t, const void* text, size_t size) {
  world().said.assign(static_cast<const char*>(text), size);
  return NB_STATUS_OK;
}
void nb_process_exit(uint32_t) { end(End::gave_up); }
int64_t nb_clock_read(nb_clock_t) { return static_cast<int64_t>(world().clock); }

int64_t nb_resource_read(nb_handle_t handle, uint64_t offset, uint32_t bytes) {
  World& w = world();
  const bool is_register = handle == nebulet::virtio::kRegistersHandle ||
                           (w.is_memory_mapped && handle == nebulet::virtio::kDeviceHandle);
  const std::uint32_t value = w.lie()       ? static_cast<std::uint32_t>(w.random.next())
                              : is_register ? w.device->read(static_cast<std::uint32_t>(offset), bytes)
                                            : 0;
  return value & (~0u >> (32 - 8 * bytes));
}
nb_status_t nb_resource_write(nb_handle_t handle, uint64_t offset, uint32_t bytes, uint32_t value) {
  World& w = world();
  if (handle == nebulet::virtio::kRegistersHandle)
    w.device->write(static_cast<std::uint32_t>(offset), bytes, value);
  return NB_STATUS_OK;
}
nb_status_t nb_interrupt_acknowledge(nb_handle_t) {
  world();
  return NB_STATUS_OK;
}

int64_t nb_dma_create(nb_handle_t, uint64_t size) {
  World& w = world();
  w.dma.push_back({0x1000'0000ull * (w.dma.size() + 1), std::vector<std::byte>(size)});
  return static_cast<int64_t>(99 + w.dma.size());
}
int64_t nb_dma_address(nb_handle_t handle) {
  return static_cast<int64_t>(world().dma.at(handle - 100).address);
}
int64_t nb_dma_load(nb_handle_t handle, uint64_t offset, uint32_t bytes) {
  World& w = world();
  const auto range = dma_range(handle, offset, bytes);
  if (range.empty() || offset % bytes != 0) return NB_STATUS_INVALID_ARGUMENT;
  std::uint32_t value = 0;
  if (w.lie())
    for (std::byte& byte : range) byte = static_cast<std::byte>(w.random.next());
  std::memcpy(&value, range.data(), bytes);
  return value;
}
nb_status_t nb_dma_store(nb_handle_t handle, uint64_t offset, uint32_t bytes, uint32_t value) {
  world();
  const auto range = dma_range(handle, offset, bytes);
  if (range.empty() || offset % bytes != 0) return NB_STATUS_INVALID_ARGUMENT;
  std::memcpy(range.data(), &value, bytes);
  return NB_STATUS_OK;
}
nb_status_t nb_dma_read(nb_handle_t handle, uint64_t offset, void* bytes, size_t size) {
  world();
  const auto range = dma_range(handle, offset, size);
  if (range.size() != size) return NB_STATUS_INVALID_ARGUMENT;
  std::memcpy(bytes, range.data(), size);
  return NB_STATUS_OK;
}
nb_status_t nb_dma_write(nb_handle_t handle, uint64_t offset, const void* bytes, size_t size) {
  world();
  const auto range = dma_range(handle, offset, size);
  if (range.size() != size) return NB_STATUS_INVALID_ARGUMENT;
  std::memcpy(range.data(), bytes, size);
  return NB_STATUS_OK;
}
nb_status_t nb_dma_quiesced(nb_handle_t) {
  world();
  return NB_STATUS_OK;
}

int64_t nb_object_wait(nb_handle_t, uint32_t mask, uint64_t deadline) {
  World& w = world();
  if (w.device->interrupts() || w.lie()) return mask;
  if (deadline == ~0ull) end(End::waits);
  w.clock = std::max(w.clock, deadline);
  return NB_STATUS_TIMED_OUT;
}
int64_t nb_object_wait_many(const nb_wait_item_t* items, size_t count, uint32_t* observed, size_t, uint64_t) {
  World& w = world();
  std::fill_n(observed, count, 0);
  const bool interrupt = w.device->interrupts() || w.lie();
  const bool outgoing = !w.outgoing.empty() && (items[1].mask & NB_SIGNAL_READABLE);
  if (!interrupt && !outgoing) end(End::waits);
  if (interrupt) observed[0] = NB_SIGNAL_SIGNALED;
  if (outgoing) observed[1] = NB_SIGNAL_READABLE;
  return interrupt + outgoing;
}

int64_t nb_channel_read(nb_handle_t, void* bytes, size_t size, nb_handle_t*, size_t) {
  World& w = world();
  if (w.outgoing.empty()) return NB_STATUS_SHOULD_WAIT;
  const auto& message = w.outgoing.back();
  if (message.size() > size) return NB_STATUS_TOO_LARGE;
  const size_t read = message.size();
  std::memcpy(bytes, message.data(), read);
  w.outgoing.pop_back();
  return static_cast<int64_t>(read);
}
nb_status_t nb_channel_write(nb_handle_t, const void* bytes, size_t size, const nb_handle_t*, size_t) {
  World& w = world();
  const auto* first = static_cast<const std::byte*>(bytes);
  if (w.incoming.size() == w.most_incoming) return NB_STATUS_SHOULD_WAIT;
  w.incoming.emplace_back(first, first + size);
  return NB_STATUS_OK;
}
int64_t nb_stream_write(nb_handle_t stream, const void* bytes, size_t size) {
  if (g_world->incoming.size() == g_world->most_incoming) return NB_STATUS_PEER_CLOSED;
  return nb_channel_write(stream, bytes, size, nullptr, 0) == NB_STATUS_OK ? static_cast<int64_t>(size)
                                                                           : NB_STATUS_SHOULD_WAIT;
}
int64_t nb_stream_read(nb_handle_t, void*, size_t) { return NB_STATUS_PEER_CLOSED; }

nb_status_t nb_service_serve(nb_handle_t, uint32_t, uint64_t) {
  World& w = world();
  for (int i = 0; i < w.client_calls; ++i) w.client({});
  return NB_STATUS_PEER_CLOSED;
}
nb_status_t nb_door_read(uint32_t offset, void* bytes, size_t size) {
  World& w = world();
  if (offset > w.request.size() || size > w.request.size() - offset) return NB_STATUS_TOO_LARGE;
  std::memcpy(bytes, w.request.data() + offset, size);
  return NB_STATUS_OK;
}
nb_status_t nb_door_write(uint32_t offset, const void* bytes, size_t size) {
  World& w = world();
  if (offset > w.reply.size() || size > w.reply.size() - offset) return NB_STATUS_TOO_LARGE;
  std::memcpy(w.reply.data() + offset, bytes, size);
  return NB_STATUS_OK;
}

nb_status_t nb_dma_take_request(nb_handle_t handle, uint64_t offset, uint32_t from, uint32_t size) {
  const auto range = dma_range(handle, offset, size);
  return range.size() == size ? nb_door_read(from, range.data(), size) : NB_STATUS_INVALID_ARGUMENT;
}
nb_status_t nb_dma_give_reply(nb_handle_t handle, uint64_t offset, uint32_t to, uint32_t size) {
  const auto range = dma_range(handle, offset, size);
  return range.size() == size ? nb_door_write(to, range.data(), size) : NB_STATUS_INVALID_ARGUMENT;
}

}  // extern "C"
