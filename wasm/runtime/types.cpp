// SPDX-License-Identifier: MIT
#include "wasm/runtime/types.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/spin_lock.h"
#include "wasm/binary/subtype.h"

namespace nebulet::wasm {

namespace {

struct Abi {
  std::uint32_t id = 0;
  std::uint64_t users = 0;
};
// Ordered by keys and not hashed: no choice of types makes a search slow.
using Groups = std::map<std::string, TypeGroup>;
using Abis = std::map<std::string, Abi>;

constexpr std::uint32_t kMaxId = HeapType::kAbstract - 1;

}  // namespace

/// A recursive group that somebody holds; its types have consecutive ids.
struct TypeGroup {
  Groups::iterator self;
  std::uint64_t holders = 0;
  std::vector<CanonicalType> types;
  std::vector<Abis::iterator> abis;  ///< of the functions
};

namespace {

struct Registry {
  Groups groups;
  std::map<std::uint32_t, TypeGroup*> by_id;  ///< by the id of the first type
  Abis abis;
  std::uint32_t next_type = 1, next_abi = 1;
};
constinit SpinLock g_lock;
constinit Registry* g_registry NB_GUARDED_BY(g_lock) = nullptr;

/// Writes a group down so that equal groups and no others have equal keys: references inside it by their
/// place, others by the canonical id of what they name.
class KeyWriter {
 public:
  KeyWriter(std::string& key, const HeldTypes& before) : key_(key), before_(before) {}

  void write(const TypeDef& type) {
    byte(static_cast<std::uint8_t>(type.kind));
    byte(type.is_final ? 1 : 0);
    reference(type.super);
    number(static_cast<std::uint32_t>(type.function.params.size()));
    for (const ValType& t : type.function.params) value_type(t);
    number(static_cast<std::uint32_t>(type.function.results.size()));
    for (const ValType& t : type.function.results) value_type(t);
    number(static_cast<std::uint32_t>(type.fields.size()));
    for (const FieldType& field : type.fields) {
      byte(static_cast<std::uint8_t>(static_cast<unsigned>(field.packed) * 2 + (field.is_mutable ? 1 : 0)));
      value_type(field.type);
    }
  }

 private:
  void byte(std::uint8_t value) { key_.push_back(static_cast<char>(value)); }
  void number(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) key_.push_back(static_cast<char>(value >> shift));
  }
  void reference(std::uint32_t type) {
    constexpr std::uint8_t kNone = 0, kInside = 1, kOutside = 2;
    if (type == TypeDef::kNone) return byte(kNone);
    const bool inside = type >= before_.size();
    byte(inside ? kInside : kOutside);
    number(inside ? type - before_.size() : before_[type].id);
  }
  void value_type(const ValType& type) {
    byte(static_cast<std::uint8_t>(type.kind));
    if (!type.is_ref()) return;
    byte(type.nullable ? 1 : 0);
    if (type.heap.is_index()) return reference(type.heap.code);
    byte(static_cast<std::uint8_t>(type.heap.code));
  }

  std::string& key_;
  const HeldTypes& before_;
};

/// The classes of registers and stack places of parameters and results; i32 apart from i64, because whoever
/// takes one may rely on its upper half (docs/concepts/generated-code.md).
std::string abi_key(const FuncType& type) {
  std::string key;
  const auto write = [&](const std::vector<ValType>& types) {
    for (const ValType& t : types) {
      const bool narrow = t == kI32 || t.is_ref();
      key.push_back(narrow ? 'i' : t == kI64 ? 'l' : t == kV128 ? 'v' : 'f');
    }
  };
  write(type.params);
  key.push_back('>');
  write(type.results);
  return key;
}

/// Makes the group of `types`, which nobody holds yet. False: no ids are left.
bool make_group(Registry& registry, TypeGroup& group, std::span<const TypeDef> types,
                const std::vector<const CanonicalType*>& before) {
  const auto size = static_cast<std::uint32_t>(types.size());
  if (size > kMaxId - registry.next_type || size > kMaxId - registry.next_abi) return false;
  group.types.resize(size);
  group.abis.reserve(
      static_cast<std::size_t>(std::ranges::count(types, TypeDef::Kind::function, &TypeDef::kind)));
  const auto find = [&](std::uint32_t index) -> const CanonicalType* {
    if (index == TypeDef::kNone) return nullptr;
    return index < before.size() ? before[index] : &group.types[index - before.size()];
  };
  for (std::uint32_t i = 0; i < size; ++i) {
    const TypeDef& type = types[i];
    CanonicalType& made = group.types[i];
    made = {.id = registry.next_type + i,
            .kind = type.kind,
            .is_final = type.is_final,
            .depth = type.depth,
            .super = find(type.super),
            .ancestor = find(type.ancestor)};
    if (type.kind != TypeDef::Kind::function) continue;
    const auto abi = registry.abis.try_emplace(abi_key(type.function)).first;
    if (abi->second.users++ == 0) abi->second.id = registry.next_abi++;
    group.abis.push_back(abi);
    made.abi = abi->second.id;
  }
  registry.by_id.emplace(registry.next_type, &group);
  registry.next_type += size;
  return true;
}

}  // namespace

bool HeldTypes::add(std::span<const TypeDef> types) {
  types_.reserve(types.size());
  while (types_.size() < types.size()) {
    const std::span group_types = types.subspan(types_.size(), types[types_.size()].group_size);
    std::string key;
    KeyWriter writer(key, *this);
    for (const TypeDef& type : group_types) writer.write(type);
    constexpr std::uint64_t kGroupBytes = sizeof(TypeGroup) + 192, kTypeBytes = sizeof(CanonicalType) + 32;
    bytes_ += key.size() + kGroupBytes + group_types.size() * kTypeBytes;
    SpinGuard guard(g_lock);
    if (!g_registry) g_registry = new Registry;
    const auto [found, is_new] = g_registry->groups.try_emplace(std::move(key));
    TypeGroup& group = found->second;
    if (is_new) {
      group.self = found;
      if (!make_group(*g_registry, group, group_types, types_)) {
        g_registry->groups.erase(found);
        return false;
      }
    }
    group.holders++;
    groups_.push_back(&group);
    for (const CanonicalType& type : group.types) types_.push_back(&type);
  }
  return true;
}

// Later groups may name earlier ones, and are only compared while whoever registered both holds both: so a
// group needs no hold on the groups that it names.
HeldTypes::~HeldTypes() {
  for (TypeGroup* group : groups_) {
    SpinGuard guard(g_lock);
    if (--group->holders > 0) continue;
    for (const auto abi : group->abis)
      if (--abi->second.users == 0) g_registry->abis.erase(abi);
    g_registry->by_id.erase(group->types[0].id);
    g_registry->groups.erase(group->self);
  }
}

const CanonicalType* supertype_at(const CanonicalType& type, std::uint8_t depth) {
  const CanonicalType* at = &type;
  if (at->depth < depth) return nullptr;
  while (at->depth > depth) at = at->ancestor && at->ancestor->depth >= depth ? at->ancestor : at->super;
  return at;
}

bool is_subtype(const CanonicalType& sub, const CanonicalType& super) {
  return supertype_at(sub, super.depth) == &super;
}

ValType canonical_type(ValType type, const HeldTypes& types) {
  if (type.is_ref() && type.heap.is_index()) type.heap = {types[type.heap.code].id};
  return type;
}

const CanonicalType* find_type(std::uint32_t id) {
  SpinGuard guard(g_lock);
  if (!g_registry) return nullptr;
  auto after = g_registry->by_id.upper_bound(id);
  if (after == g_registry->by_id.begin()) return nullptr;
  const TypeGroup& group = *(--after)->second;
  const std::uint32_t index = id - after->first;
  return index < group.types.size() ? &group.types[index] : nullptr;
}

bool is_canonical_subtype(ValType sub, ValType super) {
  if (sub == super) return true;
  if (!sub.is_ref() || !super.is_ref() || (sub.nullable && !super.nullable)) return false;
  if (sub.heap == super.heap) return true;
  const CanonicalType* a = sub.heap.is_index() ? find_type(sub.heap.code) : nullptr;
  const CanonicalType* b = super.heap.is_index() ? find_type(super.heap.code) : nullptr;
  if ((sub.heap.is_index() && !a) || (super.heap.is_index() && !b)) return false;
  if (a && b) return is_subtype(*a, *b);
  if (b) return sub.heap == (b->kind == TypeDef::Kind::function ? kNoFuncHeap : kNoneHeap);
  return is_abstract_subtype(a ? heap_of(a->kind) : sub.heap, super.heap);
}

bool is_function_type(HeapType canonical) {
  if (!canonical.is_index()) return canonical == kFuncHeap || canonical == kNoFuncHeap;
  const CanonicalType* type = find_type(canonical.code);
  return type && type->kind == TypeDef::Kind::function;
}

}  // namespace nebulet::wasm
