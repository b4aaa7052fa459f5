// SPDX-License-Identifier: MIT
// A store's garbage-collected heap with what ties it to the store: its roots, the types of its modules, and
// the operations that need more than a load or a store. Made when the first module needs it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "wasm/runtime/gc_heap.h"
#include "wasm/runtime/store.h"

namespace nebulet::wasm {

class WasmStack;

/// One thread at a time may run code that uses the heap: the stack of the thread that starts a cycle is the
/// only one that is searched for references.
class StoreGc final : private GcRoots {
 public:
  /// nullptr: no address space or memory.
  static std::unique_ptr<StoreGc> create(Store& store);

  GcHeap& heap() { return *heap_; }
  /// Makes the records of a module's types and fills the parts of the context that concern the heap. False:
  /// no memory or too many types.
  bool enter(Instance& instance);
  /// The record of a type that has a canonical id and no supertypes: exceptions.
  std::uint32_t add_type(GcType type) { return heap_->add_type(std::move(type), {}); }

  // Objects. `control`: of the stack whose code asks, which may then be collected for; nullptr for the host,
  // for which nothing is collected. 0: no memory.
  GcRef allocate(std::uint32_t record, StackControl* control);
  GcRef allocate_array(std::uint32_t record, std::uint32_t length, StackControl* control);

  // For constant expressions and the host: complete objects. The caller keeps what it has from being
  // collected: it makes no wasm code run until the objects are reachable. 0: no memory.
  GcRef make_structure(Instance& instance, std::uint32_t type, std::span<const Value> fields);
  GcRef make_structure(Instance& instance, std::uint32_t type);
  GcRef make_array(Instance& instance, std::uint32_t type, std::uint32_t length, const Value& element);
  GcRef make_array(Instance& instance, std::uint32_t type, std::span<const Value> elements);

  // Spec 4.4.5: what the services do. The trap, if it traps. References and indices are checked.
  std::optional<Trap> fill(GcRef array, std::uint32_t index, std::uint32_t count, std::uint64_t bits,
                           std::uint32_t part);
  std::optional<Trap> copy(GcRef to, std::uint32_t to_index, GcRef from, std::uint32_t from_index,
                           std::uint32_t count);
  std::optional<Trap> init_data(Instance& instance, std::uint32_t segment, GcRef array, std::uint32_t index,
                                std::uint32_t from, std::uint32_t count);
  std::optional<Trap> init_elements(Instance& instance, std::uint32_t segment, GcRef array,
                                    std::uint32_t index, std::uint32_t from, std::uint32_t count);

 private:
  explicit StoreGc(Store& store) : store_(store) {}
  void scan(GcHeap& heap) override;
  bool scan_step(GcHeap& heap, bool restart, std::uint32_t budget) override;
  void scan_stack(StackControl& control);
  void scan_frames(const WasmStack& stack, std::uint64_t wasm_sp, std::uint32_t stack_args);
  void scan_frame(const WasmStack& stack, const CodeObject& code, std::uint32_t map, std::uint64_t bottom);
  std::uint32_t record_of(Instance& instance, std::uint32_t type);
  void write(const GcObject& object, std::uint32_t offset, const FieldType& field, const Value& value);
  void shade_elements(const GcObject& array, std::uint32_t index, std::uint32_t count);

  Store& store_;
  std::unique_ptr<GcHeap> heap_;
  boost::unordered_flat_map<std::uint32_t, std::uint32_t> records_;  ///< by canonical id
  StackControl* control_ = nullptr;   ///< of the stack whose code is allocating
  std::vector<std::uint64_t> slots_;  ///< of a frame: a bit for each word that a stack map names
  // Where scan_step stands: tables, then the segments of each instance.
  std::size_t table_ = 0, instance_ = 0, segment_ = 0;
  std::uint32_t element_ = 0;
};

}  // namespace nebulet::wasm
