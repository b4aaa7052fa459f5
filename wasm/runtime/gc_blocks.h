// SPDX-License-Identifier: MIT
// The memory under a garbage-collected heap: blocks of 64 KiB, each of cells of one size, or several of them
// for one large object; which cells are taken, and which are marked. Knows nothing of what is in a cell.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "wasm/runtime/gc_layout.h"
#include "wasm/runtime/host.h"
#include "wasm/runtime/layout.h"

namespace nebulet::wasm {

constexpr std::uint32_t kGcBlockShift = 16, kGcBlock = 1u << kGcBlockShift;
constexpr std::uint32_t kGcMaxSmall = kGcBlock / 2;
constexpr std::array<std::uint16_t, 40> kGcCellSizes = {
    16,   24,   32,   40,   48,   56,   64,   80,    96,    112,   128,   160,  192,  224,
    256,  320,  384,  448,  512,  640,  768,  896,   1024,  1280,  1536,  1792, 2048, 2560,
    3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 13104, 16384, 21840, 32768};
constexpr std::uint32_t kGcClasses = kGcCellSizes.size();
/// The class of cells for objects of `bytes`, at most kGcMaxSmall.
std::uint32_t gc_class_of(std::uint64_t bytes);

class GcBlocks {
 public:
  explicit GcBlocks(Host& host) : host_(host) {}
  ~GcBlocks();
  GcBlocks(const GcBlocks&) = delete;
  GcBlocks& operator=(const GcBlocks&) = delete;

  /// False: no address space.
  bool reserve();
  std::byte* base() const { return base_; }
  std::byte* slot() const { return slot_; }
  void set_limit(std::uint64_t bytes) { limit_ = bytes; }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t used() const { return used_; }
  /// Bytes of blocks that could still be had: free ones, and what limit and quota leave.
  std::uint64_t available() const;
  std::uint64_t room() const { return used_ < total() ? total() - used_ : 0; }
  GcRun* runs() { return runs_.data(); }

  // Allocation. `black`: the cells taken count as marked.
  /// Gives runs()[size_class] free cells. False: there are none, not even in blocks not swept yet.
  bool refill(std::uint32_t size_class, bool black);
  /// A zeroed object of its own blocks. 0: none.
  GcRef take_large(std::uint64_t bytes, bool black);

  /// A cell or large object: `size` 0 if there is none at `ref`, or it is free.
  struct Cell {
    GcRef ref = 0;
    std::uint64_t size = 0;
  };
  Cell find(GcRef ref) const;

  // Marks.
  /// Before a cycle: no cell is marked but the free ones of the runs.
  void clear_marks();
  /// Marks a cell; its size, or 0 if there is none or it was marked.
  std::uint64_t mark(GcRef ref);
  /// The block holds marked objects whose fields have not been visited.
  void set_revisit(GcRef ref) { blocks_[index_of(ref)].revisit = true; }
  /// The first such block from `from` on, now without the flag; its marked cells are put into `cells`. False:
  /// none.
  bool take_revisit(std::uint32_t& from, std::vector<GcRef>& cells);

  // Sweeping: what is not marked is free.
  void start_sweep();
  /// About `count` blocks; false when there are no more.
  bool sweep(std::uint32_t count);
  void set_poison(bool poison) { poison_ = poison; }
  /// Gives free blocks back to the host beyond `keep` bytes, at most `count` blocks.
  void release(std::uint64_t keep, std::uint32_t count);
  std::uint32_t count() const { return static_cast<std::uint32_t>(blocks_.size()); }

 private:
  enum class State : std::uint8_t { unused, free, small, large, large_tail };
  struct Bits {
    std::array<std::uint64_t, kGcBlock / 16 / 64> live{}, marks{};
  };
  struct Block {
    State state = State::unused;
    std::uint8_t size_class = 0;
    bool in_free = false, in_unused = false;  ///< stands in that list
    bool revisit = false;
    bool fresh = false;                 ///< what was never taken is still zero
    bool live = false, marked = false;  ///< large
    std::uint16_t hint = 0;             ///< small: no cell below is free
    std::uint32_t blocks = 0;           ///< large: how many
    std::unique_ptr<Bits> bits;
  };
  static constexpr std::uint32_t kMost =
      static_cast<std::uint32_t>((1ull << 32) - kGcObjectsOffset) >> kGcBlockShift;

  static std::uint32_t index_of(GcRef ref) { return (ref - kGcObjectsOffset) >> kGcBlockShift; }
  static GcRef ref_of(std::uint32_t block) { return kGcObjectsOffset + (block << kGcBlockShift); }
  static std::uint32_t cells_of(std::uint32_t size_class) { return kGcBlock / kGcCellSizes[size_class]; }
  std::uint64_t total() const { return committed_ + growth(); }
  std::uint64_t growth() const;
  bool take_run(std::uint32_t block, bool black);
  bool commit(std::uint32_t block, std::uint32_t count);
  void make_free(std::uint32_t block);
  std::uint32_t take_free();
  std::uint32_t new_small(std::uint32_t size_class);
  void sweep_block(std::uint32_t block);

  Host& host_;
  std::byte* slot_ = nullptr;
  std::byte* base_ = nullptr;
  std::uint64_t limit_ = ~0ull;
  std::uint64_t committed_ = 0, used_ = 0, charged_ = 0;
  std::uint64_t free_bytes_ = 0;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> free_, unused_;  ///< some entries are no longer what the list says
  std::array<std::vector<std::uint32_t>, kGcClasses> with_room_;  ///< blocks that may have free cells
  std::array<GcRun, kGcClasses + 1> runs_{};                      ///< the last stays empty
  std::uint32_t swept_ = 0;  ///< blocks below have been swept; count() when all have
  bool poison_ = false;
};

}  // namespace nebulet::wasm
