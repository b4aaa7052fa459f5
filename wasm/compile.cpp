// SPDX-License-Identifier: MIT
#include "wasm/compile.h"

#include <algorithm>
#include <format>

#include "base/arena.h"
#include "base/result.h"
#include "wasm/frontend/build.h"
#include "wasm/ir/verify.h"
#include "wasm/opt/optimize.h"
#include "wasm/regalloc/check.h"
#include "wasm/regalloc/regalloc.h"
#include "wasm/verify/verify.h"
#include "wasm/x64/emit.h"
#include "wasm/x64/registers.h"
#include "wasm/x64/select.h"

namespace nebulet::wasm {
namespace {

/// An error of a stage that knows nothing of the module, with the function that it is about.
std::unexpected<Error> in_function(Error error, const Module& module, std::uint32_t function) {
  const bool named = function < module.function_names.size() && !module.function_names[function].empty();
  error.message = std::format("function {}{}{}{}: {}", function, named ? " (" : "",
                              named ? module.function_names[function] : std::string_view(), named ? ")" : "",
                              error.message);
  error.offset = module.functions[function].body_begin;
  return std::unexpected(std::move(error));
}

/// What the compilation of one module's functions shares.
class Compiler {
 public:
  Compiler(const Module& module, Effort effort, const CompileHook& hook)
      : builder(module), module_(module), effort_(effort), pause_(hook.pause), clock_(hook.clock) {}

  Result<> function(std::uint32_t defined) {
    const FunctionDecl& decl = module_.functions[module_.imported_functions + defined];
    const std::uint32_t bytes = decl.body_end - decl.body_begin;
    since_pause_ += bytes;
    if (since_pause_ > kLongBody) {
      since_pause_ = 0;
      TRY(pause_());
    }
    if (effort_ != Effort::segments && bytes <= kMaxWholeBody) {
      auto whole = as_a_whole(defined, bytes);
      if (whole || !too_large_) return whole;
    }
    return in_segments(defined);
  }
  std::size_t footprint() const { return arena_.peak() + keep_.peak(); }

  /// The time since the last call was that stage's.
  void ended(Stage stage) {
    if (clock_ == nullptr) return;
    const std::uint64_t now = clock_();
    times[static_cast<std::size_t>(stage)] += now - since_;
    since_ = now;
  }
  void begin() {
    if (clock_ != nullptr) since_ = clock_();
  }
  std::array<std::uint64_t, kStages> times{};

  x64::CodeBuilder builder;

 private:
  /// Larger bodies are compiled in segments right away: no stage of the compiler then takes long without a
  /// pause.
  static constexpr std::uint32_t kMaxWholeBody = 512 * 1024;
  /// Bodies with more bytes take more than about a millisecond.
  static constexpr std::uint32_t kLongBody = 2048;
  /// The most that the stages up to selection take for a unit of fuel (of about four bytes in the SSA form).
  static constexpr std::uint64_t kBytesPerUnit = 64;

  /// The least that selection and what follows take for a machine instruction.
  static constexpr std::uint64_t kBytesPerInst = 256;

  /// What the register allocator and the emitter take; measured on the families of tests/bounds.
  static std::uint64_t allocation_memory(const mir::Function& machine) {
    return machine.insts.size() * std::uint64_t{80} + machine.operands.size() * std::uint64_t{24} +
           machine.vregs.size() * std::uint64_t{150} + machine.blocks.size() * std::uint64_t{600};
  }

  Result<> as_a_whole(std::uint32_t defined, std::uint32_t bytes) {
    too_large_ = false;
    arena_.reset();
    const std::uint64_t memory = compile_memory(bytes);
    ir::Function function(arena_);
    if (auto built = build_function(module_, defined, function, memory / kBytesPerUnit); !built) {
      too_large_ = built.error().kind == Error::Kind::limit;
      return built;
    }
    ended(Stage::build);
    const bool is_long = bytes > kLongBody;
    if (is_long) TRY(pause_());
    opt::optimize(function);
    NB_DEBUG_ASSERT(ir::verify(function).empty());
    ended(Stage::optimize);
    if (is_long) TRY(pause_());
    mir::Function machine = x64::select(function, module_, layout_, arena_, memory / kBytesPerInst);
    ended(Stage::select);
    if (machine.blocks.empty() || arena_.used() + allocation_memory(machine) > memory) {
      too_large_ = true;
      return std::unexpected(Error{Error::Kind::limit, 0, "function exceeds the compile budget"});
    }
    if (is_long) TRY(pause_());
    const regalloc::Result allocation = regalloc::allocate(machine, registers_, arena_);
    NB_DEBUG_ASSERT(regalloc::check(machine, allocation, &registers_).empty());
    ended(Stage::allocate);
    if (is_long) TRY(pause_());
    auto added = builder.add(machine, allocation);
    ended(Stage::emit);
    return named(std::move(added), defined);
  }

  Result<> in_segments(std::uint32_t defined) {
    // The second attempt knows how large the frame must be, a third one that cells must be wide.
    x64::SegmentFrame frame{.outgoing = 1024, .cells = 0, .spills = 8192};
    std::uint32_t cell_bytes = 8;
    const FuncType& type = module_.type_of(module_.imported_functions + defined);
    frame.cells = 8 * (static_cast<std::uint32_t>(type.params.size()) + 1024);
    for (;;) {
      arena_.reset();
      keep_.reset();
      x64::SegmentedFunction whole(keep_, frame);
      whole_ = &whole;
      ir::Function segment(arena_);
      const SegmentSink sink{
          .segment =
              [](void* self, ir::Function& function, std::span<const std::uint32_t> labels) {
                return static_cast<Compiler*>(self)->segment(function, labels);
              },
          .finish =
              [](void* self, std::span<const ir::LabelAlias> aliases, std::uint32_t cells,
                 std::span<const std::uint32_t> references) {
                return static_cast<Compiler*>(self)->finish(aliases, cells, references);
              },
          .state = this,
          .cell_bytes = cell_bytes};
      cell_bytes_ = cell_bytes;
      auto built = build_in_segments(module_, defined, segment, keep_, sink);
      if (built && whole.fits()) return {};
      builder.drop_segments(whole);
      if (built) {
        frame = whole.needed;
      } else if (is_wide_cells_needed(built.error())) {
        cell_bytes = 16;
      } else {
        return named(std::move(built), defined);
      }
    }
  }

  Result<> segment(ir::Function& function, std::span<const std::uint32_t> labels) {
    ended(Stage::build);
    mir::Function machine = x64::select(function, module_, layout_, arena_);
    ended(Stage::select);
    const regalloc::Result allocation = regalloc::allocate(machine, registers_, arena_);
    NB_DEBUG_ASSERT(regalloc::check(machine, allocation, &registers_).empty());
    x64::set_segment_edges(function, machine);
    ended(Stage::allocate);
    TRY(pause_());
    auto added = builder.add_segment(*whole_, machine, allocation, labels);
    ended(Stage::emit);
    return added;
  }

  Result<> finish(std::span<const ir::LabelAlias> aliases, std::uint32_t cells,
                  std::span<const std::uint32_t> references) {
    whole_->needed.cells = cells * cell_bytes_;
    return whole_->fits() ? builder.end_segments(*whole_, aliases, references, cell_bytes_) : Result<>();
  }

  /// An error of a stage that knows nothing of the module, with the function that it is about.
  Result<> named(Result<> result, std::uint32_t defined) const {
    if (result || result.error().offset != 0) return result;
    return in_function(std::move(result.error()), module_, module_.imported_functions + defined);
  }

  const Module& module_;
  const Effort effort_;
  const Pause pause_;
  std::uint64_t (*const clock_)();
  std::uint64_t since_ = 0;
  const ContextLayout layout_ = ContextLayout::of(module_);
  const regalloc::Registers registers_{.allocatable = x64::kAllocatable, .vec_scratch = x64::kVecScratch};
  Arena arena_;  // everything about one function, or one segment; the code itself is in the builder
  Arena keep_;   // everything about a function in segments that must outlive one of them
  bool too_large_ = false;
  std::uint64_t since_pause_ = 0;  ///< bytes of bodies compiled
  x64::SegmentedFunction* whole_ = nullptr;
  std::uint32_t cell_bytes_ = 8;
};

}  // namespace

std::uint64_t compile_memory(std::uint64_t body_bytes) {
  // A small function cannot even take that much: fuel is bounded by its size.
  constexpr std::uint64_t kMostPerByte = 2'600, kLeast = 5 << 20;
  constexpr std::uint64_t kPerByte = 64, kConstant = 16 << 20;
  return std::min(body_bytes * kMostPerByte + kLeast, body_bytes * kPerByte + kConstant);
}

Result<std::unique_ptr<CodeObject>> compile_module(const Module& module, CompileStats* stats,
                                                   const CompileHook& hook, Effort effort) {
  Compiler compiler(module, effort, hook);
  compiler.begin();
  for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
    const std::uint32_t index = module.imported_functions + i;
    if (hook.before_function != nullptr) {
      const FunctionDecl& body = module.functions[index];
      TRY(hook.before_function(hook.state, {.function = index,
                                            .body_bytes = body.body_end - body.body_begin,
                                            .code_bytes = compiler.builder.text_bytes()}));
    }
    TRY(compiler.function(i));
  }

  auto code = std::make_unique<CodeObject>(compiler.builder.finish());
  compiler.ended(Stage::emit);
  TRY(verify_code(*code, module, hook.pause));
  compiler.ended(Stage::verify);
  if (stats) {
    stats->time = compiler.times;
    stats->functions = module.defined_functions();
    stats->wasm_bytes = module.bytes.size();
    stats->code_bytes = code->text.size() + code->rodata.size();
    stats->peak_arena_bytes = compiler.footprint();
  }
  return code;
}

}  // namespace nebulet::wasm
