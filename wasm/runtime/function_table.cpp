// SPDX-License-Identifier: MIT
#include "wasm/runtime/function_table.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "wasm/runtime/store.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {

FunctionTable::~FunctionTable() { host_.uncharge(room_); }

bool FunctionTable::grow(std::uint32_t size) {
  const std::uint64_t needed = sizeof(TableHeader) + std::uint64_t{size} * sizeof(FuncSlot);
  if (needed > room_) {
    // Most stores have one or two instances; with many, room is made for more than one at a time.
    const std::uint64_t room = std::max(needed, room_ + room_ / 2);
    if (room > host_.available() || !host_.charge(room)) return false;
    std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[room]);
    if (!memory) {
      host_.uncharge(room);
      return false;
    }
    if (room_ != 0) std::memcpy(memory.get(), memory_.get(), room_);
    std::memset(memory.get() + room_, 0, room - room_);
    memory_ = std::move(memory);
    host_.uncharge(room_);
    room_ = room;
    elements_ = reinterpret_cast<FuncSlot*>(memory_.get() + sizeof(TableHeader));
  }
  header()->size = size;
  return true;
}

void FunctionTable::set(std::uint32_t ref, Function& function) {
  elements_[ref] = {
      .code = address_of(function.is_host ? nb_call_host : nb_call_foreign),
      .target = &function,
      .signature = function.canonical->id,
      .ref = ref,
      .abi = function.canonical->abi,
  };
}

}  // namespace nebulet::wasm
