// SPDX-License-Identifier: MIT
#include "wasm/runtime/stack.h"

#include "base/assert.h"
#include "wasm/runtime/address_map.h"
#include "wasm/runtime/calls.h"
#include "wasm/runtime/stubs.h"
#include "wasm/runtime/unwind.h"

namespace nebulet::wasm {
namespace {

static_assert(kStackSlot == 1ull << 23);
constinit AddressMap<WasmStack, 23> g_stacks;

/// Bytes committed by one fault.
constexpr std::uint64_t kTouch = 16 * 1024;
/// Where a stack begins is there from the start; many threads need no more.
constexpr Host::Slot kSlot = {
    .size = kStackSlot, .align = kStackSlot, .ready_at = kStackSlot - kHostPage, .ready = kHostPage};
/// An entry is refused if less than this is left for the stubs and the first frames.
constexpr std::uint64_t kEntryRoom = 1024;

using Place = ValuePlaces::Place;

/// The stack slots of arguments and results, as the wasm callee sees them.
Value* stack_value(std::uint64_t base, std::uint32_t offset) {
  return reinterpret_cast<Value*>(base + offset);
}

void place_arguments(Activation& activation, const FuncType& type, std::span<const Value> args) {
  ValuePlaces places;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Place place = places.next(type.params[i]);
    if (place.kind == Place::Kind::gpr) {
      activation.gpr[place.at] = args[i].low;
    } else if (place.kind == Place::Kind::vec) {
      activation.xmm[place.at][0] = args[i].low;
      activation.xmm[place.at][1] = args[i].high;
    } else {
      Value* at = stack_value(activation.start_sp, place.at);
      at->low = args[i].low;
      if (type.params[i] == kV128) at->high = args[i].high;
    }
  }
}

std::uint64_t narrow(const ValType& type, std::uint64_t bits) {
  return type == kI64 || type == kF64 || type == kV128 ? bits : bits & 0xffffffff;
}

void take_results(const Activation& activation, const FuncType& type, std::uint64_t stack_results,
                  std::span<Value> results) {
  ValuePlaces places;
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const Place place = places.next(type.results[i]);
    Value value;
    if (place.kind == Place::Kind::gpr) {
      value.low = activation.gpr[place.at];
    } else if (place.kind == Place::Kind::vec) {
      value = {activation.xmm[place.at][0], activation.xmm[place.at][1]};
    } else {
      const Value* at = stack_value(stack_results, place.at);
      value.low = at->low;
      if (type.results[i] == kV128) value.high = at->high;
    }
    results[i] = {.low = narrow(type.results[i], value.low),
                  .high = type.results[i] == kV128 ? value.high : 0};
  }
}

}  // namespace

std::unique_ptr<WasmStack> WasmStack::create(Host& host, void* thread) {
  if (!host.charge(kSlot.ready)) return nullptr;
  std::byte* base = host.take_slot(kSlot);
  if (!base) {
    host.uncharge(kSlot.ready);
    return nullptr;
  }
  std::unique_ptr<WasmStack> stack(new WasmStack(host, base));
  stack->committed_ = kSlot.ready;
  stack->registered_ = g_stacks.insert(reinterpret_cast<std::uint64_t>(base), stack.get());
  if (!stack->registered_) return nullptr;
  stack->control() = StackControl{};
  stack->control().thread = thread;
  return stack;
}

WasmStack::~WasmStack() {
  if (registered_) g_stacks.erase(reinterpret_cast<std::uint64_t>(base_));
  host_.give_slot(base_, kSlot);
  host_.uncharge(committed_.load(std::memory_order_relaxed));
}

WasmStack::Touch WasmStack::touch(std::uint64_t address) {
  const std::uint64_t offset = address - reinterpret_cast<std::uint64_t>(base_);
  if (offset < kStackGuard) return Touch::guard;
  if (!host_.charge(kTouch)) return Touch::out_of_memory;
  const auto fresh = host_.commit(base_ + (offset & ~(kTouch - 1)), kTouch, Host::Protection::read_write);
  host_.uncharge(kTouch - fresh.value_or(0));
  if (!fresh) return Touch::out_of_memory;
  committed_.fetch_add(*fresh, std::memory_order_relaxed);
  return Touch::committed;
}

WasmStack* WasmStack::find(std::uint64_t address) { return g_stacks.find(address); }

Outcome invoke(WasmStack& stack, Function& function, std::span<const Value> args, std::span<Value> results) {
  NB_ASSERT(args.size() == function.type->params.size() && results.size() >= function.type->results.size());
  StackControl& control = stack.control();
  Outcome outcome;
  const std::uint64_t from = control.activation ? control.wasm_sp : stack.top();
  const std::uint64_t stack_bytes = std::uint64_t{function.stack_args} + function.stack_results;
  if (from - stack.low() < stack_bytes + kEntryRoom) {
    outcome.kind = Outcome::Kind::trapped;
    outcome.trap = Trap::stack_exhausted;
    return outcome;
  }
  Activation activation;
  activation.start_sp = (from - stack_bytes) & ~15ull;
  activation.control = &control;
  activation.context = function.context;
  activation.memory_base = function.context ? function.context->memory_base : 0;
  activation.slot.code = function.is_host ? address_of(nb_call_host) : function.code;
  activation.slot.target = &function;
  place_arguments(activation, *function.type, args);

  activation.previous = control.activation;
  activation.outer_wasm_sp = control.wasm_sp;
  activation.outer_stack_args = control.stack_args;
  const std::uint64_t kernel_sp = control.kernel_sp, wasm_sp = control.wasm_sp, popped = control.stack_args;
  control.activation = &activation;
  nb_enter_wasm(&activation);
  control.activation = activation.previous;
  control.kernel_sp = kernel_sp;
  control.wasm_sp = wasm_sp;
  control.stack_args = popped;

  switch (activation.end) {
    case Activation::End::returned:
      take_results(activation, *function.type, activation.start_sp + function.stack_args, results);
      break;
    case Activation::End::trapped:
      outcome.kind = Outcome::Kind::trapped;
      outcome.trap = activation.trap;
      outcome.backtrace = backtrace(stack, activation);
      if (!outcome.backtrace.empty()) outcome.position = outcome.backtrace.front().position;
      break;
    case Activation::End::thrown:
      outcome.kind = Outcome::Kind::thrown;
      outcome.exception = activation.exception;
      outcome.backtrace = backtrace(stack, activation);
      if (!outcome.backtrace.empty()) outcome.position = outcome.backtrace.front().position;
      break;
    case Activation::End::unwound:
      outcome.kind = Outcome::Kind::unwound;
      outcome.exit_value = activation.exit_value;
      break;
  }
  return outcome;
}

void trap_from_call(StackControl& control, Trap trap) {
  Activation& activation = *control.activation;
  activation.end = Activation::End::trapped;
  activation.trap = trap;
  activation.pc = *reinterpret_cast<const std::uint64_t*>(control.wasm_sp);
  activation.sp = control.wasm_sp + 8;
  activation.at_call = true;
  activation.stack_args = static_cast<std::uint32_t>(control.stack_args);
  nb_unwind(&activation);
}

void raise(WasmStack& stack, Trap trap) { trap_from_call(stack.control(), trap); }

void unwind(WasmStack& stack, std::uint64_t exit_value) {
  Activation& activation = *stack.control().activation;
  activation.end = Activation::End::unwound;
  activation.exit_value = exit_value;
  nb_unwind(&activation);
}

}  // namespace nebulet::wasm
