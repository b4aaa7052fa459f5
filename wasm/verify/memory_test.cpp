// SPDX-License-Identifier: MIT
// Rules about memories beside the first, and about memories with 64-bit addresses.
#include "wasm/verify/verify_test.h"

namespace nebulet::wasm::verify {
namespace {

using Bases = VerifyTest;
using Addresses64 = VerifyTest;

const std::string kBase = "mov rbx, [r15 + BASE1]\n", kWide = "mov rbx, [r15 + BASE2]\n",
                  kIndex = "mov ecx, edx\n", kCheck = "cmp rcx, [rip + LIMIT]\njae T9\n",
                  kTrap = "\nret\nT9: ud2", kLimit = "LIMIT: .quad 0x400000000\nOTHER: .quad 0x400000001";

TEST_F(Bases, TakeAZeroExtendedIndexAndADisplacement) {
  accepts(kBase + kIndex + "T1: mov eax, [rbx + rcx]\nret");
  accepts(kBase + kIndex + "T1: mov [rbx + rcx + 0x7fffffff], rax\nret");
  accepts(kBase + "T1: add [rbx + 0x7fffffff], eax\nret");
  accepts(kBase + kIndex + "T1: vaddps ymm0, ymm1, [rbx + rcx + 8]\nret");
  accepts(kBase + kIndex + "mov r13, rbx\nxor ebx, ebx\nT1: mov al, [r13 + rcx + 1]\nret");
  accepts(kBase + kIndex + "xchg rbx, rcx\nT1: movzx eax, byte ptr [rcx + rbx]\nret");
  accepts(kWide + kIndex + "T1: mov eax, [rbx + rcx + 5]\nret");
  accepts("mov rbx, [r15 + BASE]\n" + kIndex + "T1: mov eax, [rbx + rcx]\nret");
}

TEST_F(Bases, Refusals) {
  refuses(kBase + kIndex + "mov eax, [rbx + rcx]\nret", "access without a trap site");
  refuses(kBase + "T1: mov eax, [rbx + rcx]\nret", "address is not zero-extended");
  refuses(kBase + kIndex + "T1: mov eax, [rbx + rcx - 1]\nret", "negative displacement");
  refuses(kBase + kIndex + "T1: mov eax, [rbx + rcx*2]\nret", "memory operand of no allowed form");
  refuses(kBase + kIndex + "T1: mov eax, [ebx + ecx]\nret", "*");
  refuses(kBase + kIndex + "T1: mov eax, gs:[rbx + rcx]\nret", "index in a 64-bit address");
  refuses(kBase + kIndex + "T1: mov eax, gs:[rbx]\nret", "address is not zero-extended");
  refuses(kBase + "T1: mov eax, [rbx + r15]\nret", "rsp, r15 or rip in an address");
  refuses(kBase + "mov rax, rbx\nT1: mov eax, [rbx + rax]\nret", "address is not zero-extended");
  refuses(kBase + kIndex + "T1: mov eax, [rcx + rbx]\nret", "memory operand of no allowed form");
  refuses(kBase + kIndex + "T1: call [rbx + rcx]\nC1: ret", "*");
  refuses(kBase + kIndex + "T1: jmp [rbx + rcx]\nret", "*");
}

TEST_F(Bases, AreLostByWrites) {
  for (const char* text : {"add rbx, 8", "mov ebx, ebx", "lea rbx, [rbx + 1]", "inc rbx", "mov bl, 0",
                           "pop rbx", "mov rbx, rax", "movzx ebx, bl", "cmovb rbx, rax", "bswap rbx",
                           "xchg rbx, rax", "mulx rbx, rax, rcx", "xadd rbx, rax", "mov bh, 1"})
    refuses(kBase + kIndex + text + "\nT1: mov eax, [rbx + rcx]\nret", "*");
  refuses(kBase + "call [r15 + DATA_DROP]\nC1: mov ecx, edx\nT1: mov eax, [rbx + rcx]\nret", "*");
  refuses("sub rsp, 16\n" + kBase + kIndex +
              "mov [rsp], rbx\nmov rax, [rsp]\nT1: mov eax, [rax + rcx]\nadd rsp, 16\nret",
          "*", 0, "F0.f16");
  refuses("mov ebx, [r15 + BASE1]\n" + kIndex + "T1: mov eax, [rbx + rcx]\nret", "*");
  refuses("add rbx, [r15 + BASE1]\n" + kIndex + "T1: mov eax, [rbx + rcx]\nret", "*");
  refuses("mov [r15 + BASE1], rbx\nret", "*");
}

TEST_F(Bases, LabelsAreClaims) {
  accepts(kBase + "L1.B8: " + kIndex + "T1: mov eax, [rbx + rcx]\njmp L1.B8\n");
  accepts(kWide + "L1.B8.W8: " + kIndex + "T1: mov eax, [rbx + rcx]\njmp L1.B8.W8\n");
  accepts(kWide + "L1.B8: " + kIndex + "T1: mov eax, [rbx + rcx]\njmp L1.B8\n");
  refuses(kBase + "L1: " + kIndex + "T1: mov eax, [rbx + rcx]\njmp L1\n", "*");
  refuses("L1.B8: jmp L1.B8\n", "register is not the base that the label claims");
  refuses(kBase + "L1.B8.W8: jmp L1.B8.W8\n", "register is not the base that the label claims");
  refuses(kBase + "L1.B8: inc rbx\njmp L1.B8\n", "register is not the base that the branch's label claims");
  refuses("jmp L2\n" + std::string("L1.B8: nop\nret\nL2: jmp L1.B8\n"), "register is not the base");
  refuses("mov rbx, [r15 + BASE1]\nL1.B8000: mov eax, [r15]\nret",
          "register is not the base that the label claims");
}

TEST_F(Addresses64, AreComparedFirst) {
  accepts(kWide + kCheck + "T1: mov eax, [rbx + rcx + 0x7fffffff]" + kTrap, 0, "F0", kLimit);
  accepts(kWide + kCheck + "mov rdx, rcx\nxor ecx, ecx\nT1: mov eax, [rbx + rdx]" + kTrap, 0, "F0", kLimit);
  accepts(kCheck + kWide + "T1: mov eax, [rbx + rcx]\nT2: mov [rbx + rcx + 8], eax" + kTrap, 0, "F0", kLimit);
}

TEST_F(Addresses64, Refusals) {
  const std::string access = "T1: mov eax, [rbx + rcx]" + kTrap;
  auto refused = [&](const std::string& text, const std::string& rule) {
    refuses(text, rule, 0, "F0", kLimit);
  };
  refused(kBase + kCheck + access, "address is not zero-extended");
  refused(kWide + access, "address is neither zero-extended nor compared");
  refused(kWide + "cmp rcx, [rip + OTHER]\njae T9\n" + access, "*");
  refused(kWide + "cmp ecx, [rip + LIMIT]\njae T9\n" + access, "*");
  refused(kWide + "cmp [rip + LIMIT], rcx\njae T9\n" + access, "*");
  refused(kWide + "cmp rdx, [rip + LIMIT]\njae T9\n" + access, "*");
  refused(kWide + "cmp rcx, [rip + LIMIT]\nja T9\n" + access, "*");
  refused(kWide + "cmp rcx, [rip + LIMIT]\nnop\njae T9\n" + access, "*");
  refused(kWide + "cmp rcx, [rip + LIMIT]\nmov rcx, rdx\njae T9\n" + access, "*");
  refused(kWide + "cmp rcx, [rip + LIMIT]\nL1.B8.W8: jae T9\n" + access, "*");
  refused(kWide + kCheck + "L1.B8.W8: " + access, "address is neither zero-extended nor compared");
  refused(kWide + "cmp rcx, [rip + LIMIT]\njae L1.B8.W8\nL1.B8.W8: " + access, "address is neither");
  refused(kWide + kCheck + "add rcx, 1\n" + access, "address is neither zero-extended nor compared");
  refused(kWide + kCheck + "lea rcx, [rcx + rcx]\n" + access, "address is neither");
  refused(kWide + kCheck + "T1: mov eax, [rbx + rcx*2]" + kTrap, "memory operand of no allowed form");
  refused(kWide + kCheck + "T1: mov eax, gs:[rcx]" + kTrap, "address is not zero-extended");
  refused(kWide + kCheck + "call [r15 + DATA_DROP]\nC1: " + kWide + access, "address is neither");
  refused(kWide + kCheck + "T1: mov eax, [rbx + rcx - 8]" + kTrap, "negative displacement");
}

TEST_F(Addresses64, ThroughGsForMemory0Only) {
  Module module = test_module({0});
  const CodeObject code = assemble(test_symbols(module) + "F0:\n" + kCheck + "T1: mov eax, gs:[rcx + 8]" +
                                   kTrap + "\nE0:\n.p2align 12, 0xcc\nRODATA:\n" + kLimit);
  EXPECT_TRUE(verdict(code, module).starts_with("address is not zero-extended"));
  module.memories[0].limits.is_64 = true;
  EXPECT_EQ(verdict(code, module), "accepted");
}

TEST_F(Addresses64, TheSizeHasEightBytes) {
  accepts("mov rcx, [r15 + PAGES2]\nmov rdx, [rcx]\nret");
  refuses("mov rcx, [r15 + PAGES2]\nmov edx, [rcx]\nret", "pointer to a memory's size");
  refuses("mov rcx, [r15 + PAGES]\nmov rdx, [rcx]\nret", "pointer to a memory's size");
}

}  // namespace
}  // namespace nebulet::wasm::verify
