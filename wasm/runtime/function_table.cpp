// SPDX-License-Identifier: MIT
#include "wasm/runtime/function_table.h"

#include <utility>

#include "wasm/runtime/store.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

constexpr std::uint64_t bytes_for(std::uint64_t functions) {
  return (sizeof(TableHeader) + functions * sizeof(FuncSlot) + kHostPage - 1) & ~(kHostPage - 1);
}
constexpr Host::Slot kSlot = {
    .size = bytes_for(FunctionTable::kMaxFunctions), .align = kHostPage, .ready = kHostPage};

}  // namespace

FunctionTable::~FunctionTable() {
  if (base_) host_.give_slot(base_, kSlot);
  host_.uncharge(committed_);
}

bool FunctionTable::grow(std::uint32_t size) {
  if (!base_) {
    if (!host_.charge(kSlot.ready)) return false;
    committed_ += kSlot.ready;
    base_ = host_.take_slot(kSlot);
    if (!base_) {
      host_.uncharge(std::exchange(committed_, 0));
      return false;
    }
  }
  const std::uint64_t needed = bytes_for(size);
  if (needed > committed_) {
    const std::uint64_t more = needed - committed_;
    if (!host_.charge(more)) return false;
    if (!host_.commit(base_ + committed_, more, Host::Protection::read_write)) {
      host_.uncharge(more);
      return false;
    }
    committed_ = needed;
  }
  elements_ = reinterpret_cast<FuncSlot*>(base_ + sizeof(TableHeader));
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
