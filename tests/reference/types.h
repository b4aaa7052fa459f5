// SPDX-License-Identifier: MIT
// Types of the reference interpreter: as a module writes them, and canonical in a store (spec 3.1.3, 3.1.4:
// iso-recursive groups, equal groups have equal ids). Shares nothing with the product's types.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nebulet::reference {

/// Abstract heap types by their byte in the binary format; an index otherwise.
namespace heap {
constexpr std::int64_t noexn = -0x0c, nofunc = -0x0d, noextern = -0x0e, none = -0x0f, func = -0x10,
                       extern_ = -0x11, any = -0x12, eq = -0x13, i31 = -0x14, structure = -0x15,
                       array = -0x16, exn = -0x17;
}

struct ValType {
  std::uint8_t kind = 0x7f;  ///< 0x7f i32 … 0x7b v128, 0x78 i8, 0x77 i16 (fields only), 0x64 reference
  bool nullable = false;
  std::int64_t heap = 0;
  bool is_ref() const { return kind == 0x64; }
  bool operator==(const ValType&) const = default;
};

struct Field {
  ValType type;
  bool is_mutable = false;
  bool operator==(const Field&) const = default;
};

/// A defined type. `members` are a structure's fields, an array's one, or unused.
struct DefType {
  enum class Kind : std::uint8_t { function, structure, array } kind = Kind::function;
  bool is_final = true;
  std::int64_t super = -1;  ///< index, or -1
  std::vector<ValType> params, results;
  std::vector<Field> members;
};

/// All canonical types of a store; indices in them are canonical ids.
class TypeTable {
 public:
  /// Adds a module's types, given with the lengths of its recursive groups; returns the id of each.
  std::vector<std::uint32_t> add(std::span<const DefType> types, std::span<const std::uint32_t> groups);
  std::uint32_t add_function(DefType type);
  const DefType& operator[](std::uint32_t id) const { return types_[id]; }
  bool is_subtype(const ValType& sub, const ValType& super) const;
  bool is_heap_subtype(std::int64_t sub, std::int64_t super) const;

 private:
  std::vector<DefType> types_;
  std::map<std::string, std::uint32_t> groups_;
};

/// `type` with its module index replaced by the canonical id.
ValType resolve(ValType type, std::span<const std::uint32_t> ids);

}  // namespace nebulet::reference
