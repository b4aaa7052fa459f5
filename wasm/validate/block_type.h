// SPDX-License-Identifier: MIT
// Types of blocks (spec 5.4.1): nothing, one result, or a function type.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/binary/limits.h"
#include "wasm/binary/module.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {

/// A block's parameters or results: those of a function type, or one type of its own.
class BlockTypes {
 public:
  BlockTypes() = default;
  BlockTypes(std::span<const ValType> types) : types_(types) {}
  BlockTypes(ValType type) : single_(type), is_single_(true) {}
  operator std::span<const ValType>() const& {
    return is_single_ ? std::span<const ValType>(&single_, 1) : types_;
  }
  std::size_t size() const { return is_single_ ? 1 : types_.size(); }
  bool empty() const { return size() == 0; }
  ValType back() const { return is_single_ ? single_ : types_.back(); }

 private:
  std::span<const ValType> types_;
  ValType single_;
  bool is_single_ = false;
};

/// Four bytes, because a module may nest a block in every two bytes of a body.
struct BlockType {
  /// A type index; or kSingle | the byte of a value type; or kSingle | kLong | (kNullable) | (kAbstract) | a
  /// heap type's index or byte; or kEmpty.
  std::uint32_t code = kEmpty;
  static constexpr std::uint32_t kEmpty = 0xffffffff, kSingle = 1u << 31, kLong = 1u << 30,
                                 kNullable = 1u << 29, kAbstract = 1u << 28, kHeap = kAbstract - 1;

  BlockTypes params(const Module& module) const {
    if (code & kSingle) return {};
    return std::span(module.func_type(code).params);
  }
  BlockTypes results(const Module& module) const {
    if (code == kEmpty) return {};
    if (!(code & kSingle)) return std::span(module.func_type(code).results);
    if (!(code & kLong)) return *short_val_type(static_cast<std::uint8_t>(code));
    const std::uint32_t heap = code & kHeap;
    return ref_type({code & kAbstract ? HeapType::kAbstract | heap : heap}, (code & kNullable) != 0);
  }

  static BlockType read(Reader& reader, const Module& module) {
    const std::uint32_t at = reader.position();
    const std::uint8_t first = reader.peek();
    if (first == 0x40) {
      reader.byte();
      return {};
    }
    if ((first & 0xc0) == 0x40) {  // a negative number in one byte: a value type
      const ValType type = read_val_type(reader, module.types.size());
      if (!reader.ok()) return {};
      if (short_val_type(first)) return {kSingle | first};
      return {kSingle | kLong | (type.nullable ? kNullable : 0) |
              (type.heap.is_index() ? type.heap.code : kAbstract | (type.heap.code & kHeap))};
    }
    const std::int64_t index = reader.s33();
    if (!reader.ok()) return {};
    if (index < 0) {
      reader.fail(Error::Kind::malformed, at, "malformed block type");
      return {};
    }
    if (static_cast<std::uint64_t>(index) >= module.types.size() ||
        module.types[static_cast<std::size_t>(index)].kind != TypeDef::Kind::function) {
      reader.fail(Error::Kind::invalid, at,
                  with_number("unknown function type", static_cast<std::uint64_t>(index)));
      return {};
    }
    return {static_cast<std::uint32_t>(index)};
  }
};
static_assert(kMaxTypes <= BlockType::kAbstract);

}  // namespace nebulet::wasm
