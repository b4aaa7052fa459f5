// SPDX-License-Identifier: MIT
// libFuzzer target: any bytes through decoder, validator and front end. Asserts that validator and front end
// agree, that what the front end builds is sound SSA, and that it can build the same in segments.
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "wasm/compile.h"
#include "wasm/frontend/build.h"
#include "wasm/ir/cfg.h"
#include "wasm/ir/verify.h"
#include "wasm/validate/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nebulet;
  using namespace nebulet::wasm;
  static constexpr SegmentSink kNoSink{
      .segment = [](void*, ir::Function&, std::span<const std::uint32_t>) { return Result<>(); },
      .finish = [](void*, std::span<const ir::LabelAlias>, std::uint32_t,
                   std::span<const std::uint32_t>) { return Result<>(); },
      .state = nullptr,
      .cell_bytes = 16};
  const auto module = decode_module({reinterpret_cast<const std::byte*>(data), size});
  if (!module) return 0;
  Arena arena, scratch, keep, segments;
  for (std::uint32_t i = 0; i < module->defined_functions(); ++i) {
    arena.reset();
    scratch.reset();
    ir::Function function(arena);
    const bool built = build_function(*module, i, function).has_value();
    const auto valid = validate_function(*module, i, scratch);
    // The front end spends fuel on more than the validator does.
    NB_ASSERT(built ? valid.has_value() : true);
    keep.reset();
    segments.reset();
    ir::Function segment(segments);
    const auto in_segments = build_in_segments(*module, i, segment, keep, kNoSink);
    NB_ASSERT(in_segments ? valid.has_value()
                          : !built || (in_segments.error().kind == Error::Kind::limit &&
                                       !in_segments.error().message.contains("combination")));
    if (!built) continue;
    ir::compute_cfg(function);
    NB_ASSERT(ir::verify(function).empty());
  }
  return 0;
}
