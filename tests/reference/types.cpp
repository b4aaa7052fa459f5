// SPDX-License-Identifier: MIT
#include "tests/reference/types.h"

namespace nebulet::reference {
namespace {

std::string text_of(const ValType& type) {
  return std::to_string(type.kind) + (type.nullable ? "?" : "!") + std::to_string(type.heap) + ",";
}

std::string text_of(const DefType& type) {
  std::string text = std::to_string(static_cast<int>(type.kind)) + (type.is_final ? "f" : "o") +
                     std::to_string(type.super) + "(";
  for (const ValType& param : type.params) text += text_of(param);
  text += ")(";
  for (const ValType& result : type.results) text += text_of(result);
  text += "){";
  for (const Field& field : type.members) text += (field.is_mutable ? "m" : "c") + text_of(field.type);
  return text + "}";
}

// References into the own group are told apart by being above every canonical id.
constexpr std::int64_t kRecursive = std::int64_t{1} << 40;

template <class Map>
DefType mapped(const DefType& type, Map&& map) {
  DefType copy = type;
  auto change = [&](ValType& t) {
    if (t.is_ref() && t.heap >= 0) t.heap = map(t.heap);
  };
  for (ValType& t : copy.params) change(t);
  for (ValType& t : copy.results) change(t);
  for (Field& f : copy.members) change(f.type);
  if (copy.super >= 0) copy.super = map(copy.super);
  return copy;
}

}  // namespace

ValType resolve(ValType type, std::span<const std::uint32_t> ids) {
  if (type.is_ref() && type.heap >= 0) type.heap = ids[static_cast<std::size_t>(type.heap)];
  return type;
}

std::vector<std::uint32_t> TypeTable::add(std::span<const DefType> types,
                                          std::span<const std::uint32_t> groups) {
  std::vector<std::uint32_t> ids;
  std::size_t begin = 0;
  for (const std::uint32_t length : groups) {
    std::string key;
    std::vector<DefType> group;
    for (std::size_t i = begin; i < begin + length; ++i) {
      group.push_back(mapped(types[i], [&](std::int64_t index) {
        return static_cast<std::size_t>(index) < begin
                   ? std::int64_t{ids[static_cast<std::size_t>(index)]}
                   : kRecursive + index - static_cast<std::int64_t>(begin);
      }));
      key += text_of(group.back()) + ";";
    }
    const auto next = static_cast<std::uint32_t>(types_.size());
    const auto [found, is_new] = groups_.emplace(key, next);
    if (is_new) {
      for (const DefType& type : group)
        types_.push_back(
            mapped(type, [&](std::int64_t id) { return id < kRecursive ? id : id - kRecursive + next; }));
    }
    for (std::uint32_t i = 0; i < length; ++i) ids.push_back(found->second + i);
    begin += length;
  }
  return ids;
}

std::uint32_t TypeTable::add_function(DefType type) {
  const std::uint32_t one = 1;
  return add({&type, 1}, {&one, 1})[0];
}

bool TypeTable::is_heap_subtype(std::int64_t sub, std::int64_t super) const {
  using namespace heap;
  if (sub == super) return true;
  if (sub >= 0) {
    if (super >= 0) {
      for (std::int64_t id = types_[static_cast<std::size_t>(sub)].super; id >= 0;
           id = types_[static_cast<std::size_t>(id)].super)
        if (id == super) return true;
      return false;
    }
    switch (types_[static_cast<std::size_t>(sub)].kind) {
      case DefType::Kind::function: return super == func;
      case DefType::Kind::structure: return super == structure || super == eq || super == any;
      case DefType::Kind::array: return super == array || super == eq || super == any;
    }
  }
  switch (sub) {
    case none:
      if (super >= 0) return types_[static_cast<std::size_t>(super)].kind != DefType::Kind::function;
      return super == i31 || super == structure || super == array || super == eq || super == any;
    case nofunc:
      return super >= 0 ? types_[static_cast<std::size_t>(super)].kind == DefType::Kind::function
                        : super == func;
    case noextern: return super == extern_;
    case noexn: return super == exn;
    case i31:
    case structure:
    case array: return super == eq || super == any;
    case eq: return super == any;
    default: return false;
  }
}

bool TypeTable::is_subtype(const ValType& sub, const ValType& super) const {
  if (!sub.is_ref() || !super.is_ref()) return sub == super;
  return (super.nullable || !sub.nullable) && is_heap_subtype(sub.heap, super.heap);
}

}  // namespace nebulet::reference
