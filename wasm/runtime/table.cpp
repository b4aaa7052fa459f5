// SPDX-License-Identifier: MIT
#include "wasm/runtime/table.h"

#include <algorithm>
#include <cstring>

#include "wasm/runtime/store.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

std::uint64_t whole_pages(std::uint64_t bytes) { return (bytes + kHostPage - 1) & ~(kHostPage - 1); }
std::uint64_t bytes_for(std::uint64_t elements) {
  return whole_pages(sizeof(TableHeader) + (elements << kFuncSlotShift));
}

}  // namespace

std::unique_ptr<Table> Table::create(Store& store, const TableType& type, Instance* owner) {
  if (type.limits.min > kMaxElements) return nullptr;
  const std::uint64_t max =
      type.limits.has_max ? std::min<std::uint64_t>(type.limits.max, kMaxElements) : kMaxElements;
  const std::uint64_t reserved = bytes_for(max);
  std::byte* base = store.host().reserve(reserved, kHostPage);
  if (!base) return nullptr;
  std::unique_ptr<Table> table(new Table(store, type, owner, base, reserved));
  table->max_ = static_cast<std::uint32_t>(max);
  const auto size = static_cast<std::uint32_t>(type.limits.min);
  if (!table->commit_up_to(size)) return nullptr;
  table->header()->size = size;
  return table;
}

Table::Table(Store& store, const TableType& type, Instance* owner, std::byte* base, std::uint64_t reserved)
    : store_(store),
      type_(type),
      holds_functions_(is_function_type(type.element.heap)),
      owner_(owner),
      base_(base),
      elements_(reinterpret_cast<FuncSlot*>(base + sizeof(TableHeader))),
      reserved_(reserved) {}

Table::~Table() {
  store_.host().release(base_, reserved_);
  store_.host().uncharge(committed_);
}

bool Table::commit_up_to(std::uint32_t size) {
  Host& host = store_.host();
  const std::uint64_t needed = bytes_for(size);
  if (needed <= committed_) return true;
  const std::uint64_t more = needed - committed_;
  if (!host.charge(more)) return false;
  if (!host.commit(base_ + committed_, more, Host::Protection::read_write)) {
    host.uncharge(more);
    return false;
  }
  committed_ = needed;
  return true;
}

TableType Table::type() const {
  TableType type = type_;
  type.limits.min = size();
  return type;
}

FuncSlot Table::slot_for(std::uint32_t ref) const {
  FuncSlot slot;
  slot.ref = ref;
  if (!ref || !holds_functions_) return slot;
  Function* function = store_.function(ref);
  if (!function) return {};
  slot.target = function;
  slot.signature = function->canonical->id;
  slot.abi = function->canonical->abi;
  slot.code = function->is_host                        ? address_of(nb_call_host)
              : owner_ && function->instance == owner_ ? function->code
                                                       : address_of(nb_call_foreign);
  return slot;
}

void Table::set(std::uint32_t index, std::uint32_t ref) {
  store_.forget_reference(elements_[index].ref);
  elements_[index] = slot_for(ref);
}

std::int64_t Table::grow(std::uint64_t delta, std::uint32_t ref) {
  const std::uint32_t old = header()->size;
  if (delta > max_ - old) return -1;
  const std::uint32_t size = old + static_cast<std::uint32_t>(delta);
  if (!commit_up_to(size)) return -1;
  if (ref) std::fill_n(elements_ + old, delta, slot_for(ref));
  header()->size = size;
  return old;
}

void Table::copy(Table& to, std::uint32_t to_at, Table& from, std::uint32_t from_at, std::uint32_t count) {
  if (to.owner_ == from.owner_) {
    for (std::uint32_t i = 0; i < count; ++i) to.store_.forget_reference(to.elements_[to_at + i].ref);
    std::memmove(to.elements_ + to_at, from.elements_ + from_at, std::uint64_t{count} << kFuncSlotShift);
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) to.set(to_at + i, from.get(from_at + i));
}

void Table::share() {
  if (!owner_) return;
  owner_ = nullptr;
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (FuncSlot& slot = elements_[i]; slot.signature && !static_cast<Function*>(slot.target)->is_host) {
      slot.code = address_of(nb_call_foreign);
    }
  }
}

}  // namespace nebulet::wasm
