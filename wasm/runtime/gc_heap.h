// SPDX-License-Identifier: MIT
// The garbage-collected heap of one store: precise, non-moving, incremental mark and sweep, with a snapshot
// at the beginning of each cycle. What generated code can write (the objects) is never trusted: marks, block
// tables and layouts lie outside of its reach, and references, types and lengths are checked whenever they
// are read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "wasm/runtime/gc_blocks.h"
#include "wasm/runtime/gc_layout.h"
#include "wasm/runtime/host.h"

namespace nebulet::wasm {

/// The layout of a type's objects, as the collector trusts it.
struct GcType {
  GcKind kind = GcKind::none;
  std::uint32_t size = 0;                    ///< bytes: of the whole object, for an array of one element
  bool traced_elements = false;              ///< array of traced references
  std::vector<std::uint32_t> traced_fields;  ///< offsets from the header
  std::vector<std::uint32_t> supers;         ///< records of its supertypes, the root first
};

/// An object that was checked: the header names a type, and its bytes lie in its cell.
struct GcObject {
  const GcType* type = nullptr;
  std::byte* address = nullptr;  ///< of the header
  std::uint32_t length = 0;      ///< of an array
  std::uint32_t type_record = 0;
};

class GcHeap;

/// Where a heap's references come from. Every reference that is not in an object of the heap must be
/// reported.
class GcRoots {
 public:
  /// At the start of a cycle, at once: stacks, globals, whatever code may change without telling the heap.
  virtual void scan(GcHeap& heap) = 0;
  /// Then, in steps: tables and segments, whose owner calls GcHeap::shade with what it overwrites. `restart`
  /// begins anew. Reports about `budget` references; false when all have been reported.
  virtual bool scan_step(GcHeap& heap, bool restart, std::uint32_t budget) = 0;

 protected:
  ~GcRoots() = default;
};

struct GcStatistics {
  std::uint64_t allocated = 0;  ///< bytes in all, to the precision of a run of cells
  std::uint64_t cycles = 0;
  std::uint64_t forced = 0;  ///< cycles that had to be finished at once because memory was out
};

class GcHeap {
 public:
  /// nullptr: no address space or memory. `host` is charged for what the heap occupies.
  static std::unique_ptr<GcHeap> create(Host& host, GcRoots& roots);
  ~GcHeap();
  GcHeap(const GcHeap&) = delete;
  GcHeap& operator=(const GcHeap&) = delete;

  std::byte* base() const { return blocks_.base(); }
  std::byte* slot() const { return blocks_.slot(); }
  /// Bytes that blocks may occupy; the host's quota holds besides.
  void set_limit(std::uint64_t bytes) { blocks_.set_limit(bytes); }

  // Types. Records live as long as the heap.
  /// The offset of a new type's record. `supers`: the records of its supertypes, the root first. 0: no memory
  /// or too many types.
  std::uint32_t add_type(GcType type, std::span<const std::uint32_t> supers);
  /// nullptr if there is no record at this offset.
  const GcType* type_at(std::uint32_t record) const {
    const std::uint32_t index = (record - kGcTypesOffset) / kRecordStep;
    return record >= kGcTypesOffset && record % kRecordStep == 0 && index < record_types_.size() &&
                   record_types_[index] != 0
               ? &types_[record_types_[index] - 1]
               : nullptr;
  }

  /// Whether the record of a type names `super`, both of this heap.
  bool is_subtype(std::uint32_t record, std::uint32_t super) const;

  // Objects. Fields and elements of a new one are 0. Any allocation may collect: what only C++ knows must be
  // in a handle then. 0: no memory.
  GcRef allocate(std::uint32_t type_record);  ///< a structure or exception
  GcRef allocate_array(std::uint32_t type_record, std::uint32_t length);
  /// nullopt unless `ref` is an object of this heap.
  std::optional<GcObject> object(GcRef ref) const;
  /// The address of a checked object's element.
  static std::byte* element(const GcObject& array, std::uint32_t index) {
    return array.address + kGcHeaderSize + std::uint64_t{index} * array.type->size;
  }

  // References from C++.
  /// Keeps an object alive until release. Handles are numbered from 1; 0: no memory.
  std::uint32_t hold(GcRef ref);
  GcRef held(std::uint32_t handle) const { return handles_[handle - 1].ref; }
  void release(std::uint32_t handle);

  // Collection.
  bool marking() const { return phase_ == Phase::marking; }
  /// Reports a reference: a root, or one that is about to be overwritten in an object or table.
  void shade(GcRef ref) {
    if (phase_ == Phase::marking && gc_is_object(ref)) mark(ref);
  }
  /// A whole cycle at once.
  void collect();
  enum class Stress : std::uint8_t {
    none,
    collect,  ///< a whole cycle in each allocation
    step,     ///< always in a cycle; each allocation does the least step
  };
  /// While paused, allocation collects nothing: it fails when memory is out.
  void pause(bool paused) { paused_ = paused; }
  /// Freed objects are overwritten too. Before anything is allocated or instantiated.
  void set_stress(Stress stress) {
    stress_ = stress;
    blocks_.set_poison(stress != Stress::none);
  }
  /// Called around whatever the heap does beyond taking the next cell.
  struct Observer {
    void (*begin)(void* state) = nullptr;
    void (*end)(void* state) = nullptr;
    void* state = nullptr;
  };
  void set_observer(const Observer& observer) { observer_ = observer; }
  const GcStatistics& statistics() const { return statistics_; }
  /// Bytes of blocks, committed.
  std::uint64_t committed() const { return blocks_.committed(); }
  /// Bytes of cells that are taken, as far as is known.
  std::uint64_t used() const { return blocks_.used(); }

  /// What the stub nb_builtin_gc_new reads: by size class the next free cell and the end of the free run.
  /// Under stress it finds none.
  GcRun* runs() { return stress_ == Stress::none ? blocks_.runs() : no_runs_.data(); }
  /// The class of a structure's cell for the stub; kGcClasses, which never has a free cell, if it is not for
  /// it.
  std::uint32_t class_for_stub(std::uint32_t type_record) const;

 private:
  enum class Phase : std::uint8_t { idle, marking, sweeping };
  struct Grey {
    GcRef ref;
    std::uint32_t from;  ///< an array's elements below have been visited
  };
  struct Handle {
    GcRef ref;
    std::uint32_t next_free;
  };
  static constexpr std::uint32_t kRecordStep = 16;
  /// Nothing is collected before this many bytes are in use, or more than at the end of the last cycle.
  static constexpr std::uint64_t kFirstCycle = 4ull << 20;

  GcHeap(Host& host, GcRoots& roots) : host_(host), roots_(roots), blocks_(host) {}

  // gc_heap.cpp
  GcRef allocate_bytes(std::uint32_t type_record, std::uint64_t bytes, std::uint32_t length);
  GcRef take(std::uint64_t bytes);
  GcRef take_slowly(std::uint64_t bytes);
  bool commit_records(std::uint64_t end);

  // gc_mark.cpp
  void mark(GcRef ref);
  void push(Grey grey);
  void visit(Grey grey);
  void start_cycle();
  /// Marks about `bytes` bytes of objects, in at most about `units` steps; a unit is a reference or an
  /// object.
  void advance(std::uint64_t bytes, std::uint64_t units);
  bool revisit_some();
  void finish_marking();
  void finish_cycle();
  void finish_now();
  void pace(std::uint64_t allocated);
  void set_marking_flag(bool on);
  bool scattered() const;

  Host& host_;
  GcRoots& roots_;
  GcBlocks blocks_;
  std::vector<GcType> types_;
  std::vector<std::uint32_t> record_types_;  ///< by record offset / kRecordStep: 1 + index in types_, or 0
  std::uint64_t records_committed_ = kGcStateOffset;  ///< end
  std::vector<Handle> handles_;
  std::uint32_t free_handle_ = 0;
  std::uint64_t charged_ = 0;  ///< beside the blocks

  Phase phase_ = Phase::idle;
  Stress stress_ = Stress::none;
  bool paused_ = false;
  std::vector<Grey> grey_;
  std::uint32_t greys_allowed_ = 0;  ///< charged for
  bool overflowed_ = false;          ///< some marked objects are not in grey_; their blocks know
  bool revisiting_ = false;
  std::uint32_t revisit_ = 0;
  std::vector<GcRef> cells_;  ///< of revisit_some
  bool roots_left_ = false;
  std::uint64_t units_ = 0;             ///< done in this step
  std::uint64_t to_mark_ = 0;           ///< bytes that were in use when the cycle began …
  std::uint64_t allowed_ = 0;           ///< … and that may be allocated until it ends
  std::uint64_t marked_ = 0;            ///< bytes
  std::uint64_t start_at_ = 0;          ///< used() at which the next cycle begins
  std::uint64_t allocated_before_ = 0;  ///< when the last cycle ended
  std::array<GcRun, kGcClasses + 1> no_runs_{};
  Observer observer_;
  GcStatistics statistics_;
};

}  // namespace nebulet::wasm
