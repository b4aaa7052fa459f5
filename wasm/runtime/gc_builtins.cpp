// SPDX-License-Identifier: MIT
// The services of generated code for objects. See builtins.cpp for what holds in them.
#include "wasm/runtime/gc_store.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/stubs.h"
#include "wasm/runtime/unwind.h"

using namespace nebulet::wasm;

namespace {

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

struct Caller {
  Instance& instance;
  StoreGc& gc;
  StackControl& control;
  /// A new object, or a trap.
  std::uint64_t made(GcRef ref) const {
    if (ref == 0) trap_from_call(control, Trap::out_of_memory);
    return ref;
  }
  std::uint64_t finish(std::optional<Trap> trap) const {
    if (trap) trap_from_call(control, *trap);
    return 0;
  }
};

Caller caller(InstanceContext* context, StackControl* control) {
  Instance& instance = Instance::of(context);
  StoreGc* gc = instance.store().gc();
  if (!gc) trap_from_call(*control, Trap::out_of_memory);
  return {instance, *gc, *control};
}

bool is_function_subtype(const Function& function, const ModuleCode& code, std::uint32_t type) {
  return is_subtype(*function.canonical, code.types()[type]);
}

}  // namespace

#define NB_SERVICE(name)                                                                              \
  extern "C" std::uint64_t nb_do_##name(InstanceContext* context, std::uint64_t imm, std::uint64_t a, \
                                        std::uint64_t b, std::uint64_t c, StackControl* control);     \
  std::uint64_t nb_do_##name(InstanceContext* context, [[maybe_unused]] std::uint64_t imm,            \
                             [[maybe_unused]] std::uint64_t a, [[maybe_unused]] std::uint64_t b,      \
                             [[maybe_unused]] std::uint64_t c, StackControl* control)

NB_SERVICE(gc_shade) {
  caller(context, control).gc.heap().shade(low(a));
  return 0;
}

NB_SERVICE(gc_new) {
  const Caller from = caller(context, control);
  return from.made(from.gc.allocate(from.instance.gc_record(low(imm)), control));
}

NB_SERVICE(gc_new_array) {
  const Caller from = caller(context, control);
  return from.made(from.gc.allocate_array(from.instance.gc_record(low(imm)), low(a), control));
}

NB_SERVICE(gc_new_data) {
  const Caller from = caller(context, control);
  const std::uint32_t record = from.instance.gc_record(low(imm));
  const GcType* type = from.gc.heap().type_at(record);
  const std::uint64_t bytes = type ? std::uint64_t{low(b)} * type->size : 0;
  const std::uint64_t all = from.instance.data(high(imm)).size();
  if (low(a) > all || bytes > all - low(a)) trap_from_call(*control, Trap::memory_out_of_bounds);
  const auto array = static_cast<GcRef>(from.made(from.gc.allocate_array(record, low(b), control)));
  from.finish(from.gc.init_data(from.instance, high(imm), array, 0, low(a), low(b)));
  return array;
}

NB_SERVICE(gc_new_elem) {
  const Caller from = caller(context, control);
  const std::uint64_t all = from.instance.elements(high(imm)).size();
  if (low(a) > all || low(b) > all - low(a)) trap_from_call(*control, Trap::table_out_of_bounds);
  const auto array = static_cast<GcRef>(
      from.made(from.gc.allocate_array(from.instance.gc_record(low(imm)), low(b), control)));
  from.finish(from.gc.init_elements(from.instance, high(imm), array, 0, low(a), low(b)));
  return array;
}

NB_SERVICE(gc_fill) {
  const Caller from = caller(context, control);
  return from.finish(from.gc.fill(low(a), low(c), high(c), b, high(imm)));
}

NB_SERVICE(gc_copy) {
  const Caller from = caller(context, control);
  return from.finish(from.gc.copy(low(a), low(b), high(a), high(b), low(c)));
}

NB_SERVICE(gc_init_data) {
  const Caller from = caller(context, control);
  return from.finish(from.gc.init_data(from.instance, high(imm), low(a), low(b), high(b), low(c)));
}

NB_SERVICE(gc_init_elem) {
  const Caller from = caller(context, control);
  return from.finish(from.gc.init_elements(from.instance, high(imm), low(a), low(b), high(b), low(c)));
}

/// Whether a reference that is not null is of a heap type of the module (spec 3.1.6).
static bool is_of(Instance& instance, GcRef ref, HeapType heap) {
  const Module& module = instance.module();
  if (module.is_func_heap(heap)) {
    const Function* function = instance.store().function(ref);
    if (!function || heap == kNoFuncHeap) return false;
    return heap == kFuncHeap || is_function_subtype(*function, instance.code(), heap.code);
  }
  if (heap == kAnyHeap || heap == kExternHeap || heap == kExnHeap) return true;
  if (heap == kNoneHeap || heap == kNoExternHeap || heap == kNoExnHeap) return false;
  if (heap == kI31Heap) return gc_is_i31(ref);
  if (heap == kEqHeap) return !gc_is_host(ref);
  StoreGc* gc = instance.store().gc();
  const std::optional<GcObject> object = gc ? gc->heap().object(ref) : std::nullopt;
  if (!object) return false;
  if (heap == kStructHeap) return object->type->kind == GcKind::structure;
  if (heap == kArrayHeap) return object->type->kind == GcKind::array;
  return heap.is_index() && gc->heap().is_subtype(object->type_record, instance.gc_record(heap.code));
}

NB_SERVICE(gc_test) {
  const HeapType heap{low(imm)};
  Instance& instance = Instance::of(context);
  if (heap.is_index() && heap.code >= instance.module().types.size()) return 0;
  return low(a) == 0 ? high(imm) & 1 : is_of(instance, low(a), heap);
}
