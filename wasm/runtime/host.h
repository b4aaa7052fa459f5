// SPDX-License-Identifier: MIT
// What the runtime asks of whoever embeds it: address space, pages and quota. One Host for each process
// (store), so that what its instances touch is charged to it; its object outlives every store, stack and
// module that was made with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace nebulet::wasm {

/// The operations have the meaning of machine/include/machine/memory.h. All but reserve and release may be
/// called in a fault handler, so they take no lock that code which touches guest memory may hold, and no
/// heap.
class Host {
 public:
  enum class Protection : std::uint8_t { none, read, read_write, execute };

  /// Address space, inaccessible; `align` is a power of two. nullptr: none left.
  virtual std::byte* reserve(std::uint64_t size, std::uint64_t align) = 0;
  /// Gives back a whole reservation with all that was committed in it.
  virtual void release(std::byte* base, std::uint64_t size) = 0;
  /// A reservation of a kind that processes take and give back all the time; `ready` bytes at `ready_at` are
  /// committed, readable, writable and zero.
  struct Slot {
    std::uint64_t size, align, ready_at = 0, ready = 0;
    bool operator==(const Slot&) const = default;
  };
  /// nullptr: no address space, or no memory. Charging for what is ready is the caller's part.
  virtual std::byte* take_slot(const Slot& slot) {
    std::byte* const base = reserve(slot.size, slot.align);
    if (!base || !slot.ready || commit(base + slot.ready_at, slot.ready, Protection::read_write)) return base;
    release(base, slot.size);
    return nullptr;
  }
  /// What is ready must still be readable and writable; what else was committed goes.
  virtual void give_slot(std::byte* base, const Slot& slot) { release(base, slot.size); }
  /// Backs pages with zeroed memory; pages that have memory keep it. How many bytes had none. nullopt: out of
  /// memory.
  virtual std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection) = 0;
  /// Of memory that others can show; nullptr: none, or the host has nothing like it.
  virtual std::byte* reserve_shareable(std::uint64_t) { return nullptr; }
  enum class Sharing : std::uint8_t { read, read_write, copy };
  virtual bool show(std::byte*, const std::byte*, std::uint64_t, Sharing) { return false; }
  virtual std::uint64_t decommit(std::byte* at, std::uint64_t size) = 0;
  virtual void protect(std::byte* at, std::uint64_t size, Protection protection) = 0;
  /// Copies to committed pages whatever their protection is.
  virtual void write_protected(std::byte* to, std::span<const std::byte> bytes) = 0;

  /// Takes `bytes` from the process's memory quota before the runtime commits or allocates them. False:
  /// beyond the quota.
  virtual bool charge(std::uint64_t bytes) = 0;
  virtual void uncharge(std::uint64_t bytes) = 0;
  /// Bytes that charge would grant at this moment; memory.grow fails when it asks for more.
  virtual std::uint64_t available() const = 0;

  /// What memory.atomic.wait gives (threads proposal).
  enum class Waited : std::uint8_t { woken = 0, not_equal = 1, timed_out = 2 };
  /// Blocks the thread until notify(at, …), if the `bytes` (4 or 8) bytes at `at`, which are there and
  /// aligned, are `expected`; a negative timeout is none. No notification is lost between comparison and
  /// waiting.
  virtual Waited wait(const std::byte* at, unsigned bytes, std::uint64_t expected,
                      std::int64_t timeout_ns) = 0;
  /// Wakes at most `count` threads that wait at `at`; how many.
  virtual std::uint32_t notify(const std::byte* at, std::uint32_t count) = 0;

 protected:
  ~Host() = default;
};

constexpr std::uint64_t kHostPage = 4096;

}  // namespace nebulet::wasm
