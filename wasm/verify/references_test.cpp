// SPDX-License-Identifier: MIT
// Calls by reference: the sequence of an indirect call on the store's table of functions, with the ids of
// ABIs.
#include <iterator>

#include "wasm/verify/verify_test.h"

namespace nebulet::wasm::verify {
namespace {

class CallsByReference : public VerifyTest {};

constexpr const char* kSequence[] = {"mov r11, [r15 + FUNCTIONS]",
                                     "cmp ecx, [r11 - 8]",
                                     "jae T8",
                                     "sbb r10, r10",
                                     "and r10d, ecx",
                                     "shl r10, 5",
                                     "add r10, r11",
                                     "mov r11d, [r15 + ABI1]",
                                     "cmp [r10 + 24], r11d",
                                     "jne T9",
                                     "call [r10]"};

std::string sequence(int replaced = -1, const std::string& by = "") {
  std::string text = "mov eax, eax\n";
  for (int i = 0; i < static_cast<int>(std::size(kSequence)); i++)
    text += (i == replaced ? by : kSequence[i]) + std::string("\n");
  return text + "\nC1: ret\nT8: ud2\nT9: ud2";
}

TEST_F(CallsByReference, AreTheSequence) {
  accepts(sequence(), 1);
  accepts(sequence(1, "cmp r9d, [r11 - 8]")
              .replace(sequence(1, "cmp r9d, [r11 - 8]").find("and r10d, ecx"), 13, "and r10d, r9d"),
          1);
  const std::pair<int, const char*> changes[] = {
      {0, "mov r11, [r15 + FUNCTIONS + 8]"},
      {0, "mov r11, [r15 + FUNCTIONS - 8]"},
      {0, "mov r11d, [r15 + FUNCTIONS]"},
      {0, "mov r10, [r15 + FUNCTIONS]"},
      {0, "mov r11, [r15 + TABLE0]"},  // of that, the signature must be compared
      {0, "mov [r15 + FUNCTIONS], r11"},
      {1, "cmp ecx, [r11 - 4]"},
      {1, "cmp rcx, [r11 - 8]"},
      {1, "cmp r11d, [r11 - 8]"},
      {1, "cmp r10d, [r11 - 8]"},
      {1, "mov ecx, [r11 - 8]"},
      {1, "cmp ecx, [r11]"},
      {2, "ja T8"},
      {2, "nop"},
      {3, "sbb r10d, r10d"},
      {4, "and r10d, edx"},
      {5, "shl r10, 4"},
      {5, "L1: shl r10, 5"},
      {6, "add r10, rcx"},
      {7, "mov r11d, [r15 + SIGNATURE1]"},
      {7, "mov r11d, [r15 + ABI4 + 4]"},
      {7, "mov r11d, [r15 + ABI1 + 1]"},
      {7, "mov r11, [r15 + ABI1]"},
      {8, "cmp [r10 + 16], r11d"},
      {8, "cmp [r10 + 28], r11d"},
      {8, "cmp [r10 + 24], ecx"},
      {9, "je T9"},
      {9, "nop"},
      {10, "call [r10 + 8]"},
      {10, "call [r11]"},
  };
  for (const auto& [at, by] : changes) refuses(sequence(at, by), "*", 1);
}

TEST_F(CallsByReference, HaveTheConventionOfTheirType) {
  refuses(sequence(7, "mov r11d, [r15 + ABI4]"), "result is not zero-extended", 1);
  refuses(sequence(7, "mov r11d, [r15 + ABI3]"), "frame has no room", 1);
  refuses("mov rax, -1\n" + sequence().substr(13), "argument is not zero-extended", 1);
}

TEST_F(CallsByReference, LeaveNoPointerBehind) {
  refuses("mov rax, [r15 + FUNCTIONS]\nret", "pointer to the functions used for something else", 1);
  refuses("mov rax, [r15 + FUNCTIONS]\nmov eax, [rax - 8]\nret",
          "pointer to the functions used for something else", 1);
  refuses("mov eax, [r15 + ABI1]\nret", "access to the context outside its areas", 1);
  refuses("mov eax, [r15 + FUNCTIONS]\nret", "access to the context outside its areas", 1);
}

TEST_F(CallsByReference, MayBeTailCalls) {
  const auto tail = [](const char* id) {
    std::string text = sequence(7, id);
    text.replace(text.find("call [r10]"), 10, "jmp [r10]");
    return text.replace(text.find("C1: ret"), 7, "");
  };
  accepts(tail("mov r11d, [r15 + ABI1]"), 1);
  refuses(tail("mov r11d, [r15 + ABI3]"), "stack arguments of a tail call are not where its type says", 1);
  refuses(tail("mov r11d, [r15 + SIGNATURE1]"), "indirect call is not the sequence", 1);
}

}  // namespace
}  // namespace nebulet::wasm::verify
