// SPDX-License-Identifier: MIT
// Rules about memories beside the first, and about memories with 64-bit addresses.
#include "wasm/runtime/layout.h"
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

using Atomics = VerifyTest;

TEST_F(Atomics, InLinearMemoryOnly) {
  accepts("T1: lock add dword ptr gs:[ecx], 1\nT2: lock xadd gs:[ecx], al\nT3: xchg gs:[ecx + 8], rdx\nret");
  accepts(kBase + kIndex +
          "T1: lock cmpxchg [rbx + rcx], dx\nT2: lock xor [rbx + rcx + 4], rdx\nmfence\nret");
  accepts(kBase + kIndex + "T1: xchg [rbx + rcx], al\nT2: lock sub byte ptr [rbx + rcx], 3\nret");
  for (const char* text : {"lock add dword ptr [rsp], 1", "xchg [rsp], eax", "lock xadd [rsp + 4], eax",
                           "lock cmpxchg [rsp], eax"})
    refuses("sub rsp, 16\nT1: " + std::string(text) + "\nadd rsp, 16\nret",
            "atomic access to something else than linear memory", 0, "F0.f16");
  for (const char* text :
       {"lock add dword ptr [r15 + GLOBAL3], 1", "xchg [r15 + GLOBAL3], eax", "xchg [rip + LIMIT], eax"})
    refuses("T1: " + std::string(text) + "\nret", "atomic access to something else", 0, "F0", kLimit);
  refuses("mov rcx, [r15 + GLOBAL0]\nlock add dword ptr [rcx], 1\nret", "pointer to a global");
}

TEST_F(Atomics, TakeTheLockPrefixWhereItMeansSomething) {
  for (const char* text :
       {"xadd gs:[ecx], eax", "cmpxchg gs:[ecx], edx", "xadd eax, ecx", ".byte 0xf0, 0x65, 0x67, 0x8b, 0x01",
        ".byte 0xf0, 0x65, 0x67, 0x89, 0x01", ".byte 0xf0, 0x01, 0xc8", ".byte 0xf0, 0x90",
        ".byte 0xf0, 0x65, 0x67, 0x39, 0x01", ".byte 0xf0, 0xf0, 0x65, 0x67, 0x01, 0x01",
        ".byte 0xf0, 0x65, 0x67, 0x87, 0x01", "lock inc dword ptr gs:[ecx]", "lock bts dword ptr gs:[ecx], 1",
        "sfence", "cmpxchg8b gs:[ecx]", "lock cmpxchg16b gs:[ecx]"})
    refuses("T1: " + std::string(text) + "\nret", "instruction is not allowed");
  refuses("lock add dword ptr gs:[ecx], 1\nret", "access without a trap site");
}

TEST_F(Atomics, ClearUpperHalvesAsOtherDefinitions) {
  zero("T2: xchg gs:[edx], ecx");
  zero("T2: lock xadd gs:[edx], ecx");
  not_zero("T2: lock xadd gs:[edx], rcx");
  not_zero("T2: xchg gs:[edx], cl");
  refuses("T2: lock cmpxchg gs:[edx], ecx\nT1: mov eax, gs:[rax + 4]\nret", "address is not zero-extended");
}

// The heap of objects. `assemble` makes no objects that use it, so the flag is set here.

TEST(Objects, AreReachedThroughTheHeapsBase) {
  const Module module = test_module({0});
  const std::string base = ".set HEAP, " + std::to_string(offsetof(InstanceContext, gc_base)) + "\n" +
                           ".set RECORDS, " + std::to_string(ContextLayout::of(module).records) + "\n" +
                           test_symbols(module) + "F0:\n";
  auto judge = [&](const std::string& body, bool uses_heap = true) {
    CodeObject code = assemble(base + body + "\nE0:\n");
    code.uses_heap = uses_heap;
    const Result<> result = verify_code(code, module);
    return result ? std::string("accepted") : result.error().message;
  };
  const std::string heap = "mov rbx, [r15 + HEAP]\nmov ecx, edx\n";
  EXPECT_EQ(judge(heap + "T1: mov eax, [rbx + rcx + 8]\nret"), "accepted");
  EXPECT_EQ(judge(heap + "T1: mov [rbx + 0x10000], eax\nret"), "accepted");
  EXPECT_EQ(judge("mov eax, [r15 + RECORDS + 4]\nret"), "accepted");
  EXPECT_EQ(judge("cmp eax, [r15 + RECORDS]\nret"), "accepted");
  EXPECT_TRUE(judge(heap + "T1: mov eax, [rbx + rcx + 8]\nret", false).contains("outside its areas"));
  EXPECT_TRUE(judge(heap + "mov eax, [rbx + rcx + 8]\nret").contains("without a trap site"));
  EXPECT_TRUE(
      judge("mov rbx, [r15 + HEAP]\nT1: mov eax, [rbx + rcx + 8]\nret").contains("not zero-extended"));
  EXPECT_TRUE(judge("mov [r15 + HEAP], rbx\nret").contains("outside its areas"));
  EXPECT_TRUE(judge("mov ebx, [r15 + HEAP]\nret").contains("outside its areas"));
  EXPECT_TRUE(judge("mov rbx, [r15 + HEAP + 8]\nret").contains("outside its areas"));  // the allocator's
  EXPECT_TRUE(judge("mov rbx, [r15 + HEAP + 16]\nret").contains("outside its areas"));
  EXPECT_TRUE(judge("mov rax, [r15 + RECORDS]\nret").contains("4-byte reads only"));
  EXPECT_TRUE(judge("mov [r15 + RECORDS], eax\nret").contains("4-byte reads only"));
  EXPECT_TRUE(judge("mov eax, [r15 + RECORDS + 2]\nret").contains("4-byte reads only"));
}

}  // namespace
}  // namespace nebulet::wasm::verify
