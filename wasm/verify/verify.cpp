// SPDX-License-Identifier: MIT
// The code object as a whole, the walk over its functions, the state of the upper halves, and control flow.
// memory.cpp has the operands in memory, templates.cpp and tail_calls.cpp the fixed sequences.
#include "wasm/verify/verify.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "wasm/verify/checker.h"

namespace nebulet::wasm::verify {
namespace {

constexpr std::uint16_t kReserved = 1u << kRsp | 1u << kR15;
constexpr std::uint8_t kInt3 = 0xcc;
constexpr std::uint64_t kMost = 1u << 31;  // of text and rodata: every distance fits rel32

std::uint16_t bit(std::uint8_t gpr) { return gpr < 16 ? static_cast<std::uint16_t>(1u << gpr) : 0; }

bool moves_rsp(const Insn& insn, std::uint8_t operation, std::uint32_t by) {
  return insn.kind == Kind::alu_imm && insn.sub == operation && insn.size == 8 && insn.rm == kRsp &&
         insn.imm == by;
}

}  // namespace

Checker::Checker(const CodeObject& code, const Module& module, const Pause& pause)
    : code_(code),
      module_(module),
      layout_(ContextLayout::of(module)),
      text_(reinterpret_cast<const std::uint8_t*>(code.text.data())),
      pause_(pause) {}

bool Checker::fail(const char* rule) {
  rule_ = rule;
  return false;
}

bool Checker::run() {
  if (!check_object() || !check_stack_maps()) return false;
  std::size_t end = 0;
  for (index_ = 0; index_ < code_.functions.size(); index_++) {
    const CodeFunction& function = code_.functions[index_];
    pc_ = function.begin;
    if (function.begin < end || function.begin % 16 != 0 || function.end <= function.begin ||
        function.end > code_.text.size())
      return fail("functions overlap, are not aligned or leave the text");
    if (!check_padding(end, function.begin) || !check_function(function)) return false;
    if (next_ > pause_at_ && !pause()) return false;
    end = function.end;
  }
  if (!check_padding(end, code_.text.size())) return false;
  if (label_ != code_.labels.size()) return fail("label outside all functions");
  if (trap_ != code_.traps.size()) return fail("trap site outside all functions");
  if (call_ != code_.calls.size()) return fail("call site without a call");
  return true;
}

bool Checker::pause() {
  pause_at_ = next_ + kPauseBytes;
  if (auto go_on = pause_(); !go_on) {
    cancelled_ = std::move(go_on).error();
    return false;
  }
  return true;
}

bool Checker::check_object() {
  if (code_.text.size() % kCodePage != 0) return fail("text does not end at a page");
  if (code_.text.size() >= kMost || code_.rodata.size() >= kMost - code_.text.size())
    return fail("text is too large");
  if (module_.imported_functions > module_.functions.size() ||
      code_.functions.size() != module_.functions.size() - module_.imported_functions)
    return fail("not one code range for each function");
  for (const FunctionDecl& function : module_.functions)
    if (function.type >= module_.types.size() || module_.types[function.type].kind != TypeDef::Kind::function)
      return fail("function without a type");
  // The layout's offsets are 32-bit sums: they are only meaningful if nothing wrapped.
  const std::uint64_t context = module_.memories.size() * sizeof(MemoryRef) + module_.tables.size() * 8 +
                                module_.imported_functions * sizeof(FuncSlot) + module_.globals.size() * 16 +
                                module_.types.size() * 12 + module_.tags.size() * 4 + 4096;
  if (context >= kMost) return fail("instance context is too large");
  types_.reserve(module_.types.size());
  for (const TypeDef& type : module_.types) types_.push_back(abi_of(type.function));
  std::uint64_t end = 0;
  for (const JumpTable& table : code_.jump_tables) {
    if (table.rodata_offset < end || table.count == 0) return fail("jump tables overlap or are empty");
    end = table.rodata_offset + std::uint64_t{table.count} * 4;
    if (end > code_.rodata.size()) return fail("jump table outside rodata");
  }
  table_used_.assign(code_.jump_tables.size(), 0);
  return true;
}

bool Checker::check_padding(std::size_t begin, std::size_t end) {
  for (; begin < end; begin++)
    if (text_[begin] != kInt3) {
      pc_ = static_cast<std::uint32_t>(begin);
      return fail("padding is not int3");
    }
  return true;
}

bool Checker::check_function(const CodeFunction& function) {
  function_ = &function;
  own_ = types_[module_.functions[module_.imported_functions + index_].type];
  if (function.frame > kMaxFrame || function.frame % 8 != 0) return fail("frame is too large or not aligned");
  if (function.stack_args != own_.stack_args || function.stack_results != own_.stack_results)
    return fail("stack arguments or results are not those of the function's type");
  auto labels_from = [&](std::uint32_t pc) {
    return std::lower_bound(code_.labels.begin() + static_cast<std::ptrdiff_t>(label_), code_.labels.end(),
                            pc, [](const Label& l, std::uint32_t p) { return l.pc < p; }) -
           code_.labels.begin();
  };
  auto traps_from = [&](std::uint32_t pc) {
    return std::lower_bound(code_.traps.begin() + static_cast<std::ptrdiff_t>(trap_), code_.traps.end(), pc,
                            [](const TrapSite& t, std::uint32_t p) { return t.pc < p; }) -
           code_.traps.begin();
  };
  first_label_ = label_;
  last_label_ = static_cast<std::size_t>(labels_from(function.end));
  first_trap_ = trap_;
  last_trap_ = static_cast<std::size_t>(traps_from(function.end));

  next_ = function.begin;
  run_ = 0;
  live_ = true;
  set_state(own_.arg_zero);
  if (!check_prologue()) return false;
  while (next_ < function.end) {
    if (label_ < code_.labels.size() && code_.labels[label_].pc == next_ && !enter_label()) return false;
    if (!fetch() || !step()) return false;
    if (next_ > pause_at_ && !pause()) return false;
  }
  return !live_ || fail("control falls off the end of the function");
}

bool Checker::check_prologue() {
  const std::uint32_t frame = function_->frame;
  if (frame == 0) return true;
  for (std::uint32_t depth = kProbeStep; depth <= frame; depth += kProbeStep) {
    if (!fetch()) return false;
    const Insn& i = insn();
    if (i.kind != Kind::test || i.size != 4 || i.reg != kRax || !i.has_mem || i.mem.gs || i.mem.addr32 ||
        i.mem.base != kRsp || i.mem.index != kNone || i.mem.disp != -static_cast<std::int64_t>(depth))
      return fail("prologue lacks a probe");
  }
  if (!fetch()) return false;
  return moves_rsp(insn(), kSub, frame) || fail("prologue does not make the frame");
}

/// Decodes the next instruction. No label may lie at its start unless enter_label has taken it, and none
/// inside.
bool Checker::fetch() {
  pc_ = next_;
  if (pc_ >= function_->end) return fail("control falls off the end of the function");
  if (!decode(text_ + pc_, code_.text.size() - pc_, ring_[++fetched_ & 3]))
    return fail("instruction is not allowed");
  next_ = pc_ + insn().length;
  run_++;
  if (next_ > function_->end) return fail("instruction leaves the function");
  if (label_ < code_.labels.size() && code_.labels[label_].pc < next_)
    return fail("label inside an instruction or a sequence");
  const auto& traps = code_.traps;
  trap_here_ = trap_ < traps.size() && traps[trap_].pc == pc_;
  if (trap_here_) {
    if (static_cast<std::uint8_t>(traps[trap_].trap) >= kTrapCount) return fail("trap of no kind");
    trap_++;
  }
  if (trap_ < traps.size() && traps[trap_].pc < next_) return fail("trap site inside an instruction");
  return true;
}

bool Checker::enter_label() {
  const Label& label = code_.labels[label_++];
  pc_ = label.pc;
  if (live_ && (label.zero_extended & ~state_)) return fail("register is not zero-extended at the label");
  if (live_ && !bases_hold(label)) return fail("register is not the base that the label claims");
  constexpr auto kFree = static_cast<std::uint16_t>(~kReserved);
  set_state(label.zero_extended & kFree, label.bases & kFree, label.wide_bases & label.bases & kFree);
  live_ = true;
  run_ = 0;
  return true;
}

bool Checker::step() {
  const Insn& i = insn();
  const std::uint8_t compared = std::exchange(compared_, kNone);
  if (!live_ && i.kind != Kind::ud2 && i.kind != Kind::nop) return fail("code that nothing reaches");
  switch (i.kind) {
    case Kind::nop: return true;
    case Kind::ud2: live_ = false; return trap_here_ || fail("ud2 without a trap site");
    case Kind::jcc:
      if (compared == kNone || !branch_to_trap(i, kAboveEqual)) return branch(i.imm);
      checked_ |= bit(compared);
      return true;
    case Kind::jmp: return jump(i);
    case Kind::call: return call_direct(i);
    case Kind::call_mem: return call_builtin(i);
    case Kind::jmp_rm: return fail("indirect jump outside its sequence");
    case Kind::lea: return check_lea(i);
    case Kind::ret: return function_->frame == 0 ? check_return(i) : fail("ret with a frame on the stack");
    case Kind::alu_imm:
      if (function_->frame == 0 || !moves_rsp(i, kAdd, function_->frame)) return plain(i);
      if (returns_next()) return fetch() && check_return(insn());
      return leave(nullptr);
    case Kind::mov: return takes_return_address(i) ? leave(nullptr) : plain(i);
    default: return plain(i);
  }
}

bool Checker::plain(const Insn& i) {
  if ((i.named | i.written) & kReserved) return fail("rsp or r15 as an operand");
  if (i.kind == Kind::div && !trap_here_) return fail("division without a trap site");
  if (i.has_mem) return check_memory(i);
  transfer(i);
  return true;
}

void Checker::transfer(const Insn& i) {
  const std::uint16_t before = state_;
  state_ = static_cast<std::uint16_t>((before & ~i.written) | i.zeroed | (before & i.kept));
  const std::uint16_t bases = bases_, wide_bases = wide_bases_, checked = checked_;
  bases_ &= static_cast<std::uint16_t>(~i.written);
  wide_bases_ &= static_cast<std::uint16_t>(~i.written);
  checked_ &= static_cast<std::uint16_t>(~i.written);
  if (i.size != 8 || i.has_mem) return;
  // The 64-bit definitions whose upper half is nevertheless known.
  const std::uint8_t dst = i.reg_is_dst ? i.reg : i.rm, src = i.reg_is_dst ? i.rm : i.reg;
  bool zero = false;
  switch (i.kind) {
    case Kind::mov:
      zero = before & bit(src);
      if (bases & bit(src)) bases_ |= bit(dst);
      if (wide_bases & bit(src)) wide_bases_ |= bit(dst);
      if (checked & bit(src)) checked_ |= bit(dst);
      break;
    case Kind::mov_imm: zero = i.imm >= 0 && i.imm <= 0xffffffff; break;
    case Kind::alu: zero = i.sub == kAnd && (before & (bit(src) | bit(dst))); break;
    case Kind::alu_imm: zero = i.sub == kAnd && i.imm >= 0; break;
    case Kind::shr: zero = (i.imm & 63) >= 32 || (before & bit(dst)); break;
    case Kind::xchg:
      if (before & bit(i.reg)) state_ |= bit(i.rm);
      if (before & bit(i.rm)) state_ |= bit(i.reg);
      if (bases & bit(i.reg)) bases_ |= bit(i.rm);
      if (bases & bit(i.rm)) bases_ |= bit(i.reg);
      if (wide_bases & bit(i.reg)) wide_bases_ |= bit(i.rm);
      if (wide_bases & bit(i.rm)) wide_bases_ |= bit(i.reg);
      return;
    default: return;
  }
  if (zero) state_ |= bit(dst);
}

/// Most branches go forward, to a label that is near.
const Label* Checker::find_label(std::uint32_t pc) const {
  const Label* first = code_.labels.data() + first_label_;
  const Label* last = code_.labels.data() + last_label_;
  const Label* const here = code_.labels.data() + label_;
  if (pc < next_) {
    last = here;
  } else {
    first = here;
    for (std::ptrdiff_t step = 2; last - first > step; step *= 2) {
      if (first[step].pc > pc) {
        last = first + step;
        break;
      }
      first += step;
    }
  }
  const Label* at =
      std::lower_bound(first, last, pc, [](const Label& l, std::uint32_t p) { return l.pc < p; });
  return at != last && at->pc == pc ? at : nullptr;
}

/// A trap site is an instruction's start, for fetch checks all of them; so `ud2` there is one.
bool Checker::is_trap(std::uint32_t pc) const {
  if (function_->end - pc < 2 || text_[pc] != 0x0f || text_[pc + 1] != 0x0b) return false;
  const TrapSite* first = code_.traps.data() + first_trap_;
  const TrapSite* last = code_.traps.data() + last_trap_;
  const TrapSite* at =
      std::lower_bound(first, last, pc, [](const TrapSite& t, std::uint32_t p) { return t.pc < p; });
  return at != last && at->pc == pc;
}

bool Checker::branch(std::int64_t distance) {
  const std::int64_t target = next_ + distance;
  if (target < function_->begin || target >= function_->end) return fail("branch leaves the function");
  const auto pc = static_cast<std::uint32_t>(target);
  if (const Label* label = find_label(pc)) {
    if (label->zero_extended & ~state_) return fail("register is not zero-extended at the branch's label");
    return bases_hold(*label) || fail("register is not the base that the branch's label claims");
  }
  return is_trap(pc) || fail("branch to neither a label nor a trap");
}

bool Checker::branch_to_trap(const Insn& i, std::uint8_t condition) {
  const std::int64_t target = next_ + i.imm;
  if (i.kind != Kind::jcc || i.sub != condition) return false;
  return target >= function_->begin && target < function_->end && is_trap(static_cast<std::uint32_t>(target));
}

bool Checker::jump(const Insn& i) {
  const std::int64_t target = next_ + i.imm;
  const bool inside = target >= function_->begin && target < function_->end;
  const bool labelled = inside && find_label(static_cast<std::uint32_t>(target));
  if (function_->frame == 0 && !labelled && function_at(target)) return leave(nullptr);
  live_ = false;
  return branch(i.imm);
}

bool Checker::call_direct(const Insn& i) {
  const TypeAbi* callee = function_at(next_ + i.imm);
  return callee ? finish_call(*callee) : fail("call to something else than a function");
}

/// Behind a call: its table entry, what it relies on, and `sub rsp, n` for the arguments that the callee
/// popped. The callee writes its stack results above them, so both must lie inside this frame.
bool Checker::finish_call(const TypeAbi& abi) {
  if (call_ >= code_.calls.size() || code_.calls[call_].return_pc != next_)
    return fail("call without a call site");
  if (code_.calls[call_].handler != 0 && !check_handler(code_.calls[call_].handler)) return false;
  call_++;
  if (std::uint64_t{abi.stack_args} + abi.stack_results > function_->frame)
    return fail("frame has no room for a call's stack arguments and results");
  if (abi.arg_zero & ~state_) return fail("argument is not zero-extended");
  set_state(abi.result_zero);
  if (abi.stack_args == 0) return true;
  if (!fetch()) return false;
  return moves_rsp(insn(), kSub, abi.stack_args) || fail("rsp is not restored behind a call");
}

/// Looks at the instruction behind the one in hand, which fetch() will check.
bool Checker::returns_next() const {
  return next_ < function_->end && (text_[next_] == 0xc3 || text_[next_] == 0xc2);
}

bool Checker::check_return(const Insn& i) {
  if (static_cast<std::uint64_t>(i.imm) != own_.stack_args)
    return fail("ret does not pop the stack arguments");
  if (own_.result_zero & ~state_) return fail("result is not zero-extended");
  live_ = false;
  return true;
}

}  // namespace nebulet::wasm::verify

namespace nebulet::wasm {

Result<> verify_code(const CodeObject& code, const Module& module, const Pause& pause) {
  verify::Checker checker(code, module, pause);
  if (checker.run()) return {};
  if (checker.cancelled()) return std::unexpected(std::move(*checker.cancelled()));
  char digits[16];
  std::string message = checker.rule();
  message += " (function ";
  message.append(digits, std::to_chars(digits, digits + sizeof digits, checker.function()).ptr);
  message += ", pc 0x";
  message.append(digits, std::to_chars(digits, digits + sizeof digits, checker.pc(), 16).ptr);
  message += ")";
  return std::unexpected(Error{Error::Kind::rejected, 0, std::move(message)});
}

}  // namespace nebulet::wasm
