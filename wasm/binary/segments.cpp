// SPDX-License-Identifier: MIT
// Element and data segments (spec 5.5.12, 5.5.14, 3.4.7, 3.4.8).
#include <algorithm>

#include "wasm/binary/limits.h"
#include "wasm/binary/module_decoder.h"
#include "wasm/binary/subtype.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {

void ModuleDecoder::element_section() {
  const std::uint32_t n = count(kMaxElementSegments, "element segments");
  if (ok()) module_.elements.reserve(std::min(n, section_.remaining() / 3));  // none is shorter
  for (std::uint32_t i = 0; i < n && ok(); ++i) element_segment(module_.elements.emplace_back());
}

void ModuleDecoder::element_segment(ElementSegment& segment) {
  constexpr std::uint32_t kNotActive = 1, kExplicit = 2, kExpressions = 4;
  const std::uint32_t at = section_.position();
  const std::uint32_t flags = section_.u32();
  if (flags > 7) {
    section_.fail(Error::Kind::malformed, at, "malformed elements segment kind");
    return;
  }
  segment.mode = !(flags & kNotActive) ? ElementSegment::Mode::active
                 : flags & kExplicit   ? ElementSegment::Mode::declarative
                                       : ElementSegment::Mode::passive;
  if (segment.mode == ElementSegment::Mode::active) {
    const std::uint32_t table_at = section_.position();
    segment.table = flags & kExplicit ? section_.u32() : 0;
    if (!ok()) return;
    if (segment.table >= module_.tables.size()) {
      invalid(table_at, with_number("unknown table", segment.table));
      return;
    }
    segment.offset = const_expr(module_.tables[segment.table].type.limits.is_64 ? kI64 : kI32);
  }
  segment.type = flags & kExpressions ? kFuncRef : ref_type(kFuncHeap, false);
  if (flags & (kNotActive | kExplicit)) {
    if (flags & kExpressions)
      segment.type = read_ref_type(section_, module_.types.size());
    else if (const std::uint32_t kind_at = section_.position(); section_.byte() != 0)
      section_.fail(Error::Kind::malformed, kind_at, "malformed element kind");
  }
  if (ok() && segment.mode == ElementSegment::Mode::active &&
      !is_subtype(module_, segment.type, module_.tables[segment.table].type.element)) {
    invalid(at, "type mismatch");
    return;
  }
  const std::uint32_t n = count(kMaxTableElements, "elements in a segment");
  if (flags & kExpressions) {
    for (std::uint32_t i = 0; i < n && ok(); ++i) segment.expressions.push_back(const_expr(segment.type));
  } else {
    for (std::uint32_t i = 0; i < n && ok(); ++i) {
      std::uint32_t function = 0;
      function_index(function);
      if (!ok()) return;
      module_.functions[function].declared = true;
      segment.functions.push_back(function);
    }
  }
}

void ModuleDecoder::data_count_section() { module_.data_count = section_.u32(); }

void ModuleDecoder::data_section() {
  const std::uint32_t at = section_.position();
  const std::uint32_t n = count(kMaxDataSegments, "data segments");
  if (ok() && module_.data_count && *module_.data_count != n)
    section_.fail(Error::Kind::malformed, at, "data count and data section have inconsistent lengths");
  for (std::uint32_t i = 0; i < n && ok(); ++i) {
    DataSegment& segment = module_.data.emplace_back();
    const std::uint32_t flags_at = section_.position();
    const std::uint32_t flags = section_.u32();
    if (flags > 2) {
      section_.fail(Error::Kind::malformed, flags_at, "malformed data segment kind");
      return;
    }
    segment.active = flags != 1;
    if (segment.active) {
      const std::uint32_t memory_at = section_.position();
      segment.memory = flags == 2 ? section_.u32() : 0;
      if (!ok()) return;
      if (segment.memory >= module_.memories.size()) {
        invalid(memory_at, with_number("unknown memory", segment.memory));
        return;
      }
      segment.offset = const_expr(module_.memories[segment.memory].limits.is_64 ? kI64 : kI32);
    }
    const std::uint32_t size = section_.u32();
    segment.begin = section_.skip(size);
    segment.end = segment.begin + size;
  }
}

}  // namespace nebulet::wasm
