// SPDX-License-Identifier: MIT
#include "wasm/runtime/exception.h"

#include <cstring>
#include <vector>

#include "base/assert.h"
#include "wasm/runtime/calls.h"
#include "wasm/runtime/frames.h"
#include "wasm/runtime/gc_store.h"
#include "wasm/runtime/stubs.h"
#include "wasm/runtime/unwind.h"

namespace nebulet::wasm {
namespace {

/// Where one value of a list lies, in registers or on the stack.
void* at(const ValuePlaces::Place& place, ValueRegisters& registers, std::uint64_t stack) {
  switch (place.kind) {
    case ValuePlaces::Place::Kind::gpr: return &registers.gpr[place.at];
    case ValuePlaces::Place::Kind::vec: return &registers.xmm[place.at];
    case ValuePlaces::Place::Kind::stack: break;
  }
  return reinterpret_cast<void*>(stack + place.at);
}

std::size_t width(const ValType& type) { return type == kV128 ? 16 : type == kI64 || type == kF64 ? 8 : 4; }

/// The exception that `ref` names, or no return.
Exception checked(StackControl& control, InstanceContext* context, std::uint64_t ref) {
  if (ref == 0) trap_from_call(control, Trap::null_reference);
  const auto exception = Instance::of(context).store().exceptions().find(static_cast<std::uint32_t>(ref));
  if (!exception) trap_from_call(control, Trap::host_error);
  return *exception;
}

GcType layout_of(const Tag& tag) {
  GcType type;
  type.kind = GcKind::exception;
  type.size = kGcHeaderSize;
  for (std::size_t i = 0; i < tag.type->params.size(); ++i) {
    if (tag.traced[i]) type.traced_fields.push_back(type.size);
    type.size += payload_bytes(tag.type->params[i]);
  }
  return type;
}

}  // namespace

std::uint32_t Exceptions::make(const Tag& tag, StackControl* control, std::span<const std::uint32_t> held) {
  StoreGc* gc = store_.make_gc();
  if (!gc) return 0;
  std::uint32_t& record = records_[tag.id];
  if (record == 0) {
    record = gc->add_type(layout_of(tag));
    if (record == 0) return 0;
    tags_[record] = &tag;
  }
  std::vector<std::uint32_t> handles;
  bool complete = true;
  for (const std::uint32_t ref : held) {
    const std::uint32_t handle = gc->heap().hold(ref);
    complete &= handle != 0;
    if (handle) handles.push_back(handle);
  }
  const GcRef made = complete ? gc->allocate(record, control) : 0;
  for (const std::uint32_t handle : handles) gc->heap().release(handle);
  return made;
}

std::optional<Exception> Exceptions::find(std::uint32_t ref) const {
  StoreGc* gc = store_.gc();
  const auto object = gc ? gc->heap().object(ref) : std::nullopt;
  if (!object || object->type->kind != GcKind::exception) return std::nullopt;
  const auto tag = tags_.find(object->type_record);
  if (tag == tags_.end()) return std::nullopt;
  return Exception{tag->second, object->address + kGcHeaderSize};
}

void throw_from_call(StackControl& control, InstanceContext* context, std::uint32_t exception) {
  const WasmStack& stack = *WasmStack::find(control.wasm_sp);
  FrameWalk walk(stack, {.pc = *reinterpret_cast<const std::uint64_t*>(control.wasm_sp),
                         .sp = control.wasm_sp + 8,
                         .is_return = true,
                         .stack_args = static_cast<std::uint32_t>(control.stack_args),
                         .context = context});
  for (; walk.find_function(); walk.leave()) {
    const CallSite* site = walk.code().call_returning_to(walk.cursor().pc);
    if (!site || !site->handler) continue;
    const std::uint32_t tag = Instance::of(context).store().exceptions().find(exception)->tag->id;
    nb_resume(walk.code().text() + site->handler, walk.frame_bottom(), walk.cursor().context, exception, tag);
  }
  Activation& activation = *control.activation;
  activation.end = Activation::End::thrown;
  activation.exception = exception;
  activation.pc = *reinterpret_cast<const std::uint64_t*>(control.wasm_sp);
  activation.sp = control.wasm_sp + 8;
  activation.at_call = true;
  activation.stack_args = static_cast<std::uint32_t>(control.stack_args);
  nb_unwind(&activation);
}

}  // namespace nebulet::wasm

using namespace nebulet::wasm;

/// `throw`: the payload lies where arguments of its types would.
extern "C" void nb_do_throw_(InstanceContext* context, std::uint32_t index, ValueRegisters* registers,
                             StackControl* control) {
  Instance& instance = Instance::of(context);
  const Tag& tag = instance.tag(index);
  Exceptions& exceptions = instance.store().exceptions();
  const std::vector<ValType>& types = tag.type->params;
  control->stack_args = tag.stack_bytes;
  const std::uint64_t stack = control->wasm_sp + 8;
  std::uint32_t ref = 0;
  {
    std::vector<std::uint32_t> held;
    ValuePlaces places;
    for (std::size_t i = 0; tag.any_traced && i < types.size(); ++i) {
      const void* value = at(places.next(types[i]), *registers, stack);
      if (tag.traced[i]) held.push_back(*static_cast<const std::uint32_t*>(value));
    }
    ref = exceptions.make(tag, control, held);
  }
  const auto exception = exceptions.find(ref);
  if (!exception) trap_from_call(*control, Trap::out_of_memory);
  std::byte* to = exception->payload;
  ValuePlaces places;
  for (const ValType& type : types) {
    std::memcpy(to, at(places.next(type), *registers, stack), width(type));
    to += payload_bytes(type);
  }
  throw_from_call(*control, context, ref);
}

/// The payload of an exception, to where results of its types would lie.
extern "C" void nb_do_catch_(InstanceContext* context, std::uint32_t index, std::uint64_t ref,
                             ValueRegisters* registers, StackControl* control) {
  const Tag& tag = Instance::of(context).tag(index);
  const Exception exception = checked(*control, context, ref);
  if (exception.tag != &tag) trap_from_call(*control, Trap::host_error);
  const std::byte* from = exception.payload;
  ValuePlaces places;
  for (const ValType& type : tag.type->params) {
    std::uint64_t value[2] = {};
    std::memcpy(value, from, width(type));
    std::memcpy(at(places.next(type), *registers, control->wasm_sp + 8), value, payload_bytes(type));
    from += payload_bytes(type);
  }
}

extern "C" std::uint64_t nb_do_throw_ref(InstanceContext* context, std::uint64_t, std::uint64_t exception,
                                         std::uint64_t, std::uint64_t, StackControl* control) {
  checked(*control, context, exception);
  throw_from_call(*control, context, static_cast<std::uint32_t>(exception));
}
