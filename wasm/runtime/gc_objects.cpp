// SPDX-License-Identifier: MIT
// Operations on objects that services and constant expressions need. What they are given may come from code
// that a defect of the compiler made: references and ranges are checked as if nothing had validated them.
#include <cstring>

#include "wasm/runtime/gc_store.h"

namespace nebulet::wasm {
namespace {

bool inside(std::uint64_t index, std::uint64_t count, std::uint64_t length) {
  return index <= length && count <= length - index;
}

std::uint32_t& reference_at(std::byte* at) { return *reinterpret_cast<std::uint32_t*>(at); }

}  // namespace

void StoreGc::write(const GcObject& object, std::uint32_t offset, const FieldType& field,
                    const Value& value) {
  std::memcpy(object.address + offset, &value, field_bytes(field));
}

GcRef StoreGc::make_structure(Instance& instance, std::uint32_t type) {
  return allocate(instance.gc_record(type), nullptr);
}

GcRef StoreGc::make_structure(Instance& instance, std::uint32_t type, std::span<const Value> fields) {
  const GcRef ref = make_structure(instance, type);
  if (ref == 0) return 0;
  const GcObject object = *heap_->object(ref);
  const TypeDef& def = instance.module().types[type];
  for (std::size_t i = 0; i < fields.size(); ++i) write(object, def.offsets[i], def.fields[i], fields[i]);
  return ref;
}

GcRef StoreGc::make_array(Instance& instance, std::uint32_t type, std::uint32_t length,
                          const Value& element) {
  const GcRef ref = allocate_array(instance.gc_record(type), length, nullptr);
  if (ref == 0 || (element.low == 0 && element.high == 0)) return ref;
  const GcObject array = *heap_->object(ref);
  for (std::uint32_t i = 0; i < length; ++i)
    std::memcpy(GcHeap::element(array, i), &element, array.type->size);
  return ref;
}

GcRef StoreGc::make_array(Instance& instance, std::uint32_t type, std::span<const Value> elements) {
  const auto length = static_cast<std::uint32_t>(elements.size());
  const GcRef ref = allocate_array(instance.gc_record(type), length, nullptr);
  if (ref == 0) return 0;
  const GcObject array = *heap_->object(ref);
  for (std::uint32_t i = 0; i < length; ++i)
    std::memcpy(GcHeap::element(array, i), &elements[i], array.type->size);
  return ref;
}

namespace {

/// The array, or the trap.
std::expected<GcObject, Trap> array_at(const GcHeap& heap, GcRef ref, std::uint32_t index,
                                       std::uint32_t count) {
  if (ref == 0) return std::unexpected(Trap::null_array);
  const std::optional<GcObject> array = heap.object(ref);
  if (!array || array->type->kind != GcKind::array) return std::unexpected(Trap::cast_failure);
  if (!inside(index, count, array->length)) return std::unexpected(Trap::array_out_of_bounds);
  return *array;
}

}  // namespace

/// Reports references that are about to be overwritten.
void StoreGc::shade_elements(const GcObject& array, std::uint32_t index, std::uint32_t count) {
  if (!heap_->marking() || !array.type->traced_elements) return;
  for (std::uint32_t i = 0; i < count; ++i) heap_->shade(reference_at(GcHeap::element(array, index + i)));
}

std::optional<Trap> StoreGc::fill(GcRef ref, std::uint32_t index, std::uint32_t count, std::uint64_t bits,
                                  std::uint32_t part) {
  const auto array = array_at(*heap_, ref, index, count);
  if (!array) return array.error();
  const std::uint32_t size = array->type->size;
  const std::uint32_t offset = size == 16 ? part % 2 * 8 : 0, width = size < 8 ? size : 8;
  shade_elements(*array, index, count);
  std::byte* at = GcHeap::element(*array, index) + offset;
  if (size == 1) {
    std::memset(at, static_cast<int>(bits & 0xff), count);
    return std::nullopt;
  }
  for (std::uint32_t i = 0; i < count; ++i, at += size) std::memcpy(at, &bits, width);
  return std::nullopt;
}

std::optional<Trap> StoreGc::copy(GcRef to_ref, std::uint32_t to_index, GcRef from_ref,
                                  std::uint32_t from_index, std::uint32_t count) {
  if (to_ref == 0 || from_ref == 0) return Trap::null_array;
  const auto to = array_at(*heap_, to_ref, to_index, count);
  if (!to) return to.error();
  const auto from = array_at(*heap_, from_ref, from_index, count);
  if (!from) return from.error();
  if (to->type->size != from->type->size) return Trap::cast_failure;
  shade_elements(*to, to_index, count);
  std::memmove(GcHeap::element(*to, to_index), GcHeap::element(*from, from_index),
               std::uint64_t{count} * to->type->size);
  return std::nullopt;
}

std::optional<Trap> StoreGc::init_data(Instance& instance, std::uint32_t segment, GcRef ref,
                                       std::uint32_t index, std::uint32_t from, std::uint32_t count) {
  const auto array = array_at(*heap_, ref, index, count);
  if (!array) return array.error();
  const std::span<const std::byte> bytes = instance.data(segment);
  const std::uint64_t size = std::uint64_t{count} * array->type->size;
  if (array->type->traced_elements) return Trap::cast_failure;
  if (!inside(from, size, bytes.size())) return Trap::memory_out_of_bounds;
  if (size != 0) std::memcpy(GcHeap::element(*array, index), bytes.data() + from, size);
  return std::nullopt;
}

std::optional<Trap> StoreGc::init_elements(Instance& instance, std::uint32_t segment, GcRef ref,
                                           std::uint32_t index, std::uint32_t from, std::uint32_t count) {
  const auto array = array_at(*heap_, ref, index, count);
  if (!array) return array.error();
  const std::span<const std::uint32_t> refs = instance.elements(segment);
  if (array->type->size != sizeof(GcRef)) return Trap::cast_failure;
  if (!inside(from, count, refs.size())) return Trap::table_out_of_bounds;
  shade_elements(*array, index, count);
  for (std::uint32_t i = 0; i < count; ++i) reference_at(GcHeap::element(*array, index + i)) = refs[from + i];
  return std::nullopt;
}

}  // namespace nebulet::wasm
