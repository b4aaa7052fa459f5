// SPDX-License-Identifier: MIT
// From the words of a wasm call to checked C++ arguments and back, derived from the type of the call's body.
// Every check on what programs pass to the kernel is here, but for those that only the call itself can know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include "abi/generated/types.h"
#include "kernel/device/console.h"
#include "kernel/device/dma_memory.h"
#include "kernel/device/files.h"
#include "kernel/device/interrupt.h"
#include "kernel/device/resource.h"
#include "kernel/ipc/channel.h"
#include "kernel/ipc/door.h"
#include "kernel/ipc/stream.h"
#include "kernel/loader/module.h"
#include "kernel/loader/program.h"
#include "kernel/memory/memory_object.h"
#include "kernel/object/event.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/timer.h"
#include "kernel/object/wait_set.h"
#include "kernel/process/process.h"
#include "kernel/process/registry.h"
#include "kernel/process/thread.h"
#include "kernel/sched/scheduler.h"
#include "kernel/status.h"
#include "wasm/binary/types.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

struct CallContext {
  Process& process;
  Thread& thread;
  CallBinding& binding;
  wasm::Instance& instance;  ///< the importing one
  wasm::Memory* memory;      ///< its memory; nullptr if it has none
  wasm::Memory* caller_memory;
};

inline Result<> to_result(wasm::GuestResult result) {
  switch (result) {
    case wasm::GuestResult::ok: return {};
    case wasm::GuestResult::out_of_bounds: return fail(Status::bad_address);
    case wasm::GuestResult::out_of_memory: return fail(Status::out_of_memory);
  }
  return fail(Status::bad_address);
}

/// For calls whose work is as long as the program asks: between two pieces, lets others run. False: the
/// process is ending, so the rest is not worth doing. No lock may be held.
inline bool may_go_on(CallContext& context) {
  if (Scheduler::wants_reschedule()) [[unlikely]]
    Scheduler::yield();
  return !context.process.exiting().load(std::memory_order_relaxed);
}

/// A range of the calling instance's memory. It lay inside when the call began; memories never shrink. Its
/// bytes may change at any time, so they are copied, once.
class GuestRange {
 public:
  std::uint32_t size() const { return size_; }
  std::uint32_t address() const { return address_; }

 protected:
  GuestRange(wasm::Memory* memory, std::uint32_t address, std::uint32_t size)
      : memory_(memory), address_(address), size_(size) {}
  static Result<> check(const wasm::Memory* memory, std::uint32_t address, std::uint32_t size) {
    if (memory == nullptr ? address == 0 && size == 0 : memory->contains(address, size)) return {};
    return fail(Status::bad_address);
  }

  wasm::Memory* memory_;  ///< nullptr only if the range is empty
  std::uint32_t address_, size_;
};

class GuestIn : public GuestRange {
 public:
  static Result<GuestIn> make(wasm::Memory* memory, std::uint32_t address, std::uint32_t size) {
    TRY(check(memory, address, size));
    return GuestIn(memory, address, size);
  }
  /// Copies [offset, offset + into.size()), which must lie in the range.
  Result<> read(std::uint32_t offset, std::span<std::byte> into) const {
    NB_ASSERT(offset <= size_ && into.size() <= size_ - offset);
    if (into.empty()) return {};
    return to_result(memory_->read(std::uint64_t{address_} + offset, into));
  }

 private:
  using GuestRange::GuestRange;
};

class GuestOut : public GuestRange {
 public:
  static Result<GuestOut> make(wasm::Memory* memory, std::uint32_t address, std::uint32_t size) {
    TRY(check(memory, address, size));
    return GuestOut(memory, address, size);
  }
  Result<> write(std::uint32_t offset, std::span<const std::byte> bytes) const {
    NB_ASSERT(offset <= size_ && bytes.size() <= size_ - offset);
    if (bytes.empty()) return {};
    return to_result(memory_->write(std::uint64_t{address_} + offset, bytes));
  }

 private:
  using GuestRange::GuestRange;
};

/// An array of T in the calling instance's memory; `size` and `address` are those of its bytes.
template <class T>
class GuestArrayIn : public GuestRange {
 public:
  static Result<GuestArrayIn> make(wasm::Memory* memory, std::uint32_t address, std::uint32_t count) {
    if (count > UINT32_MAX / sizeof(T)) return fail(Status::bad_address);
    TRY(check(memory, address, count * static_cast<std::uint32_t>(sizeof(T))));
    return GuestArrayIn(memory, address, count * static_cast<std::uint32_t>(sizeof(T)));
  }
  std::uint32_t count() const { return size_ / sizeof(T); }
  /// Copies the first elements.
  Result<> read(std::span<T> into) const {
    NB_ASSERT(into.size() <= count());
    if (into.empty()) return {};
    return to_result(memory_->read(address_, std::as_writable_bytes(into)));
  }

 private:
  using GuestRange::GuestRange;
};

template <class T>
class GuestArrayOut : public GuestRange {
 public:
  static Result<GuestArrayOut> make(wasm::Memory* memory, std::uint32_t address, std::uint32_t count) {
    if (count > UINT32_MAX / sizeof(T)) return fail(Status::bad_address);
    TRY(check(memory, address, count * static_cast<std::uint32_t>(sizeof(T))));
    return GuestArrayOut(memory, address, count * static_cast<std::uint32_t>(sizeof(T)));
  }
  std::uint32_t count() const { return size_ / sizeof(T); }
  /// Stores the first elements.
  Result<> write(std::span<const T> from) const {
    static_assert(std::has_unique_object_representations_v<T>);  // no padding that would tell of the kernel
    NB_ASSERT(from.size() <= count());
    if (from.empty()) return {};
    return to_result(memory_->write(address_, std::as_bytes(from)));
  }

 private:
  using GuestRange::GuestRange;
};

/// A handle that was looked up: of the right type and with the right.
template <class T, Right kRight>
struct HandleArg {
  Ref<T> object;
  T* operator->() const { return object.get(); }
  T& operator*() const { return *object; }
  Ref<T> ref() const { return object; }
};

/// The result of a call in which others used the calling thread's stack: it ends as they did if that was a
/// trap.
struct Served {
  Result<> result;
};

/// The result of a call that does not return: the process ends with this status.
struct ProcessExit {
  std::uint32_t status;
};

// --- From words to arguments: one Decode for each kind
// --------------------------------------------------------------

template <class T>
struct Decode;

template <>
struct Decode<std::uint32_t> {
  using Words = std::tuple<std::uint32_t>;
  static Result<std::uint32_t> from(CallContext&, std::uint32_t word) { return word; }
};
template <>
struct Decode<std::uint64_t> {
  using Words = std::tuple<std::uint64_t>;
  static Result<std::uint64_t> from(CallContext&, std::uint64_t word) { return word; }
};
template <>
struct Decode<HandleValue> {
  using Words = std::tuple<std::uint32_t>;
  static Result<HandleValue> from(CallContext&, std::uint32_t word) { return HandleValue{word}; }
};
template <class E>
  requires requires(E e) { abi::is_valid(e, 0u); }
struct Decode<E> {
  using Words = std::tuple<std::uint32_t>;
  static Result<E> from(CallContext&, std::uint32_t word) {
    if (!abi::is_valid(E{}, word)) return fail(Status::invalid_argument);
    return static_cast<E>(word);
  }
};
template <class T, Right kRight>
struct Decode<HandleArg<T, kRight>> {
  using Words = std::tuple<std::uint32_t>;
  static Result<HandleArg<T, kRight>> from(CallContext& context, std::uint32_t word) {
    HandleTable& handles = context.process.handles();
    Ref<Object> object;
    if constexpr (std::is_same_v<T, Object>) {
      object = TRY(handles.get(HandleValue{word}, kRight));
    } else {
      object = TRY(handles.get(HandleValue{word}, T::kType, kRight));
    }
    return HandleArg<T, kRight>{Ref<T>(static_cast<T*>(object.detach()), false)};
  }
  /// A call's first argument: through the thread's cache, which the others must not change.
  static Result<HandleArg<T, kRight>> first(CallContext& context, std::uint32_t word) {
    if (!context.thread.is_at_home()) return from(context, word);
    const auto found = context.thread.handle_cache().find(context.process.handles(), HandleValue{word});
    if (!found) return fail(found.error());
    if constexpr (!std::is_same_v<T, Object>)
      if (found->object->type() != T::kType) return fail(Status::wrong_type);
    if (!found->rights.contains(kRight)) return fail(Status::access_denied);
    // A reference of the call's own: the cache does not keep the object of a call that lets others run
    // (tests/fuzz/fuzz_calls found one gone).
    return HandleArg<T, kRight>{Ref<T>(static_cast<T*>(found->object))};
  }
};
template <class Range>
  requires std::derived_from<Range, GuestRange>
struct Decode<Range> {
  using Words = std::tuple<std::uint32_t, std::uint32_t>;
  static Result<Range> from(CallContext& context, std::uint32_t address, std::uint32_t size) {
    return Range::make(context.memory, address, size);
  }
};

// --- From results to a word
// -----------------------------------------------------------------------------------------

/// Statuses are i32; results are non-negative i64s.
inline std::int32_t encode(const Result<>& result) {
  return static_cast<std::int32_t>(result ? Status::ok : result.error());
}
inline std::int32_t encode(const Served& served) { return encode(served.result); }
template <class T>
std::int64_t encode(const Result<T>& result) {
  if (!result) return static_cast<std::int64_t>(result.error());
  return static_cast<std::int64_t>(*result) & INT64_MAX;
}

// --- The host function of a call
// ------------------------------------------------------------------------------------

template <class Word>
constexpr wasm::ValType kWordType = sizeof(Word) == 8 ? wasm::kI64 : wasm::kI32;

template <auto kBody>
struct Call;

template <class R, class... Args, R (*kBody)(CallContext&, Args...)>
struct Call<kBody> {
  using Words = decltype(std::tuple_cat(typename Decode<Args>::Words{}...));
  static constexpr bool kReturns = !std::is_same_v<R, ProcessExit>;

  /// Decodes the arguments from the N-th on, then calls the body.
  template <std::size_t kWord, class... Done>
  static auto step(CallContext& context, const Words& words, Done&... done) {
    if constexpr (sizeof...(Done) == sizeof...(Args)) {
      return encode(kBody(context, std::move(done)...));
    } else {
      using Next = std::tuple_element_t<sizeof...(Done), std::tuple<Args...>>;
      constexpr std::size_t kCount = std::tuple_size_v<typename Decode<Next>::Words>;
      auto next = [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        if constexpr (sizeof...(Done) == 0 && requires { Decode<Next>::first(context, 0); })
          return Decode<Next>::first(context, std::get<kWord + kIndex>(words)...);
        else
          return Decode<Next>::from(context, std::get<kWord + kIndex>(words)...);
      }(std::make_index_sequence<kCount>{});
      using Encoded = decltype(step<kWord + kCount>(context, words, done..., *next));
      if (!next) return static_cast<Encoded>(next.error());
      return step<kWord + kCount>(context, words, done..., *next);
    }
  }

  template <class>
  struct Entry;
  template <class... W>
  struct Entry<std::tuple<W...>> {
    /// Not inlined, so that nothing of the call is left on the stack when leave_kernel drops the caller's
    /// frame.
    [[gnu::noinline]] static auto run(void* owner, wasm::InstanceContext* importer, Thread& thread,
                                      W... words) {
      auto& binding = *static_cast<CallBinding*>(owner);
      CallContext context{.process = *binding.process,
                          .thread = thread,
                          .binding = binding,
                          .instance = wasm::Instance::of(importer),
                          .memory = wasm::Instance::of(importer).memory(),
                          .caller_memory = binding.caller != nullptr ? binding.caller->memory() : nullptr};
      if constexpr (kReturns) {
        return step<0>(context, Words{words...});
      } else {
        context.process.exit(static_cast<int>(kBody(context, words...).status & 0xff));
      }
    }
    static auto call(void* owner, wasm::InstanceContext* importer, W... words) {
      Thread& thread = Thread::current();
      thread.count_call();
      if constexpr (kReturns) {
        const auto result = run(owner, importer, thread, words...);
        if constexpr (std::is_same_v<R, Served>) wasm::WordCall::end_if_failed(thread.stack());
        leave_kernel(thread);
        return result;
      } else {
        run(owner, importer, thread, words...);
        leave_kernel(thread);
      }
    }
    /// `call` that tells the tracer and the profiler, as number kNumber.
    template <std::uint16_t kNumber>
    static auto traced_call(void* owner, wasm::InstanceContext* importer, W... words) {
      Thread& thread = Thread::current();
      thread.count_call();
      trace::call_begin(thread.number(), kNumber);
      const std::uint16_t around = thread.current_call();  // a door's, if this is its server's
      thread.set_current_call(kNumber);
      if constexpr (kReturns) {
        const auto result = run(owner, importer, thread, words...);
        thread.set_current_call(around);
        trace::call_end(thread.number(), kNumber, result);
        trace::flush_if_full();
        if constexpr (std::is_same_v<R, Served>) wasm::WordCall::end_if_failed(thread.stack());
        leave_kernel(thread);
        return result;
      } else {
        run(owner, importer, thread, words...);
        thread.set_current_call(around);
        trace::call_end(thread.number(), kNumber, 0);
        trace::flush_if_full();
        leave_kernel(thread);
      }
    }
    static wasm::FuncType type() {
      wasm::FuncType type{.params = {kWordType<W>...}, .results = {}};
      if constexpr (kReturns) type.results = {kWordType<decltype(call(nullptr, nullptr, W{}...))>};
      return type;
    }
  };
  using Code = Entry<Words>;
};

}  // namespace nebulet::kernel
