// SPDX-License-Identifier: MIT
// Layout of functions: frames, fallthrough, branches, out-of-line traps, tables.
#include "wasm/x64/emit.h"

#include <algorithm>

#include "wasm/runtime/layout.h"
#include "wasm/x64/abi.h"
#include "wasm/x64/function_emitter.h"

namespace nebulet::wasm::x64 {

using mir::Inst;

namespace {
constexpr std::byte kInt3{0xcc};
constexpr std::uint32_t kFunctionAlign = 16;
constexpr std::uint32_t kLongJump = 5, kLongJcc = 6, kShort = 2;
MOp op_of(const Inst& inst) { return static_cast<MOp>(inst.op); }
/// Inst::aux is what it needs of the outgoing area.
bool is_call(MOp op) {
  return op == MOp::call || op == MOp::call_import || op == MOp::call_indirect || op == MOp::tail_call ||
         op == MOp::tail_import || op == MOp::tail_indirect || op == MOp::throw_ || op == MOp::catch_;
}
}  // namespace

FunctionEmitter::FunctionEmitter(CodeBuilder& builder, const mir::Function& function,
                                 const regalloc::Result& allocation, SegmentedFunction* whole)
    : builder_(builder),
      a_(builder.assembler_),
      f_(function),
      allocation_(allocation),
      whole_(whole),
      resolved_(*function.arena),
      targeted_(*function.arena),
      labels_(*function.arena),
      trap_labels_(*function.arena),
      branches_(*function.arena),
      traps_(*function.arena),
      tables_(*function.arena),
      handlers_(*function.arena),
      first_trap_(builder.object_.traps.size()),
      first_call_(builder.object_.calls.size()),
      first_call_fixup_(builder.call_fixups_.size()),
      first_rodata_fixup_(builder.assembler_.rodata_fixups().size()) {}

// A block that only jumps is skipped, unless a branch goes back to it: so a cycle of empty blocks stays.
void FunctionEmitter::thread_jumps() {
  const std::uint32_t count = f_.blocks.size();
  resolved_.resize(count);
  targeted_.resize(count, false);
  ArenaVector<bool> back_target(*f_.arena), edited(*f_.arena);
  back_target.resize(count, false);
  edited.resize(count, false);
  std::uint32_t e = 0;
  for (std::uint32_t b = 0; b < count; ++b) {
    const mir::BlockData& block = f_.blocks[b];
    for (std::uint32_t s = 0; s < block.succ_count; ++s) {
      const std::uint32_t to = f_.edges[block.succs + s].to.index;
      if (to <= b) back_target[to] = true;
    }
    while (e < allocation_.edits.size() && allocation_.edits[e].before < block.first + block.count) {
      edited[b] = true;
      ++e;
    }
  }
  for (std::uint32_t b = count; b-- > 0;) {
    const mir::BlockData& block = f_.blocks[b];
    resolved_[b] = b;
    if (b == 0 || back_target[b] || edited[b] || op_of(f_.insts[block.first + block.count - 1]) != MOp::jump)
      continue;
    bool empty = true;
    // A block with more than a few instructions is not worth looking at.
    for (std::uint32_t i = 0; i + 1 < block.count && empty; ++i) empty = allocation_.dead[block.first + i];
    if (!empty) continue;
    const std::uint32_t to = f_.edges[block.succs].to.index;
    resolved_[b] = to > b ? resolved_[to] : to;
  }
  for (std::uint32_t b = 0; b < count; ++b) {
    const mir::BlockData& block = f_.blocks[b];
    if (resolved_[b] != b) continue;
    for (std::uint32_t s = 0; s < block.succ_count; ++s)
      targeted_[resolved_[f_.edges[block.succs + s].to.index]] = true;
  }
}

void FunctionEmitter::prologue() {
  const std::uint8_t sp = rsp.encoding();
  for (std::uint32_t probe = kProbeStep; probe <= frame_; probe += kProbeStep) {
    a_.reserve();
    Mem m;
    m.base = sp;
    m.disp = -static_cast<std::int32_t>(probe);
    a_.legacy(info(MOp::test_rm), 0x85, 4, rax.encoding(), Rm::of_mem(m), 0);
  }
  if (!frame_) return;
  a_.reserve();
  const bool small = frame_ < 128;
  a_.legacy(info(MOp::sub_ri), small ? 0x83 : 0x81, 8, 5, Rm::of_reg(sp), small ? 1 : 4);
  if (small)
    a_.byte(static_cast<std::uint8_t>(frame_));
  else
    a_.dword(frame_);
}

void FunctionEmitter::jump(Label target) {
  branches_.push_back({a_.size(), target, false});
  a_.byte(0xe9);
  a_.dword(0);
}

void FunctionEmitter::jump_if(Cond cond, Label target) {
  if (cond == Cond::unordered_ne) {
    jump_if(Cond::ne, target);
    return jump_if(Cond::p, target);
  }
  NB_ASSERT(cond != Cond::ordered_e);
  branches_.push_back({a_.size(), target, true});
  a_.byte(0x0f);
  a_.byte(static_cast<std::uint8_t>(0x80 | static_cast<unsigned>(cond)));
  a_.dword(0);
}

void FunctionEmitter::goto_unless_next(Label target) {
  if (target != next_block_) jump(target);
}

FunctionEmitter::Label FunctionEmitter::trap_label(ir::Trap trap, std::uint32_t position) {
  if (traps_.empty() || traps_.back().position != position || traps_.back().trap != trap)
    traps_.push_back({position, trap});
  return trap_base_ + traps_.size() - 1;
}

void FunctionEmitter::terminator(std::uint32_t block, const Inst& inst) {
  a_.reserve();
  auto target = [&](std::uint32_t i) { return resolve(f_.edges[f_.blocks[block].succs + i].to.index); };
  switch (op_of(inst)) {
    case MOp::jump:
      if (!whole_ && target(0) != next_block_ && !f_.blocks[block].cold &&
          (is_dispatch(target(0)) || is_return(target(0))))
        return copy_block(target(0));
      return goto_unless_next(target(0));
    case MOp::branch: {
      Cond cond = Aux(inst.aux).cond();
      Label taken = target(0), other = target(1);
      if (taken == other) return goto_unless_next(taken);
      if (taken == next_block_ || cond == Cond::ordered_e) {
        std::swap(taken, other);
        cond = negate(cond);
      }
      // ordered_e cannot be one jump; with unordered_ne it is two to the same place.
      if (cond == Cond::ordered_e) {
        jump_if(Cond::p, other);
        jump_if(Cond::e, taken);
      } else {
        jump_if(cond, taken);
      }
      return goto_unless_next(other);
    }
    case MOp::switch_: return encode_switch(block, inst);
    case MOp::on_throw: lands_at(target(0)); return goto_unless_next(target(1));
    case MOp::ret:
      if (frame_) {
        const bool small = frame_ < 128;
        a_.legacy(info(MOp::add_ri), small ? 0x83 : 0x81, 8, 0, Rm::of_reg(rsp.encoding()), small ? 1 : 4);
        if (small)
          a_.byte(static_cast<std::uint8_t>(frame_));
        else
          a_.dword(frame_);
      }
      if (!stack_args_) return a_.byte(0xc3);
      a_.byte(0xc2);
      return a_.word(static_cast<std::uint16_t>(stack_args_));
    default: return encode_custom(inst, nullptr);
  }
}

void FunctionEmitter::emit_block(std::uint32_t block) {
  const mir::BlockData& data = f_.blocks[block];
  for (std::uint32_t i = data.first; i < data.first + data.count; ++i) {
    while (next_edit_ < allocation_.edits.size() && allocation_.edits[next_edit_].before == i)
      edit(allocation_.edits[next_edit_++]);
    const Inst& inst = f_.insts[i];
    if (inst.flags & mir::kTerminator)
      terminator(block, inst);
    else if (allocation_.dead[i])
      continue;
    else if (sets_flags_for(block, i))
      encode_with_flags(inst), ++i;
    else
      encode(inst, nullptr);
  }
}

// Whether instruction `i` leaves the flags that the comparison with 0 behind it and the branch at the end
// need.
bool FunctionEmitter::sets_flags_for(std::uint32_t block, std::uint32_t i) const {
  const std::uint32_t end = f_.blocks[block].first + f_.blocks[block].count - 1;
  if (i + 2 != end || op_of(f_.insts[end]) != MOp::branch || op_of(f_.insts[i + 1]) != MOp::test_rm)
    return false;
  if (next_edit_ < allocation_.edits.size() && allocation_.edits[next_edit_].before <= i + 1) return false;
  const Cond cond = Aux(f_.insts[end].aux).cond();
  if (cond != Cond::e && cond != Cond::ne && cond != Cond::s && cond != Cond::ns) return false;
  const Inst &inst = f_.insts[i], &test = f_.insts[i + 1];
  if (Aux(inst.aux).size() != Aux(test.aux).size() || Aux(test.aux).mem() != MemKind::none) return false;
  const regalloc::Location a = allocation_.operands[test.operands],
                           b = allocation_.operands[test.operands + 1];
  if (!a.is_reg() || a != b) return false;
  switch (op_of(inst)) {
    case MOp::add_rm:
    case MOp::sub_rm:
    case MOp::and_rm:
    case MOp::or_rm:
    case MOp::xor_rm:
    case MOp::add_ri:
    case MOp::sub_ri:
    case MOp::and_ri:
    case MOp::or_ri:
    case MOp::xor_ri: return allocation_.operands[inst.operands + inst.operand_count - 1] == a;
    case MOp::lea: {
      const Aux aux(inst.aux);
      return aux.has_base() && !aux.has_index() && inst.disp != 0 &&
             allocation_.operands[inst.operands] == a && allocation_.operands[inst.operands + 1] == a;
    }
    default: return false;
  }
}

// A block that ends in a jump table and is jumped to from many places, as the loop of an interpreter is: each
// place gets its own copy, so that each has its own indirect jump.
bool FunctionEmitter::is_dispatch(std::uint32_t block) const {
  const mir::BlockData& data = f_.blocks[block];
  if (op_of(f_.insts[data.first + data.count - 1]) != MOp::switch_) return false;
  constexpr std::uint32_t kMaxInstructions = 12, kMaxEntries = 1u << 14;
  return data.count <= kMaxInstructions && data.pred_count > 2 &&
         data.pred_count * data.succ_count <= kMaxEntries;
}

// An epilogue is about as long as a jump to it.
bool FunctionEmitter::is_return(std::uint32_t block) const {
  const mir::BlockData& data = f_.blocks[block];
  return data.count == 1 && op_of(f_.insts[data.first]) == MOp::ret;
}

void FunctionEmitter::copy_block(std::uint32_t block) {
  const std::uint32_t resume = next_edit_;
  const auto& edits = allocation_.edits;
  next_edit_ = static_cast<std::uint32_t>(
      std::lower_bound(edits.begin(), edits.end(), f_.blocks[block].first,
                       [](const regalloc::Edit& e, std::uint32_t at) { return e.before < at; }) -
      edits.begin());
  emit_block(block);
  next_edit_ = resume;
}

void FunctionEmitter::bind_traps() {
  for (const OutOfLineTrap& trap : traps_) {
    a_.reserve();
    trap_labels_.push_back(a_.size());
    builder_.object_.traps.push_back({a_.size(), trap.position, trap.trap});
    a_.word(0x0b0f);
  }
}

// Every branch was emitted long. Distances only shrink, so one that is short enough now is short enough in
// the end.
void FunctionEmitter::shorten_branches() {
  const std::uint32_t count = branches_.size();
  ArenaVector<std::uint32_t> saved(*f_.arena);  // by branch: bytes saved before it
  ArenaVector<bool> is_short(*f_.arena);
  saved.reserve(count + 1);
  is_short.reserve(count);
  std::uint32_t total = 0;
  for (const BranchSite& branch : branches_) {
    const std::int64_t length = branch.conditional ? kLongJcc : kLongJump;
    const std::int64_t target = position_of(branch.target);
    const std::int64_t forward = target - (branch.at + length), backward = branch.at + kShort - target;
    const bool fits = target > branch.at ? forward <= 127 : backward <= 128;
    saved.push_back(total);
    is_short.push_back(fits);
    if (fits) total += static_cast<std::uint32_t>(length) - kShort;
  }
  saved.push_back(total);
  // Positions are looked up in ascending order within each table, so a moving cursor finds each in constant
  // time.
  auto mapper = [&, cursor = 0u](std::uint32_t at) mutable {
    while (cursor > 0 && branches_[cursor - 1].at >= at) --cursor;
    while (cursor < count && branches_[cursor].at < at) ++cursor;
    return at - saved[cursor];
  };
  auto map_labels = mapper;
  // Labels of blocks ascend in layout order; skipped blocks have none.
  if (whole_) {
    for (const std::uint32_t label : whole_->starts) labels_[label] = map_labels(labels_[label]);
    copy_aliases();
  } else {
    for (std::uint32_t& label : labels_)
      if (label != 0xffffffff) label = map_labels(label);
  }
  for (std::uint32_t& label : trap_labels_) label = map_labels(label);
  auto map_traps = mapper, map_calls = mapper, map_fixups = mapper, map_rodata = mapper;
  CodeObject& object = builder_.object_;
  for (std::size_t i = first_trap_; i < object.traps.size(); ++i)
    object.traps[i].pc = map_traps(object.traps[i].pc);
  for (std::size_t i = first_call_; i < object.calls.size(); ++i)
    object.calls[i].return_pc = map_calls(object.calls[i].return_pc);
  for (std::size_t i = first_call_fixup_; i < builder_.call_fixups_.size(); ++i)
    builder_.call_fixups_[i].at = map_fixups(builder_.call_fixups_[i].at);
  for (std::size_t i = first_rodata_fixup_; i < a_.rodata_fixups().size(); ++i) {
    Assembler::RodataFixup& fixup = a_.rodata_fixups()[i];
    const std::uint32_t tail = fixup.end - fixup.at;
    fixup.at = map_rodata(fixup.at);
    fixup.end = fixup.at + tail;
  }
  std::byte* text = a_.text().data();
  std::uint32_t from = begin_, to = begin_;
  auto copy_until = [&](std::uint32_t end) {
    if (from != to) std::memmove(text + to, text + from, end - from);
    to += end - from;
    from = end;
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const BranchSite& branch = branches_[i];
    copy_until(branch.at);
    const std::uint32_t long_length = branch.conditional ? kLongJcc : kLongJump;
    const std::uint32_t length = is_short[i] ? kShort : long_length;
    const std::uint32_t rel = position_of(branch.target) - (to + length);
    if (is_short[i]) {
      text[to] = branch.conditional ? static_cast<std::byte>(static_cast<std::uint8_t>(text[from + 1]) - 0x10)
                                    : std::byte{0xeb};
      text[to + 1] = static_cast<std::byte>(rel);
    } else {
      std::memmove(text + to, text + from, long_length - 4);
      std::memcpy(text + to + long_length - 4, &rel, 4);
    }
    from += long_length;
    to += length;
  }
  copy_until(a_.size());
  a_.truncate(to);
}

// Until the size of the text is known, entries hold the target's offset in it.
void FunctionEmitter::fill_tables() {
  for (const Table& table : tables_) {
    const mir::BlockData& block = f_.blocks[table.block];
    for (std::uint32_t s = 0; s < block.succ_count; ++s) {
      const std::uint32_t target = labels_[resolved_[f_.edges[block.succs + s].to.index]];
      std::memcpy(builder_.rodata_.bytes().data() + table.rodata_offset + s * 4, &target, 4);
    }
  }
}

std::uint32_t FunctionEmitter::outgoing_bytes(const mir::Function& function) {
  std::uint32_t bytes = 0;
  for (const Inst& inst : function.insts)
    if (is_call(op_of(inst))) bytes = std::max(bytes, inst.aux);
  return bytes;
}

/// And whether the function reaches the heap of objects.
void FunctionEmitter::add_stack_maps() {
  CodeObject& object = builder_.object_;
  first_map_ = static_cast<std::uint32_t>(object.stack_maps.size());
  for (const regalloc::StackMapEntry& map : allocation_.maps)
    object.stack_maps.push_back({static_cast<std::uint32_t>(object.map_slots.size()) + map.first, map.full});
  for (const std::uint32_t slot : allocation_.map_slots) object.map_slots.push_back(spill_base_ + slot);
  constexpr auto kBase = static_cast<std::int32_t>(offsetof(InstanceContext, gc_base));
  for (const Inst& inst : f_.insts)
    if (op_of(inst) == MOp::mov_rm && Aux(inst.aux).mem() == MemKind::context && inst.disp == kBase)
      object.uses_heap = 1;
}

void FunctionEmitter::begin_function() {
  a_.reserve();
  while (a_.size() % kFunctionAlign) a_.byte(static_cast<std::uint8_t>(kInt3));
  begin_ = a_.size();
}

Result<> FunctionEmitter::run(std::uint32_t stack_args, std::uint32_t stack_results) {
  stack_args_ = stack_args;
  outgoing_ = spill_base_ = outgoing_bytes(f_);
  frame_ = outgoing_ + allocation_.spill_bytes;
  auto limit = [](const char* message) { return std::unexpected(Error{Error::Kind::limit, 0, message}); };
  if (frame_ > kMaxFrame) return limit("the frame of a function is too large");
  if (stack_args > 0xffff) return limit("too many arguments on the stack");
  if (a_.size() > kMaxText) return limit("the module's code is too large");

  add_stack_maps();
  begin_function();
  labels_.resize(f_.blocks.size(), 0xffffffff);
  thread_jumps();
  prologue();
  const std::uint32_t count = f_.blocks.size();
  for (std::uint32_t b = 0; b < count;) {
    next_block_ = b + 1;
    while (next_block_ < count && resolved_[next_block_] != next_block_) ++next_block_;
    labels_[b] = a_.size();
    emit_block(b);
    b = next_block_;
  }
  bind_traps();
  shorten_branches();
  fill_tables();
  set_handlers();
  for (std::uint32_t b = 0; b < count; ++b) {
    if (!targeted_[b]) continue;
    nebulet::wasm::Label claim{.pc = labels_[b]};
    if (f_.is_landing(b)) claim.zero_extended = 1u << rax.encoding() | 1u << rcx.encoding();
    for (unsigned r = 0; r < 16; ++r) {
      const mir::VReg v = allocation_.entry_gprs[b * 16 + r];
      if (!v.valid()) continue;
      const auto bit = static_cast<std::uint16_t>(1u << r);
      const mir::VRegInfo& info = f_.vregs[v.index];
      if (info.zero_extended) claim.zero_extended |= bit;
      if (info.base) claim.bases |= bit;
      if (info.wide_base) claim.wide_bases |= bit;
    }
    // A block that came to nothing shares its place with the next one, which claims no more than it.
    std::vector<nebulet::wasm::Label>& labels = builder_.object_.labels;
    if (!labels.empty() && labels.back().pc == labels_[b]) {
      labels.back().zero_extended &= claim.zero_extended;
      labels.back().bases &= claim.bases;
      labels.back().wide_bases &= claim.wide_bases;
    } else {
      labels.push_back(claim);
    }
  }
  builder_.object_.functions.push_back({begin_, a_.size(), frame_, stack_args, stack_results});
  return {};
}

Result<> CodeBuilder::add(const mir::Function& function, const regalloc::Result& allocation) {
  const FuncType& type = module_.type_of(next_function());
  FunctionEmitter emitter(*this, function, allocation);
  return emitter.run(stack_bytes(type.params), stack_bytes(type.results));
}

CodeObject CodeBuilder::finish() {
  std::vector<std::byte>& text = assembler_.text();
  for (const CallFixup& fixup : call_fixups_) {
    const std::uint32_t rel = object_.functions[fixup.function].begin - (fixup.at + 4);
    std::memcpy(text.data() + fixup.at, &rel, 4);
  }
  const std::uint32_t size = (assembler_.size() + kCodePage - 1) / kCodePage * kCodePage;
  for (const Assembler::RodataFixup& fixup : assembler_.rodata_fixups()) {
    const std::uint32_t rel = size + fixup.offset - fixup.end;
    std::memcpy(text.data() + fixup.at, &rel, 4);
  }
  std::vector<std::byte>& rodata = rodata_.bytes();
  for (const JumpTable& table : object_.jump_tables) {
    for (std::uint32_t i = 0; i < table.count; ++i) {
      std::uint32_t entry;
      std::byte* at = rodata.data() + table.rodata_offset + i * 4;
      std::memcpy(&entry, at, 4);
      entry -= size + table.rodata_offset;
      std::memcpy(at, &entry, 4);
    }
  }
  text.resize(assembler_.size());
  text.resize(size, kInt3);
  object_.text = std::move(text);
  object_.rodata = std::move(rodata);
  CodeObject object = std::move(object_);
  object_ = {};
  assembler_ = {};
  rodata_ = {};
  call_fixups_.clear();
  return object;
}

}  // namespace nebulet::wasm::x64
