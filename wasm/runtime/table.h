// SPDX-License-Identifier: MIT
// A table of references. Its elements never move; generated code reads them and the size in front of them.
#pragma once

#include <cstdint>
#include <memory>

#include "wasm/binary/types.h"
#include "wasm/runtime/host.h"
#include "wasm/runtime/layout.h"

namespace nebulet::wasm {

class Instance;
class Store;

/// Owned by a store. While only one instance has the table, its own functions stand in it by address and
/// calls to them cost no stub; when a second instance imports it, every element is rewritten to go through
/// one.
class Table {
 public:
  static constexpr std::uint32_t kMaxElements = 10'000'000;

  /// nullptr: no address space or memory. `type` has canonical type ids. `owner`: the instance that defines
  /// it, or nullptr for a table of the host.
  static std::unique_ptr<Table> create(Store& store, const TableType& type, Instance* owner);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  FuncSlot* elements() const { return elements_; }
  std::uint32_t size() const { return header()->size; }
  bool is_64() const { return type_.limits.is_64; }
  /// As an import sees it: the minimum is the current size; with canonical type ids.
  TableType type() const;

  /// Its references are to functions.
  bool holds_functions() const { return holds_functions_; }
  bool contains(std::uint64_t at, std::uint64_t count) const { return at <= size() && count <= size() - at; }
  std::uint32_t get(std::uint32_t index) const { return elements_[index].ref; }
  /// `index` must be below size(); `ref` a reference of this store.
  void set(std::uint32_t index, std::uint32_t ref);
  /// Old size, or -1 if the maximum, the quota or memory forbids it.
  std::int64_t grow(std::uint64_t delta, std::uint32_t ref);
  /// Both ranges must be inside their tables.
  static void copy(Table& to, std::uint32_t to_at, Table& from, std::uint32_t from_at, std::uint32_t count);
  /// A second instance is about to use the table.
  void share();

 private:
  Table(Store& store, const TableType& type, Instance* owner, std::byte* base, std::uint64_t reserved);
  TableHeader* header() const { return reinterpret_cast<TableHeader*>(elements_) - 1; }
  FuncSlot slot_for(std::uint32_t ref) const;
  bool commit_up_to(std::uint32_t size);

  Store& store_;
  const TableType type_;
  const bool holds_functions_;
  Instance* owner_;  ///< the only instance that has it, or nullptr if several have
  std::byte* const base_;
  FuncSlot* const elements_;
  const std::uint64_t reserved_;
  std::uint64_t committed_ = 0;
  std::uint32_t max_;
};

}  // namespace nebulet::wasm
