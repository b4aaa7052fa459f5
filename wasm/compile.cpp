// SPDX-License-Identifier: MIT
#include "wasm/compile.h"

#include <algorithm>
#include <atomic>
#include <deque>
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

/// What one thread needs to compile functions of a module.
class Compiler {
 public:
  Compiler(const Module& module, Effort effort, const CompileHook& hook)
      : module_(module), effort_(effort), pause_(hook.pause), clock_(hook.clock) {}

  /// Compiles the functions that follow for this builder.
  void start(x64::CodeBuilder& builder) { builder_ = &builder; }

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
    auto added = builder_->add(machine, allocation);
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
      builder_->drop_segments(whole);
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
    auto added = builder_->add_segment(*whole_, machine, allocation, labels);
    ended(Stage::emit);
    return added;
  }

  Result<> finish(std::span<const ir::LabelAlias> aliases, std::uint32_t cells,
                  std::span<const std::uint32_t> references) {
    whole_->needed.cells = cells * cell_bytes_;
    return whole_->fits() ? builder_->end_segments(*whole_, aliases, references, cell_bytes_) : Result<>();
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
  x64::CodeBuilder* builder_ = nullptr;
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

/// The compilation of a module: its functions in parts, each of which one thread compiles. Parts depend on
/// the module only, and so does the code.
class Job {
 public:
  Job(const Module& module, Effort effort, const CompileHook& hook)
      : module_(module), effort_(effort), hook_(hook), whole_(module) {
    std::uint64_t bytes = kPartBytes;
    for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
      if (bytes >= kPartBytes) {
        parts_.emplace_back(module, i);
        bytes = 0;
      }
      bytes += body_bytes(i);
      parts_.back().end = i + 1;
    }
  }

  /// Compiles parts as long as there are any. For any number of threads.
  void work() {
    Compiler compiler(module_, effort_, hook_);
    compiler.begin();
    for (;;) {
      const std::uint32_t next = next_.fetch_add(1, std::memory_order_relaxed);
      // Behind the first error nothing matters.
      if (next >= parts_.size() || next > failed_.load(std::memory_order_relaxed)) break;
      Part& part = parts_[next];
      part.result = compile(part, compiler);
      if (part.result) {
        part.is_done = true;
        merge();
        continue;
      }
      std::uint32_t failed = failed_.load(std::memory_order_relaxed);
      while (next < failed && !failed_.compare_exchange_weak(failed, next, std::memory_order_relaxed)) {
      }
    }
    footprint_ += compiler.footprint();
    for (std::size_t i = 0; i < kStages; ++i) times_[i] += compiler.times[i];
  }

  /// The code, or the first error in the module's order.
  Result<CodeObject> finish() {
    for (Part& part : parts_) TRY(std::move(part.result));
    return whole_.finish();
  }
  std::size_t parts() const { return parts_.size(); }
  std::uint64_t footprint() const { return footprint_; }
  std::array<std::uint64_t, kStages> times() const {
    std::array<std::uint64_t, kStages> times;
    std::ranges::copy(times_, times.begin());
    return times;
  }

 private:
  /// A part has at least so many bytes of bodies: much less than a module that is worth several threads, much
  /// more than what its own constants and the copy of its code cost.
  static constexpr std::uint64_t kPartBytes = 128 * 1024;

  struct Part {
    Part(const Module& module, std::uint32_t first) : builder(module, first), begin(first), end(first) {}
    x64::CodeBuilder builder;
    std::uint32_t begin, end;  ///< defined functions
    std::atomic<bool> is_done = false;
    Result<> result;
  };

  /// Puts the parts that are done behind each other, as far as there is no gap; their memory is used again.
  void merge() {
    // Who does not get it has left a part to whoever has it, or to the one who finishes the gap.
    do {
      if (merging_.exchange(true)) return;
      while (is_next_done()) {
        whole_.append(std::move(parts_[merged_].builder));
        ++merged_;
      }
      merging_ = false;
    } while (is_next_done());
  }
  bool is_next_done() const {
    const std::uint32_t next = merged_;
    return next < parts_.size() && parts_[next].is_done;
  }

  std::uint32_t body_bytes(std::uint32_t defined) const {
    const FunctionDecl& body = module_.functions[module_.imported_functions + defined];
    return body.body_end - body.body_begin;
  }

  Result<> compile(Part& part, Compiler& compiler) {
    compiler.start(part.builder);
    std::uint32_t before = 0;
    for (std::uint32_t i = part.begin; i < part.end; ++i) {
      if (hook_.before_function != nullptr)
        TRY(hook_.before_function(hook_.state, {.function = module_.imported_functions + i,
                                                .body_bytes = body_bytes(i),
                                                .code_bytes = code_bytes_}));
      TRY(compiler.function(i));
      code_bytes_ += part.builder.text_bytes() - before;
      before = part.builder.text_bytes();
      if (code_bytes_ > x64::kMaxText)
        return std::unexpected(Error{Error::Kind::limit, 0, "the module's code is too large"});
    }
    return {};
  }

  const Module& module_;
  const Effort effort_;
  const CompileHook& hook_;
  std::deque<Part> parts_;
  x64::CodeBuilder whole_;
  std::atomic<std::uint32_t> merged_ = 0;  ///< changed by who has set `merging_`
  std::atomic<bool> merging_ = false;
  std::atomic<std::uint32_t> next_ = 0, failed_ = 0xffffffff;
  std::atomic<std::uint64_t> code_bytes_ = 0, footprint_ = 0;
  std::array<std::atomic<std::uint64_t>, kStages> times_{};
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
  Job job(module, effort, hook);
  if (job.parts() > 1)
    hook.workers([](void* self) { static_cast<Job*>(self)->work(); }, &job);
  else
    job.work();
  auto code = std::make_unique<CodeObject>(TRY(job.finish()));
  const std::uint64_t begin = hook.clock ? hook.clock() : 0;
  TRY(verify_code(*code, module, hook.pause));
  if (stats) {
    stats->functions = module.defined_functions();
    stats->wasm_bytes = module.bytes.size();
    stats->code_bytes = code->text.size() + code->rodata.size();
    stats->peak_arena_bytes = job.footprint();
    stats->time = job.times();
    if (hook.clock) stats->time[static_cast<std::size_t>(Stage::verify)] = hook.clock() - begin;
  }
  return code;
}

}  // namespace nebulet::wasm
