// SPDX-License-Identifier: MIT
// Functions that are emitted in segments: the segments share labels, branches and out-of-line traps, which
// are settled when the last one is there.
#include <algorithm>

#include "wasm/runtime/layout.h"
#include "wasm/x64/abi.h"
#include "wasm/x64/emit.h"
#include "wasm/x64/function_emitter.h"

namespace nebulet::wasm::x64 {

namespace {
constexpr std::uint32_t kNone = 0xffffffff;
std::unexpected<Error> limit(const char* message) {
  return std::unexpected(Error{Error::Kind::limit, 0, message});
}
}  // namespace

Result<> FunctionEmitter::run_segment(std::span<const std::uint32_t> labels, std::uint32_t stack_args) {
  SegmentedFunction& whole = *whole_;
  whole.needed.outgoing = std::max(whole.needed.outgoing, outgoing_bytes(f_));
  whole.needed.spills = std::max(whole.needed.spills, allocation_.spill_bytes);
  stack_args_ = stack_args;
  outgoing_ = whole.frame.outgoing;
  spill_base_ = outgoing_ + whole.frame.cells;
  frame_ = spill_base_ + whole.frame.spills;
  if (frame_ > kMaxFrame || whole.needed.outgoing > kMaxFrame || whole.needed.spills > kMaxFrame)
    return limit("the frame of a function is too large");
  if (stack_args > 0xffff) return limit("too many arguments on the stack");
  if (a_.size() > kMaxText) return limit("the module's code is too large");
  add_stack_maps();
  labels_ = whole.labels;
  branches_ = whole.branches;
  traps_ = whole.traps;
  tables_ = whole.tables;
  handlers_ = whole.handlers;
  if (!whole.begun) {
    begin_function();
    whole.begin = begin_;
    whole.begun = true;
    prologue();
  }
  const std::uint32_t known = std::ranges::max(labels) + 1;
  if (known > labels_.size()) labels_.resize(known, kNone);
  for (std::uint32_t b = 0; b < labels.size(); ++b) {
    next_block_ = b + 1 < labels.size() ? labels[b + 1] : kNone;
    labels_[labels[b]] = a_.size();
    whole.starts.push_back(labels[b]);
    emit_block(b);
  }
  whole.labels = labels_;
  whole.branches = branches_;
  whole.traps = traps_;
  whole.tables = tables_;
  whole.handlers = handlers_;
  return {};
}

// Until the end the entries of a jump table are labels.
void FunctionEmitter::fill_with_labels(std::uint32_t rodata_offset, std::uint32_t block) {
  const mir::BlockData& data = f_.blocks[block];
  for (std::uint32_t s = 0; s < data.succ_count; ++s) {
    const std::uint32_t label = f_.edges[data.succs + s].to.index;
    std::memcpy(builder_.rodata_.bytes().data() + rodata_offset + s * 4, &label, 4);
  }
}

void FunctionEmitter::end_segments(std::span<const ir::LabelAlias> aliases, std::uint32_t stack_args,
                                   std::uint32_t stack_results) {
  SegmentedFunction& whole = *whole_;
  labels_ = whole.labels;
  branches_ = whole.branches;
  traps_ = whole.traps;
  handlers_ = whole.handlers;
  begin_ = whole.begin;
  first_trap_ = whole.first_trap;
  first_call_ = whole.first_call;
  first_call_fixup_ = whole.first_call_fixup;
  first_rodata_fixup_ = whole.first_rodata_fixup;
  for (const ir::LabelAlias& alias : aliases)
    if (alias.from >= labels_.size()) labels_.resize(alias.from + 1, kNone);
  aliases_ = aliases;
  copy_aliases();
  targeted_.resize(labels_.size(), false);
  for (const BranchSite& branch : branches_)
    if (branch.target < trap_base_) targeted_[branch.target] = true;
  std::byte* rodata = builder_.rodata_.bytes().data();
  auto for_each_entry = [&](auto visit) {
    for (const Table& table : whole.tables)
      for (std::uint32_t i = 0; i < table.block; ++i) {
        std::uint32_t entry;
        std::memcpy(&entry, rodata + table.rodata_offset + i * 4, 4);
        visit(entry);
        std::memcpy(rodata + table.rodata_offset + i * 4, &entry, 4);
      }
  };
  for_each_entry([&](std::uint32_t& label) { targeted_[label] = true; });
  for (const Handler& handler : handlers_) targeted_[handler.block] = true;
  for (const ir::LabelAlias& alias : aliases)
    if (targeted_[alias.from]) targeted_[alias.to] = true;
  bind_traps();
  shorten_branches();
  for_each_entry([&](std::uint32_t& label) { label = labels_[label]; });
  set_handlers();
  std::vector<nebulet::wasm::Label>& labels = builder_.object_.labels;
  for (const std::uint32_t label : whole.starts) {
    if (!targeted_[label]) continue;
    if (labels.empty() || labels.back().pc != labels_[label]) labels.push_back({labels_[label], 0});
  }
  builder_.object_.functions.push_back({begin_, a_.size(),
                                        whole.frame.outgoing + whole.frame.cells + whole.frame.spills,
                                        stack_args, stack_results});
}

Result<> CodeBuilder::add_segment(SegmentedFunction& whole, const mir::Function& segment,
                                  const regalloc::Result& allocation, std::span<const std::uint32_t> labels) {
  if (!whole.begun) {
    whole.text = assembler_.size();
    whole.rodata = static_cast<std::uint32_t>(rodata_.bytes().size());
    whole.first_trap = object_.traps.size();
    whole.first_call = object_.calls.size();
    whole.first_call_fixup = call_fixups_.size();
    whole.first_rodata_fixup = assembler_.rodata_fixups().size();
    whole.first_table = object_.jump_tables.size();
    whole.first_map = object_.stack_maps.size();
    whole.first_map_slot = object_.map_slots.size();
  }
  FunctionEmitter emitter(*this, segment, allocation, &whole);
  return emitter.run_segment(labels, stack_bytes(module_.type_of(next_function()).params));
}

Result<> CodeBuilder::end_segments(SegmentedFunction& whole, std::span<const ir::LabelAlias> aliases,
                                   std::span<const std::uint32_t> references, std::uint32_t cell_bytes) {
  const FuncType& type = module_.type_of(next_function());
  Arena& arena = *whole.arena;
  const mir::Function none(arena);
  const regalloc::Result nothing(arena);
  FunctionEmitter emitter(*this, none, nothing, &whole);
  emitter.end_segments(aliases, stack_bytes(type.params), stack_bytes(type.results));
  if (references.empty()) return {};
  object_.functions.back().stack_map = static_cast<std::uint32_t>(object_.stack_maps.size());
  object_.stack_maps.push_back({static_cast<std::uint32_t>(object_.map_slots.size()), 1});
  for (const std::uint32_t cell : references)
    object_.map_slots.push_back(whole.frame.outgoing + cell * cell_bytes);
  return {};
}

void CodeBuilder::drop_segments(const SegmentedFunction& whole) {
  if (!whole.begun) return;
  assembler_.truncate(whole.text);
  rodata_.truncate(whole.rodata);
  object_.traps.resize(whole.first_trap);
  object_.calls.resize(whole.first_call);
  call_fixups_.resize(whole.first_call_fixup);
  assembler_.rodata_fixups().resize(whole.first_rodata_fixup);
  object_.jump_tables.resize(whole.first_table);
  object_.stack_maps.resize(whole.first_map);
  object_.map_slots.resize(whole.first_map_slot);
}

}  // namespace nebulet::wasm::x64
