// SPDX-License-Identifier: MIT
// Types, allocation and roots of a store's heap; gc_objects.cpp has the operations on objects.
#include "wasm/runtime/gc_store.h"

#include <algorithm>

#include "wasm/runtime/frames.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

bool is_traced(const ValType& type) {
  return type.is_ref() && type.heap != kFuncHeap && type.heap != kNoFuncHeap;
}

GcType layout_of(const Module& module, const TypeDef& def) {
  auto traced = [&](const FieldType& field) {
    return field.type.is_ref() && !module.is_func_heap(field.type.heap);
  };
  GcType type;
  if (def.kind == TypeDef::Kind::array) {
    type.kind = GcKind::array;
    type.size = field_bytes(def.fields[0]);
    type.traced_elements = traced(def.fields[0]);
    return type;
  }
  type.kind = GcKind::structure;
  type.size = def.object_bytes;
  for (std::size_t i = 0; i < def.fields.size(); ++i)
    if (traced(def.fields[i])) type.traced_fields.push_back(def.offsets[i]);
  return type;
}

}  // namespace

std::unique_ptr<StoreGc> StoreGc::create(Store& store) {
  std::unique_ptr<StoreGc> gc(new StoreGc(store));
  gc->heap_ = GcHeap::create(store.host(), *gc);
  if (!gc->heap_) return nullptr;
  gc->slots_.resize(kMaxFrame / 4 / 64);
  return gc;
}

/// Equal types of all modules have one record; a supertype's comes first.
std::uint32_t StoreGc::record_of(Instance& instance, std::uint32_t type) {
  const std::uint32_t id = instance.code().type_id(type);
  if (const auto found = records_.find(id); found != records_.end()) return found->second;
  const Module& module = instance.module();
  std::vector<std::uint32_t> supers;
  for (std::uint32_t super = module.types[type].super; super != TypeDef::kNone;
       super = module.types[super].super)
    supers.push_back(records_.find(instance.code().type_id(super))->second);
  std::ranges::reverse(supers);
  const std::uint32_t record = heap_->add_type(layout_of(module, module.types[type]), supers);
  if (record != 0) records_.emplace(id, record);
  return record;
}

bool StoreGc::enter(Instance& instance) {
  const Module& module = instance.module();
  InstanceContext& context = *instance.context();
  auto* records = reinterpret_cast<std::uint32_t*>(reinterpret_cast<std::byte*>(&context) +
                                                   instance.code().layout().records);
  instance.gc_allocations_.resize(module.types.size());
  for (std::uint32_t i = 0; i < module.types.size(); ++i) {
    if (module.types[i].kind == TypeDef::Kind::function) {
      instance.gc_allocations_[i].size_class = kGcClasses;
      continue;
    }
    const std::uint32_t record = record_of(instance, i);
    if (record == 0) return false;
    records[i] = record;
    const std::uint32_t size_class = heap_->class_for_stub(record);
    const std::uint32_t cell = size_class < kGcClasses ? kGcCellSizes[size_class] : 0u;
    instance.gc_allocations_[i] = {record, size_class, cell, 0};
  }
  context.gc_base = heap_->base();
  context.gc_allocations = instance.gc_allocations_.data();
  context.gc_types = module.types.size();
  context.gc_runs = heap_->runs();
  return true;
}

GcRef StoreGc::allocate(std::uint32_t record, StackControl* control) {
  control_ = control;
  heap_->pause(control == nullptr);
  return heap_->allocate(record);
}

GcRef StoreGc::allocate_array(std::uint32_t record, std::uint32_t length, StackControl* control) {
  control_ = control;
  heap_->pause(control == nullptr);
  return heap_->allocate_array(record, length);
}

// --- Roots

void StoreGc::scan(GcHeap& heap) {
  if (control_) scan_stack(*control_);
  for (const auto& instance : store_.instances_) {
    const auto& globals = instance->module().globals;
    for (std::uint32_t i = 0; i < globals.size(); ++i) {
      if (!is_traced(globals[i].type.type) || global_is_indirect(instance->module(), i)) continue;
      const auto* cell =
          reinterpret_cast<const std::byte*>(instance->context()) + instance->code().layout().global(i);
      heap.shade(static_cast<std::uint32_t>(reinterpret_cast<const Value*>(cell)->low));
    }
  }
  for (const auto& global : store_.globals_)
    if (is_traced(global->type.type)) heap.shade(static_cast<std::uint32_t>(global->cell->low));
}

/// All activations on the stack, innermost first.
void StoreGc::scan_stack(StackControl& control) {
  const WasmStack* stack = WasmStack::find(reinterpret_cast<std::uint64_t>(&control));
  if (!stack) return;
  std::uint64_t wasm_sp = control.wasm_sp, stack_args = control.stack_args;
  for (const Activation* a = control.activation; a; a = a->previous) {
    scan_frames(*stack, wasm_sp, static_cast<std::uint32_t>(stack_args));
    wasm_sp = a->outer_wasm_sp;
    stack_args = a->outer_stack_args;
  }
}

void StoreGc::scan_frames(const WasmStack& stack, std::uint64_t wasm_sp, std::uint32_t stack_args) {
  FrameWalk walk(stack, {.pc = *reinterpret_cast<const std::uint64_t*>(wasm_sp),
                         .sp = wasm_sp + 8,
                         .is_return = true,
                         .stack_args = stack_args});
  for (; walk.find_function(); walk.leave()) {
    const CodeObject& code = walk.code().code();
    const std::uint64_t bottom = walk.frame_bottom();
    const CallSite* site = walk.code().call_returning_to(walk.cursor().pc);
    if (site && site->stack_map != kNoStackMap) scan_frame(stack, code, site->stack_map, bottom);
    const std::uint32_t always =
        code.functions[walk.function() - walk.code().module().imported_functions].stack_map;
    if (always != kNoStackMap) scan_frame(stack, code, always, bottom);
  }
}

/// Reports what a stack map names: the differences up to it are applied to the full map before it.
void StoreGc::scan_frame(const WasmStack& stack, const CodeObject& code, std::uint32_t map,
                         std::uint64_t bottom) {
  std::uint32_t first = map;
  while (!code.stack_maps[first].full) --first;
  const std::size_t begin = code.stack_maps[first].first;
  const std::size_t end =
      map + 1 < code.stack_maps.size() ? code.stack_maps[map + 1].first : code.map_slots.size();
  for (std::size_t at = begin; at < end; ++at)
    slots_[code.map_slots[at] / 4 / 64] ^= 1ull << (code.map_slots[at] / 4 % 64);
  for (std::size_t at = begin; at < end; ++at) {
    const std::uint32_t slot = code.map_slots[at];
    std::uint64_t& word = slots_[slot / 4 / 64];
    const std::uint64_t bit = 1ull << (slot / 4 % 64);
    if (!(word & bit)) continue;
    word &= ~bit;
    const std::uint64_t address = bottom + slot;
    if (address >= stack.low() && address <= stack.top() - 4)
      heap_->shade(*reinterpret_cast<const std::uint32_t*>(address));
  }
}

bool StoreGc::scan_step(GcHeap& heap, bool restart, std::uint32_t budget) {
  if (restart) table_ = instance_ = segment_ = element_ = 0;
  for (; table_ < store_.tables_.size(); ++table_, element_ = 0) {
    const Table& table = *store_.tables_[table_];
    if (!is_traced(table.type().element)) continue;
    for (; element_ < table.size(); ++element_) {
      if (budget-- == 0) return true;
      heap.shade(table.get(element_));
    }
  }
  for (; instance_ < store_.instances_.size(); ++instance_, segment_ = 0) {
    const Instance& instance = *store_.instances_[instance_];
    for (; segment_ < instance.elements_.size(); ++segment_, element_ = 0) {
      if (!is_traced(instance.module().elements[segment_].type)) continue;
      for (; element_ < instance.elements_[segment_].size(); ++element_) {
        if (budget-- == 0) return true;
        heap.shade(instance.elements_[segment_][element_]);
      }
    }
  }
  return false;
}

}  // namespace nebulet::wasm
