// SPDX-License-Identifier: MIT
// A linear memory: a slot of address space that never moves, whose pages are committed when they are first
// touched.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "wasm/binary/types.h"
#include "wasm/runtime/host.h"
#include "wasm/runtime/layout.h"
#include "wasm/runtime/memory_image.h"

namespace nebulet::wasm {

enum class GuestResult : std::uint8_t { ok, out_of_bounds, out_of_memory };

/// Owned by a store. Kernel code must not touch its bytes but through read, write, move and fill: the page
/// may not be there yet and memory may be out. Growing is for one thread at a time unless the memory is
/// shared; reading the size is for any.
class Memory {
 public:
  /// nullptr: no address space, or more than a slot holds. `type` was validated. `untouched`: no page is
  /// brought before it is used, for `show`.
  static std::unique_ptr<Memory> create(Host& host, const MemoryType& type, bool untouched = false);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* base() const { return base_; }
  /// Of type().page_size() bytes each.
  std::uint64_t pages() const { return size_.pages.load(std::memory_order_acquire); }
  std::uint64_t size() const { return pages() << type_.page_log2; }
  const std::uint64_t* pages_address() const { return reinterpret_cast<const std::uint64_t*>(&size_.pages); }
  bool is_64() const { return type_.limits.is_64; }
  bool is_shared() const { return type_.limits.shared; }
  /// As an import sees it: the minimum is the current size (spec 4.5.3.3).
  MemoryType type() const;

  /// Old size in pages, or -1 if the maximum, the quota or the address space forbids it.
  std::int64_t grow(std::uint64_t delta);

  /// Lets pages that nobody touched yet read as the image, which outlives the memory; writes copy them.
  /// False: out of memory.
  bool show(const MemoryImage& image);

  /// Memory that is shown in linear memories; it stays as long as it is held.
  class Shared {
   public:
    virtual void hold() = 0;
    virtual void let_go() = 0;

   protected:
    ~Shared() = default;
  };
  static constexpr std::size_t kMaxMappings = 1024;
  enum class MapResult : std::uint8_t { ok, misaligned, outside, occupied, shared, too_many, out_of_memory };
  /// Shows [of, of + size), which `owner` keeps, at `at`, in place of what was there. Both numbers are
  /// multiples of kWasmPage; of unshared memories, by the thread that runs their instances.
  MapResult map(std::uint64_t at, const std::byte* of, std::uint64_t size, bool writable, Shared& owner);
  /// Ends the mapping that begins at `at`; zeros are there then. False: there is none.
  bool unmap(std::uint64_t at);

  // Bounds-checked copies between the kernel and the memory, and inside memories; nothing is written if out
  // of bounds. After out_of_memory a part may have been written.
  GuestResult read(std::uint64_t at, std::span<std::byte> into) const;
  GuestResult write(std::uint64_t at, std::span<const std::byte> bytes);
  GuestResult fill(std::uint64_t at, std::uint8_t value, std::uint64_t count);
  static GuestResult move(Memory& to, std::uint64_t to_at, Memory& from, std::uint64_t from_at,
                          std::uint64_t count);
  bool contains(std::uint64_t at, std::uint64_t count) const { return at <= size() && count <= size() - at; }

  /// An atomic operation; the address is aligned.
  enum class Bits : std::uint8_t { and_, or_, xor_ };
  struct Modified {
    GuestResult access;
    std::uint64_t old;
  };
  Modified modify(std::uint64_t at, unsigned bytes, Bits operation, std::uint64_t operand);

  // memory.atomic.wait and notify. The address is aligned, but not compared with the size.
  struct Waited {
    GuestResult access;
    Host::Waited result;
  };
  Waited wait(std::uint64_t at, unsigned bytes, std::uint64_t expected, std::int64_t timeout_ns);
  std::uint32_t notify(std::uint64_t at, std::uint32_t count);

  enum class Touch : std::uint8_t { outside, committed, out_of_memory };
  /// Fault path: commits the pages around `address` if it lies inside the memory's size.
  Touch touch(std::uint64_t address);
  /// Fault path: the memory whose slot holds `address`, or nullptr.
  static Memory* find(std::uint64_t address);

 private:
  Memory(Host& host, const MemoryType& type, const Host::Slot& kind, std::byte* slot);
  bool enter();
  bool is_read_only(std::uint64_t at, std::uint64_t count) const;
  void leave(std::uint64_t slots);

  Host& host_;
  const MemoryType type_;
  const Host::Slot kind_;
  std::byte* const slot_;
  std::byte* const base_;
  MemorySize size_;
  std::uint64_t max_pages_;
  std::uint64_t registered_ = 0;  ///< parts of the slot that find() knows
  std::atomic<std::uint64_t> committed_;
  /// Shared memories: one bit for each part that a fault commits, so that it is charged once.
  std::unique_ptr<std::atomic<std::uint64_t>[]> touched_;
  struct Mapping {
    std::uint64_t at, size;
    bool writable;
    Shared* owner;
    /// What its page tables and this take.
    std::uint64_t charge() const { return kHostPage + size / 512; }
  };
  /// The first one that ends behind `at`.
  std::vector<Mapping>::const_iterator mapping_from(std::uint64_t at) const;
  std::vector<Mapping> mappings_;  ///< ascending
  bool was_mapped_ = false;        ///< the slot is not as it was taken
};

}  // namespace nebulet::wasm
