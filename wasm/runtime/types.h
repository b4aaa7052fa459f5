// SPDX-License-Identifier: MIT
// The kernel's registry of types: one id for each type of any module (spec 3.1.3, 3.1.4: equal recursive
// groups are one), so that calls and casts compare a word. Ids are never reused: a stale one in some table or
// object must not come to mean another type. What nobody holds is forgotten.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "wasm/binary/module.h"

namespace nebulet::wasm {

/// A type as the whole kernel knows it. Stays where it is as long as somebody holds its group.
struct CanonicalType {
  std::uint32_t id = 0;  ///< never 0
  /// Functions: the id of how it is called, that is of the register classes of parameters and results; else
  /// 0.
  std::uint32_t abi = 0;
  TypeDef::Kind kind = TypeDef::Kind::function;
  bool is_final = true;
  std::uint8_t depth = 0;                   ///< number of supertypes
  const CanonicalType* super = nullptr;     ///< the declared supertype
  const CanonicalType* ancestor = nullptr;  ///< some supertype further up, so that searches take few steps
};

/// Whether `sub` is `super` or a declared subtype of it.
bool is_subtype(const CanonicalType& sub, const CanonicalType& super);
/// The supertype of `type` (or itself) with this depth; nullptr if `type` is not as deep.
const CanonicalType* supertype_at(const CanonicalType& type, std::uint8_t depth);

struct TypeGroup;

/// The types that a module or a store holds.
class HeldTypes {
 public:
  HeldTypes() = default;
  ~HeldTypes();
  HeldTypes(const HeldTypes&) = delete;
  HeldTypes& operator=(const HeldTypes&) = delete;

  /// Registers all types of a module, in order. False: there are too many in this kernel; what was added
  /// stays.
  bool add(std::span<const TypeDef> types);
  const CanonicalType& operator[](std::uint32_t index) const { return *types_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(types_.size()); }
  /// Memory that these types take at most, for whoever pays for it.
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::vector<const CanonicalType*> types_;
  std::vector<TypeGroup*> groups_;
  std::uint64_t bytes_ = 0;
};

/// `type` of a module's type section as other modules can read it: with a canonical id for an index.
ValType canonical_type(ValType type, const HeldTypes& types);
/// The type with this id; nullptr if nobody holds it.
const CanonicalType* find_type(std::uint32_t id);
/// Spec 3.3 between types with canonical ids.
bool is_canonical_subtype(ValType sub, ValType super);
/// Whether references of this type, given with canonical ids, are to functions.
bool is_function_type(HeapType canonical);

}  // namespace nebulet::wasm
