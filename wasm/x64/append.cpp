// SPDX-License-Identifier: MIT
// Parts of a module's code, made by different builders, put behind each other.
#include "wasm/x64/emit.h"

namespace nebulet::wasm::x64 {
namespace {

constexpr std::uint32_t kFunctionAlign = 16;  // also of rodata: nothing in it has a larger alignment

template <class T, class Change>
void move_behind(std::vector<T>& to, std::vector<T>& from, Change change) {
  for (T& entry : from) change(entry);
  to.insert(to.end(), from.begin(), from.end());
  from = std::vector<T>();  // not {}, which would keep its memory
}

}  // namespace

void CodeBuilder::append(CodeBuilder&& part) {
  NB_ASSERT(part.first_ == first_ + object_.functions.size());
  CodeObject& other = part.object_;
  while (assembler_.size() % kFunctionAlign) {
    assembler_.reserve();
    assembler_.byte(0xcc);
  }
  const std::uint32_t text = assembler_.size();
  const auto map = static_cast<std::uint32_t>(object_.stack_maps.size());
  const auto map_slot = static_cast<std::uint32_t>(object_.map_slots.size());
  std::vector<std::byte>& constants = rodata_.bytes();
  const auto rodata =
      static_cast<std::uint32_t>((constants.size() + kFunctionAlign - 1) & ~std::size_t{kFunctionAlign - 1});

  assembler_.append(std::span(part.assembler_.text()).first(part.assembler_.size()));
  part.assembler_.text() = std::vector<std::byte>();
  move_behind(object_.functions, other.functions, [&](CodeFunction& function) {
    function.begin += text;
    function.end += text;
    if (function.stack_map != kNoStackMap) function.stack_map += map;
  });
  move_behind(object_.traps, other.traps, [&](TrapSite& trap) { trap.pc += text; });
  move_behind(object_.calls, other.calls, [&](CallSite& call) {
    call.return_pc += text;
    if (call.handler != 0) call.handler += text;
    if (call.stack_map != kNoStackMap) call.stack_map += map;
  });
  move_behind(object_.labels, other.labels, [&](nebulet::wasm::Label& label) { label.pc += text; });
  move_behind(object_.stack_maps, other.stack_maps, [&](StackMap& entry) { entry.first += map_slot; });
  move_behind(object_.map_slots, other.map_slots, [](std::uint32_t&) {});
  object_.uses_heap |= other.uses_heap;

  constants.resize(rodata);
  constants.insert(constants.end(), part.rodata_.bytes().begin(), part.rodata_.bytes().end());
  move_behind(object_.jump_tables, other.jump_tables, [&](JumpTable& table) {
    table.rodata_offset += rodata;
    // Entries are offsets in the text until `finish`.
    for (std::uint32_t i = 0; i < table.count; ++i) {
      std::uint32_t entry;
      std::memcpy(&entry, constants.data() + table.rodata_offset + i * 4, 4);
      entry += text;
      std::memcpy(constants.data() + table.rodata_offset + i * 4, &entry, 4);
    }
  });
  move_behind(call_fixups_, part.call_fixups_, [&](CallFixup& fixup) { fixup.at += text; });
  move_behind(assembler_.rodata_fixups(), part.assembler_.rodata_fixups(),
              [&](Assembler::RodataFixup& fixup) {
                fixup.at += text;
                fixup.end += text;
                fixup.offset += rodata;
              });
  part.rodata_ = Rodata();
}

}  // namespace nebulet::wasm::x64
