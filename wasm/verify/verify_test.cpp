// SPDX-License-Identifier: MIT
// Each rule with code that keeps it and code that breaks it.
#include "wasm/verify/verify.h"

#include <gtest/gtest.h>

#include "wasm/verify/abi.h"
#include "wasm/verify/assemble.h"
#include "wasm/verify/verify_test.h"
#include "wasm/x64/registers.h"

namespace nebulet::wasm::verify {
namespace {

using Abi = VerifyTest;
using Calls = VerifyTest;
using Context = VerifyTest;
using ControlFlow = VerifyTest;
using Frames = VerifyTest;
using Instructions = VerifyTest;
using JumpTables = VerifyTest;
using LinearMemory = VerifyTest;
using Object = VerifyTest;
using Reserved = VerifyTest;
using Rodata = VerifyTest;
using UpperHalves = VerifyTest;

// Allowed and forbidden instructions.

TEST_F(Instructions, OrdinaryOnesAreAccepted) {
  accepts(R"(
    mov eax, 1; mov rcx, rax; movabs rdx, 0x123456789abcdef; movzx ebx, cl; movsx rsi, cx; movsxd rdi, eax
    lea rax, [rcx + rdx*8 + 77]; lea eax, [rcx + rdx]; add rax, rcx; adc ebx, 5; sbb edx, edx; and r8, r9; or r10w, 3
    xor r11d, r11d; cmp r12b, 7; test r13, r13; imul r14, rbx; imul eax, ecx, 1000; mul rcx; not rdx; neg esi
    shl rax, 3; sar ecx, cl; ror edx, 1; shld rax, rcx, 5; shlx rax, rbx, rcx; andn eax, ebx, ecx; mulx rax, rbx, rcx
    rorx eax, ecx, 7; lzcnt rax, rcx; tzcnt ecx, edx; popcnt rax, rax; bsf eax, ecx; bt rax, 32; btc ecx, edx
    setne al; cmovb rax, rcx; xchg rdx, rcx; cdq; cqo; bswap rax; nop; nop word ptr [rax + rax + 512]
    vaddsd xmm0, xmm1, xmm2; vpaddd ymm0, ymm1, ymm2; vmovd eax, xmm3; vmovq xmm4, rcx; vcvttsd2si rax, xmm5
    vpshufb xmm1, xmm2, xmm3; vblendvps xmm1, xmm2, xmm3, xmm4; vroundsd xmm1, xmm1, xmm1, 9; vptest xmm1, xmm2
    ret)");
}

TEST_F(Instructions, OthersAreRefused) {
  for (const char* text : {"push rax",
                           "pop rax",
                           "leave",
                           "hlt",
                           "cli",
                           "sti",
                           "in al, dx",
                           "out dx, al",
                           "rdmsr",
                           "wrmsr",
                           "mov cr0, rax",
                           "mov rax, cr0",
                           "mov ds, eax",
                           "mov eax, ds",
                           "lgdt [rax]",
                           "invlpg [rax]",
                           "syscall",
                           "sysretq",
                           "iretq",
                           "int 3",
                           "int 0x80",
                           "rdtsc",
                           "cpuid",
                           "xgetbv",
                           "wrgsbase rax",
                           "wrfsbase rax",
                           "rdgsbase rax",
                           "swapgs",
                           "rep movsb",
                           "stosq",
                           "lodsb",
                           "cld",
                           "std",
                           "popfq",
                           "pushfq",
                           "clac",
                           "stac",
                           "fld1",
                           "emms",
                           "retfq",
                           ".byte 0xe2, 0",
                           ".byte 0xe3, 0",
                           "xlatb",
                           "addsd xmm0, xmm1",
                           "movups xmm0, xmm1",
                           "lfence",
                           ".byte 0x0f, 0xae, 0xf1",
                           "vgatherdps xmm0, [rax + xmm1], xmm2",
                           "vmaskmovps xmm0, xmm1, [rax]",
                           "vzeroupper",
                           "vldmxcsr [rsp]",
                           "vaddps zmm0, zmm1, zmm2",
                           "kmovw k1, eax",
                           "vfmadd213sd xmm0, xmm1, xmm2",
                           "bt [rsp], eax",
                           "cmpxchg [rsp], eax",
                           "vmovaps xmm0, [rsp]",
                           "vmovdqa [rsp], xmm0",
                           "call rax",
                           "sldt eax",
                           "ud1 eax, eax",
                           "endbr64",
                           "prefetcht0 [rax]",
                           "clflush [rax]",
                           "rcl eax, 1",
                           "xabort 1",
                           "enter 8, 0"})
    refuses(std::string("T1: ") + text + "\nret", "instruction is not allowed", 0, "F0");
}

TEST_F(Instructions, PrefixesMustMeanSomething) {
  refuses(".byte 0x66, 0xeb, 0x00\nL1: ret", "instruction is not allowed");
  refuses(".byte 0x66, 0xc3", "instruction is not allowed");
  refuses(".byte 0x65, 0x01, 0xc8\nret", "instruction is not allowed");  // gs without memory
  refuses(".byte 0x67, 0x01, 0xc8\nret", "instruction is not allowed");  // 67 without memory
  refuses(".byte 0x64, 0x01, 0xc8\nret", "instruction is not allowed");  // fs
  refuses(".byte 0x2e, 0x01, 0xc8\nret", "instruction is not allowed");
  refuses(".byte 0xf3, 0x01, 0xc8\nret", "instruction is not allowed");
  refuses(".byte 0xf2, 0xc3", "instruction is not allowed");
  refuses(".byte 0x66, 0x66, 0x01, 0xc8\nret", "instruction is not allowed");
  refuses(".byte 0x48, 0x66, 0x01, 0xc8\nret", "instruction is not allowed");  // REX is not last
  refuses(".byte 0x41, 0x90\nret", "instruction is not allowed");              // xchg r8d, eax
  refuses(".byte 0x66, 0xc5, 0xf8, 0x58, 0xc1\nret", "instruction is not allowed");
}

// rsp and r15.

TEST_F(Reserved, RspAndR15AreNoOperands) {
  for (const char* text : {"mov rsp, rax",
                           "mov rax, rsp",
                           "add rsp, 8",
                           "sub rsp, 8",
                           "and rsp, -16",
                           "xchg rsp, rdx",
                           "mov r15, rax",
                           "mov rax, r15",
                           "mov r15d, eax",
                           "mov r15b, al",
                           "mov spl, al",
                           "cmp rsp, rax",
                           "lea rax, [rsp + 8]",
                           "lea rsp, [rax]",
                           "lea r15, [rax]",
                           "cmovb r15, rax",
                           "inc rsp",
                           "setc spl",
                           "popcnt r15, rax",
                           "movzx esp, al",
                           "bswap r15",
                           "andn r15, rax, rcx",
                           "mulx r15, rax, rcx",
                           "mulx rax, r15, rcx",
                           "vmovd esp, xmm0",
                           "blsr r15, rax",
                           "vmovq xmm0, rsp",
                           "test r15, r15",
                           "imul rsp, rax",
                           "mov esp, 5",
                           "shl rsp, 1",
                           "lea rax, [rcx + r15]"})
    refuses(std::string(text) + "\nret", "rsp ", 0, "F0");
}

TEST_F(Reserved, HighBytesAreNotRsp) { accepts("mov ah, cl\nmov ch, al\nadd dh, bh\nret"); }

// Linear memory.

TEST_F(LinearMemory, FormATakesAnyRegisters) {
  accepts(
      "T1: mov eax, gs:[ecx]\nT2: mov gs:[ecx + edx*8 - 5], rax\nT3: vaddps ymm0, ymm1, gs:[r14d + 77]\nret");
  accepts("T1: add gs:[edx*4 + 8], eax\nret");
  refuses("mov eax, gs:[ecx]\nret", "access without a trap site");
  refuses("T1: mov eax, gs:[esp]\nret", "rsp, r15 or rip in an address");
  refuses("T1: mov eax, gs:[r15d]\nret", "rsp, r15 or rip in an address");
  refuses("T1: mov eax, gs:[ecx + r15d]\nret", "rsp, r15 or rip in an address");
  refuses("T1: mov eax, gs:[eip + 5]\nret", "rsp, r15 or rip in an address");
}

TEST_F(LinearMemory, FormBNeedsAZeroExtendedBase) {
  accepts("mov ecx, edx\nT1: mov eax, gs:[rcx + 0x7fffffff]\nret");
  accepts("T1: mov rax, gs:[rcx + 8]\nret", 2, "F0");
}

TEST_F(LinearMemory, FormBRefusals) {
  refuses("T1: mov eax, gs:[rcx]\nret", "address is not zero-extended");
  refuses("mov ecx, edx\nT1: mov eax, gs:[rcx - 1]\nret", "negative displacement");
  refuses("mov ecx, edx\nmov eax, eax\nT1: mov eax, gs:[rcx + rax]\nret", "index in a 64-bit address");
  refuses("mov ecx, edx\nT1: mov eax, gs:[rcx*2 + 5]\nret", "index in a 64-bit address");
  refuses("T1: mov eax, gs:[rsp]\nret", "rsp, r15 or rip in an address");
  refuses("T1: mov eax, gs:[r15]\nret", "rsp, r15 or rip in an address");
  refuses("T1: mov eax, gs:[rip]\nret", "rsp, r15 or rip in an address");
  refuses(".byte 0x65, 0x8b, 0x04, 0x25, 0xff, 0xff, 0xff, 0xff\nret", "access without a trap site");
  refuses("T1: .byte 0x65, 0x8b, 0x04, 0x25, 0xff, 0xff, 0xff, 0xff\nret", "negative displacement");
  accepts("T1: .byte 0x65, 0x8b, 0x04, 0x25, 0xff, 0xff, 0xff, 0x7f\nret");
}

TEST_F(LinearMemory, OtherPointersAreRefused) {
  for (const char* text :
       {"mov eax, [rcx]", "mov [rcx], eax", "mov eax, fs:[0]", "mov eax, [ecx]", "mov eax, [rcx + rdx]",
        "mov eax, [0x1000]", "add [rbp], eax", "vmovups ymm0, [r13]", "mov eax, [rsp + rcx]",
        "mov eax, [esp]", "mov eax, [r15 + rax]"})
    refuses("mov ecx, ecx\nT1: " + std::string(text) + "\nret", "*");
  refuses("mov ecx, ecx\nmov eax, [rcx]\nret", "memory operand of no allowed form");
}

TEST_F(LinearMemory, NeedsAMemory) {
  Module module = test_module({0});
  const CodeObject code = assemble("F0:\nT1: mov eax, gs:[ecx]\nret\nE0:");
  EXPECT_EQ(verdict(code, module), "accepted");
  module.memories.clear();
  EXPECT_TRUE(verdict(code, module).starts_with("access without a memory 0"));
}

// Upper halves.

TEST_F(UpperHalves, DefinitionsThatClearThem) {
  for (const char* text : {"mov ecx, eax",
                           "add ecx, eax",
                           "lea ecx, [rax + rbx]",
                           "movzx ecx, al",
                           "movzx rcx, ax",
                           "mov rcx, 5",
                           "xor ecx, ecx",
                           "cmovb ecx, eax",
                           "shl ecx, cl",
                           "imul ecx, eax",
                           "popcnt rcx, rax",
                           "lzcnt ecx, eax",
                           "tzcnt rcx, rax",
                           "mov eax, eax\nmov rcx, rax",
                           "mov ecx, ecx\nmov cl, al",
                           "mov ecx, ecx\nadd cx, ax",
                           "mov ecx, ecx\nsetb cl",
                           "and rcx, 0x7fffffff",
                           "mov eax, eax\nand rcx, rax",
                           "shr rcx, 32",
                           "mov ecx, ecx\nshr rcx, 2",
                           "bswap ecx",
                           "mov edx, edx\nxchg rdx, rcx",
                           "xchg edx, ecx",
                           "andn ecx, eax, ebx",
                           "shlx ecx, eax, ebx",
                           "mulx eax, ecx, ebx",
                           "vmovd ecx, xmm0",
                           "vcvttsd2si ecx, xmm0",
                           "vpmovmskb ecx, ymm0",
                           "blsr ecx, eax",
                           "neg ecx",
                           "movabs rcx, 0xffffffff",
                           "movsx ecx, al",
                           "vpextrb ecx, xmm0, 3"})
    zero(text);
}

TEST_F(UpperHalves, DefinitionsThatDoNot) {
  for (const char* text : {"mov rcx, rax",
                           "add rcx, rax",
                           "mov ecx, ecx\nadd rcx, 1",
                           "mov ecx, ecx\nlea rcx, [rcx + rax]",
                           "mov rcx, -1",
                           "movabs rcx, 0x100000000",
                           "mov ecx, ecx\nmovsx rcx, cl",
                           "mov ecx, ecx\nmovsxd rcx, ecx",
                           "and rcx, -8",
                           "mov ecx, ecx\ncmovb rcx, rax",
                           "mov ecx, ecx\nbsf ecx, eax",
                           "mov ecx, ecx\nbsr ecx, eax",
                           "mov ecx, ecx\nxchg rcx, rdx",
                           "mov ecx, ecx\nshl rcx, 1",
                           "shr rcx, 31",
                           "mov ecx, ecx\nsar rcx, 32",
                           "mov ecx, ecx\nvmovq rcx, xmm0",
                           "mov ecx, ecx\nvcvttsd2si rcx, xmm0",
                           "mov ecx, ecx\nnot rcx",
                           "mov ecx, ecx\nsub rcx, rcx",
                           "mov ecx, ecx\nshld ecx, eax, cl",
                           "mov ecx, ecx\nmulx rcx, rax, rbx",
                           "mov ecx, ecx\nmulx rax, rcx, rbx",
                           "mov ecx, ecx\nblsi rcx, rax",
                           "mov cl, 0",
                           "mov cx, 0",
                           "mov ecx, ecx\nbswap rcx",
                           "mov ecx, ecx\nor rcx, rax",
                           "vpextrq rcx, xmm0, 1",
                           "shr rcx, 64"})
    not_zero(text);
  not_zero("mov edx, edx\nmov eax, eax\nmul rbx\nmov rcx, rdx");
  not_zero("mov edx, edx\ncqo\nmov rcx, rdx");
  zero("cdq\nmov rcx, rdx");
}

TEST_F(UpperHalves, ArgumentsFollowTheType) {
  accepts("T1: mov eax, gs:[rax + 4]\nret", 1);
  refuses("T1: mov ecx, gs:[rcx + 4]\nmov eax, 0\nret", "address is not zero-extended", 1);
  refuses("T1: mov eax, gs:[rax + 4]\nret", "address is not zero-extended", 2);  // (i64, i32)
  accepts("T1: mov eax, gs:[rcx + 4]\nret", 2);
}

TEST_F(UpperHalves, ResultsFollowTheType) {
  accepts("ret", 1);
  refuses("mov rax, rcx\nret", "result is not zero-extended", 1);
  accepts("mov rax, -1\nret", 4);  // ()->(i64)
}

TEST_F(UpperHalves, LabelsAreClaims) {
  accepts("mov ecx, eax\nL1.z2: T1: mov edx, gs:[rcx + 4]\njne L1.z2\nret");
  refuses("mov ecx, eax\nL1.z2: T1: mov rcx, gs:[rcx + 4]\njne L1.z2\nret",
          "register is not zero-extended at the branch");
  refuses("L1.z2: T1: mov edx, gs:[rcx + 4]\nret", "register is not zero-extended at the label");
  refuses("mov ecx, eax\nL1: T1: mov edx, gs:[rcx + 4]\nret",
          "address is not zero-extended");  // knows the claim only
  refuses("jne L1.z2\nmov ecx, eax\nL1.z2: ret", "register is not zero-extended at the branch");
  refuses("mov ecx, eax\njmp L1.z6\nL1.z6: ret", "register is not zero-extended at the branch");
}

// Control flow.

TEST_F(ControlFlow, BranchesGoToLabelsAndTraps) {
  accepts("je L1\nnop\nL1: ret");
  accepts("je T1\nret\nT1: ud2");
  accepts("je T1\njne T2\nret\nT1: ud2\nT2: ud2");
  refuses("je there\nnop\nthere: ret", "branch to neither a label nor a trap");
  refuses("je there\nret\nthere: ud2", "branch to neither a label nor a trap");
  refuses("je there + 1\nthere: T1: mov eax, gs:[eax + 0x0b0f]\nret", "branch to neither a label nor a trap");
  refuses(".byte 0xeb, 0x40\nret", "branch leaves the function");
  refuses(".byte 0xeb, 0x80\nret", "branch leaves the function");
  refuses("L1: .byte 0xeb, 2\nret", "branch leaves the function");
}

TEST_F(ControlFlow, NothingFallsOffTheEnd) {
  refuses("nop", "control falls off the end");
  refuses("je L1\nL1: nop", "control falls off the end");
  refuses("L1: je L1", "control falls off the end");
  accepts("L1: jmp L1");
  accepts("T1: ud2");
  refuses("ud2", "ud2 without a trap site");
}

TEST_F(ControlFlow, UnreachableCodeNeedsALabel) {
  refuses("ret\nnop\nadd eax, ecx\nret", "code that nothing reaches");
  refuses("jmp L1\nmov eax, ecx\nL1: ret", "code that nothing reaches");
  accepts("jmp L1\nnop\nL1: ret");
}

TEST_F(ControlFlow, LabelsAreInstructionStarts) {
  refuses("mov eax, 5\n.set L1, .-2\nret", "label inside an instruction or a sequence");
}

TEST_F(ControlFlow, IndirectJumpsAndCallsNeedTheirSequence) {
  refuses("jmp rax", "indirect jump outside its sequence");
  refuses("C0: call [r15 + BASE]\nC1: ret", "indirect call outside its sequence");
  refuses("call [rsp]\nC1: ret", "indirect call outside its sequence", 0, "F0");
  refuses("call [rax]\nC1: ret", "indirect call outside its sequence");
  refuses("jmp [rax]", "indirect jump outside its sequence");
  refuses("call [r10]\nC1: ret", "indirect call outside its sequence");
}

// Frames.

TEST_F(Frames, PrologueAndEpilogue) {
  accepts("sub rsp, 32\nmov [rsp + 24], rax\nmov ecx, [rsp]\nvmovups [rsp + 16], xmm0\nadd rsp, 32\nret", 0,
          "F0.f32");
  refuses("nop\nsub rsp, 32\nadd rsp, 32\nret", "prologue does not make the frame", 0, "F0.f32");
  refuses("sub rsp, 24\nadd rsp, 32\nret", "prologue does not make the frame", 0, "F0.f32");
  refuses("sub esp, 32\nadd rsp, 32\nret", "prologue does not make the frame", 0, "F0.f32");
  refuses("L1: sub rsp, 32\nadd rsp, 32\nret", "label inside an instruction or a sequence", 0, "F0.f32");
  refuses("sub rsp, 32\nret", "ret with a frame on the stack", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 24\nret", "rsp or r15 as an operand", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 32\nnop\nret", "rsp changes outside", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 32\nL1: ret", "label inside an instruction or a sequence", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 32\nret 8", "ret does not pop", 0, "F0.f32");
  refuses("sub rsp, 32\nsub rsp, 32\nadd rsp, 32\nret", "rsp or r15 as an operand", 0, "F0.f32");
  refuses("sub rsp, 4\nadd rsp, 4\nret", "frame is too large or not aligned", 0, "F0.f4");
}

TEST_F(Frames, AccessesStayInside) {
  const std::string in = "sub rsp, 32\n", out = "\nadd rsp, 32\nret";
  accepts(in + "vmovups ymm0, [rsp]" + out, 0, "F0.f32");
  for (const char* text : {"mov eax, [rsp - 4]", "mov [rsp + 32], rax", "mov eax, [rsp + 29]",
                           "mov rax, [rsp + 32]", "vmovups ymm0, [rsp + 8]", "mov eax, [rsp + 40]",
                           "mov [rsp + 36], eax", "mov al, [rsp + 0x7fffffff]"})
    refuses(in + text + out, "stack access outside the frame", 0, "F0.f32");
}

TEST_F(Frames, IncomingArgumentsAndResults) {
  // Type 3 has 2 stack arguments (16 bytes) and 1 stack result (8 bytes).
  accepts("mov ecx, [rsp + 8]\nmov edx, [rsp + 16]\nmov [rsp + 24], rdx\nmov ecx, ecx\nret 16", 3,
          "F0.a16.r8");
  refuses("mov [rsp + 32], rdx\nret 16", "stack access outside the frame", 3, "F0.a16.r8");
  refuses("mov [rsp + 28], rdx\nret 16", "stack access outside the frame", 3, "F0.a16.r8");
  refuses("mov [rsp], rdx\nret 16", "stack access outside the frame", 3, "F0.a16.r8");
  refuses("mov [rsp + 4], rdx\nret 16", "stack access outside the frame", 3, "F0.a16.r8");
  refuses("ret", "ret does not pop", 3, "F0.a16.r8");
  refuses("ret 24", "ret does not pop", 3, "F0.a16.r8");
  refuses("ret 24", "stack arguments or results are not", 3, "F0.a24.r8");
  refuses("ret 16", "stack arguments or results are not", 3, "F0.a16.r16");
}

TEST_F(Frames, LargeFramesAreProbed) {
  const std::string out = "add rsp, 0x10008\nret", in = "sub rsp, 0x10008\n", name = "F0.f65544";
  accepts("test [rsp - 0x8000], eax\ntest [rsp - 0x10000], eax\n" + in + out, 0, name);
  refuses(in + out, "prologue lacks a probe", 0, name);
  refuses("test [rsp - 0x8000], eax\n" + in + out, "prologue lacks a probe", 0, name);
  refuses("test [rsp - 0x10000], eax\ntest [rsp - 0x8000], eax\n" + in + out, "prologue lacks a probe", 0,
          name);
  refuses("test [rsp - 0x8000], rax\ntest [rsp - 0x10000], eax\n" + in + out, "prologue lacks a probe", 0,
          name);
  accepts("sub rsp, 0x7ff8\nadd rsp, 0x7ff8\nret", 0, "F0.f32760");
  refuses("sub rsp, 0x8000\nadd rsp, 0x8000\nret", "prologue lacks a probe", 0, "F0.f32768");
  refuses("sub rsp, 0x100008\nadd rsp, 0x100008\nret", "frame is too large", 0, "F0.f1048584");
}

// Calls.

const std::string kIndirect[] = {"mov r11, [r15 + TABLE0]",
                                 "cmp ecx, [r11 - 8]",
                                 "jae T8",
                                 "sbb r10, r10",
                                 "and r10d, ecx",
                                 "shl r10, 5",
                                 "add r10, r11",
                                 "mov r11d, [r15 + SIGNATURE1]",
                                 "cmp [r10 + 16], r11d",
                                 "jne T9",
                                 "call [r10]"};
const std::string kIndirectEnd = "\nC1: ret\nT8: ud2\nT9: ud2";

std::string indirect(int replaced = -1, const std::string& by = "") {
  std::string text = "mov eax, eax\n";
  for (int i = 0; i < static_cast<int>(std::size(kIndirect)); i++)
    text += (i == replaced ? by : kIndirect[i]) + "\n";
  return text + kIndirectEnd;
}

TEST_F(Calls, Direct) {
  accepts("mov eax, eax\ncall F0\nC1: ret", 1);
  refuses("mov eax, eax\ncall F0\nret", "call without a call site", 1);
  refuses("mov rax, rcx\ncall F0\nC1: ret", "argument is not zero-extended", 1);
  refuses("call F0 + 5\nC1: ret", "call to something else than a function", 1);
  accepts("mov eax, eax\ncall F0\nC1: T1: mov eax, gs:[rax + 4]\nret", 1);
  refuses("mov ecx, ecx\ncall F0\nC1: T1: mov ecx, gs:[rcx + 4]\nret", "address is not zero-extended", 1);
  refuses("ret\nC1:", "call site without a call");
}

TEST_F(Calls, CalleePopsAndCallerRestores) {
  const std::string zero =
      "mov eax, eax\nmov ecx, eax\nmov edx, eax\nmov ebx, eax\nmov esi, eax\nmov edi, eax\nmov r8d, eax\nmov "
      "r9d, eax\n";
  const std::string in = "sub rsp, 24\n" + zero, out = "\nadd rsp, 24\nret";
  accepts(in + "lea r10, [r15 + IMPORT1]\ncall [r10]\nC1: sub rsp, 16\nmov eax, [rsp + 16]" + out, 0,
          "F0.f24");
  refuses(in + "lea r10, [r15 + IMPORT1]\ncall [r10]\nC1: nop" + out, "rsp is not restored", 0, "F0.f24");
  refuses(in + "lea r10, [r15 + IMPORT1]\ncall [r10]\nC1: sub rsp, 8" + out, "rsp is not restored", 0,
          "F0.f24");
  refuses(in + "lea r10, [r15 + IMPORT1]\ncall [r10]\nC1: L1: sub rsp, 16" + out, "label inside", 0,
          "F0.f24");
  refuses("sub rsp, 16\n" + zero + "lea r10, [r15 + IMPORT1]\ncall [r10]\nC1: sub rsp, 16\nadd rsp, 16\nret",
          "frame has no room", 0, "F0.f16");
}

TEST_F(Calls, Imports) {
  accepts("lea r10, [r15 + IMPORT0]\ncall [r10]\nC1: ret", 1);
  refuses("lea r11, [r15 + IMPORT0]\ncall [r11]\nC1: ret", "address of something else", 1);
  refuses("lea r10, [r15 + IMPORT0 + 8]\ncall [r10]\nC1: ret", "address of something else", 1);
  refuses("lea r10, [r15 + IMPORT0 + 64]\ncall [r10]\nC1: ret", "address of something else", 1);
  refuses("lea r10, [r15 + GLOBAL3]\ncall [r10]\nC1: ret", "address of something else", 1);
  refuses("lea r10d, [r15 + IMPORT0]\ncall [r10]\nC1: ret", "address of something else", 1);
  refuses("lea r10, [r15 + rax + IMPORT0]\ncall [r10]\nC1: ret", "address of something else", 1);
  refuses("lea r10, [r15 + IMPORT0]\nmov eax, eax\ncall [r10]\nC1: ret", "import slot without its call", 1);
  refuses("lea r10, [r15 + IMPORT0]\nL1: call [r10]\nC1: ret", "label inside", 1);
  refuses("lea r10, [r15 + IMPORT0]\ncall [r10 + 8]\nC1: ret", "import slot without its call", 1);
  refuses("lea r10, [r15 + IMPORT0]\ncall gs:[r10]\nC1: ret", "import slot without its call", 1);
  refuses("mov rax, rcx\nlea r10, [r15 + IMPORT0]\ncall [r10]\nC1: ret", "argument is not zero-extended", 1);
}

TEST_F(Calls, Services) {
  accepts("mov ecx, eax\ncall [r15 + MEMORY_GROW]\nC1: mov eax, eax\nret", 1);
  refuses("call [r15 + MEMORY_GROW]\nC1: ret", "result is not zero-extended", 1);
  refuses("call [r15 + TABLE_SET]\nC1: ret", "argument is not zero-extended", 1);
  accepts("call [r15 + DATA_DROP]\nC1: xor eax, eax\nret", 1);
  refuses("call [r15 + DATA_DROP]\nC1: ret", "result is not zero-extended", 1);
  refuses("call [r15 + MEMORY_FILL]\nC1: ret", "result is not zero-extended", 1);
  refuses("call [r15 + MEMORY_GROW + 4]\nC1: ret", "indirect call outside its sequence", 1);
  refuses("call [r15 + REF_BASE]\nC1: ret", "indirect call outside its sequence", 1);
  refuses("call [r15 - 8]\nC1: ret", "indirect call outside its sequence", 1);
}

TEST_F(Calls, IndirectSequence) {
  accepts(indirect(), 1);
  accepts(indirect(0, "mov r11, [r15 + TABLE1]"), 1);
  const std::pair<int, const char*> changes[] = {{0, "mov r11, [r15 + BASE]"},
                                                 {0, "mov r11d, [r15 + TABLE0]"},
                                                 {0, "mov r10, [r15 + TABLE0]"},
                                                 {0, "mov r11, [r15 + TABLE1 + 8]"},
                                                 {0, "mov r11, [r15 + TABLE0 + 4]"},
                                                 {0, "nop"},
                                                 {1, "cmp ecx, [r11 - 4]"},
                                                 {1, "cmp rcx, [r11 - 8]"},
                                                 {1, "cmp [r11 - 8], ecx"},
                                                 {1, "cmp ecx, [r10 - 8]"},
                                                 {1, "cmp r10d, [r11 - 8]"},
                                                 {1, "cmp r11d, [r11 - 8]"},
                                                 {1, "sub ecx, [r11 - 8]"},
                                                 {1, "cmp esp, [r11 - 8]"},
                                                 {1, "cmp edx, [r11 - 8]"},
                                                 {2, "ja T8"},
                                                 {2, "jb T8"},
                                                 {2, "jge T8"},
                                                 {2, "nop"},
                                                 {2, "jae there\nthere:"},
                                                 {3, "sbb r10d, r10d"},
                                                 {3, "sbb r10, r11"},
                                                 {3, "adc r10, r10"},
                                                 {3, "sub r10, r10"},
                                                 {3, "L1: sbb r10, r10"},
                                                 {4, "and r10, rcx"},
                                                 {4, "and r10d, edx"},
                                                 {4, "or r10d, ecx"},
                                                 {4, "and ecx, r10d"},
                                                 {4, "mov r10d, ecx"},
                                                 {5, "shl r10, 4"},
                                                 {5, "shl r10, 6"},
                                                 {5, "shl r10d, 5"},
                                                 {5, "shl r11, 5"},
                                                 {5, "sar r10, 5"},
                                                 {5, "L1: shl r10, 5"},
                                                 {6, "add r10, rcx"},
                                                 {6, "add r11, r10"},
                                                 {6, "add r10d, r11d"},
                                                 {6, "sub r10, r11"},
                                                 {6, "L1: add r10, r11"},
                                                 {7, "mov r11d, [r15 + SIGNATURE4 + 4]"},
                                                 {7, "mov r11, [r15 + SIGNATURE1]"},
                                                 {7, "mov r10d, [r15 + SIGNATURE1]"},
                                                 {7, "mov r11d, [r15 + SIGNATURE1 + 1]"},
                                                 {7, "mov r11d, [r15 + GLOBAL3]"},
                                                 {7, "mov r11d, 5"},
                                                 {8, "cmp [r10 + 20], r11d"},
                                                 {8, "cmp [r10 + 16], r11w"},
                                                 {8, "cmp [r10 + 16], ecx"},
                                                 {8, "cmp [r11 + 16], r11d"},
                                                 {8, "cmp r11d, [r10 + 16]"},
                                                 {8, "mov [r10 + 16], r11d"},
                                                 {8, "cmp [r10 + r11 + 16], r11d"},
                                                 {9, "je T9"},
                                                 {9, "nop"},
                                                 {9, "jne there\nthere:"},
                                                 {10, "call [r10 + 8]"},
                                                 {10, "call [r11]"},
                                                 {10, "call [r10 + rcx]"},
                                                 {10, "L1: call [r10]"},
                                                 {10, "nop\ncall [r10]"},
                                                 {10, "jmp r10"}};
  for (const auto& [at, by] : changes) refuses(indirect(at, by), "*", 1);
  // Of another signature: what is passed and returned must fit it.
  refuses(indirect(7, "mov r11d, [r15 + SIGNATURE4]"), "result is not zero-extended", 1);
  refuses(indirect(7, "mov r11d, [r15 + SIGNATURE3]"), "frame has no room", 1);
  refuses("mov rax, -1\n" + indirect().substr(13), "argument is not zero-extended", 1);
}

// The instance context.

TEST_F(Context, PermittedAccesses) {
  accepts(R"(
    mov eax, [r15 + REF_BASE]
    mov rcx, [r15 + PAGES]; mov edx, [rcx]
    mov rcx, [r15 + TABLE1]; mov ecx, [rcx - 8]
    mov eax, [r15 + GLOBAL3]; add [r15 + GLOBAL3], eax; mov rax, [r15 + GLOBAL1]; vmovsd xmm0, [r15 + GLOBAL4]
    vmovsd [r15 + GLOBAL4], xmm0; mov eax, [r15 + GLOBAL5]; vmovups [r15 + GLOBAL6], xmm0; mov [r15 + GLOBAL7], eax
    mov rcx, [r15 + GLOBAL0]; mov [rcx], eax
    mov rcx, [r15 + GLOBAL0]; mov ecx, [rcx]
    mov rcx, [r15 + GLOBAL2]; vmovsd xmm0, [rcx]
    ret)");
}

TEST_F(Context, OtherAccesses) {
  for (const char* text : {"mov rax, [r15 + REF_BASE]",
                           "mov [r15 + REF_BASE], eax",
                           "mov rax, [r15 + INSTANCE]",
                           "mov rax, [r15]",
                           "mov [r15], rax",
                           "mov rax, [r15 + BASE]\nmov eax, [rax]",
                           "mov rcx, [r15 + PAGES]\nnop\nmov edx, [rcx]",
                           "mov rcx, [r15 + PAGES]",
                           "mov rcx, [r15 + PAGES]\nmov rdx, [rcx]",
                           "mov rcx, [r15 + PAGES]\nmov [rcx], edx",
                           "mov rcx, [r15 + PAGES]\nmov edx, [rcx + 8]",
                           "mov rcx, [r15 + PAGES]\nmov edx, [rcx - 8]",
                           "mov ecx, [r15 + PAGES]\nmov edx, [rcx]",
                           "mov rcx, [r15 + PAGES]\nmov edx, [rbx]",
                           "mov rcx, [r15 + PAGES]\nmov esp, [rcx]",
                           "mov rcx, [r15 + PAGES]\nL1: mov edx, [rcx]",
                           "mov [r15 + PAGES], rcx",
                           "add rcx, [r15 + PAGES]\nmov edx, [rcx]",
                           "mov rsp, [r15 + PAGES]",
                           "mov r15, [r15 + PAGES]",
                           "mov rcx, [r15 + TABLE0]\nmov ecx, [rcx]",
                           "mov rcx, [r15 + TABLE0]\nmov [rcx - 8], ecx",
                           "mov rcx, [r15 + TABLE0]\nmov rcx, [rcx - 8]",
                           "mov rcx, [r15 + TABLE0]\ncmp ecx, [rcx - 8]",
                           "mov [r15 + TABLE0], rcx",
                           "mov rcx, [r15 + IMPORT0]",
                           "mov [r15 + IMPORT0], rcx",
                           "mov rcx, [r15 + GLOBAL3]",
                           "mov cx, [r15 + GLOBAL3]",
                           "mov ecx, [r15 + GLOBAL3 + 4]",
                           "mov [r15 + GLOBAL5], eax",
                           "mov [r15 + GLOBAL1], rax",
                           "vmovups ymm0, [r15 + GLOBAL6]",
                           "mov ecx, [r15 + GLOBAL0]",
                           "mov rcx, [r15 + GLOBAL0]",
                           "mov rcx, [r15 + GLOBAL0]\nmov [rcx], rax",
                           "mov rcx, [r15 + GLOBAL0]\nmov [rcx + 4], eax",
                           "mov rcx, [r15 + GLOBAL0]\nmov [rcx], ecx",
                           "mov rcx, [r15 + GLOBAL0]\nadd ecx, [rcx]",
                           "mov [r15 + GLOBAL0], rcx",
                           "mov rcx, [r15 + GLOBAL0]\nlea ecx, [rcx]",
                           "mov rcx, [r15 + GLOBAL0]\ncall [rcx]",
                           "mov rcx, [r15 + GLOBAL2]\nmov [rcx], eax",
                           "mov rcx, [r15 + GLOBAL0]\nmov r15d, [rcx]",
                           "mov ecx, [r15 + SIGNATURE0]",
                           "mov [r15 + SIGNATURE0], ecx",
                           "mov ecx, [r15 + SIZE]",
                           "mov ecx, [r15 - 4]",
                           "mov ecx, [r15 + rax]",
                           "mov ecx, [r15d + GLOBAL3]",
                           "mov ecx, gs:[r15 + GLOBAL3]",
                           "mov eax, [r15 + GLOBAL7 + 16]"})
    refuses(std::string(text) + "\nret", "*");
}

// Constants and jump tables.

TEST_F(Rodata, ReadsStayInside) {
  const std::string data = "K0: .quad 1\nK1: .quad 2\n";
  accepts("vaddsd xmm0, xmm0, [rip + K0]\nvmovups xmm1, [rip + K0]\nmov rax, [rip + K1]\nret", 0, "F0", data);
  refuses("mov rax, [rip + K1 + 1]\nret", "constant outside rodata", 0, "F0", data);
  refuses("vmovups xmm0, [rip + K1]\nret", "constant outside rodata", 0, "F0", data);
  refuses("mov eax, [rip + K0 - 1]\nret", "constant outside rodata", 0, "F0", data);
  refuses("mov eax, [rip + F0]\nret", "constant outside rodata", 0, "F0", data);
  refuses("mov [rip + K0], eax\nret", "constant outside rodata", 0, "F0", data);
  refuses("add [rip + K0], eax\nret", "constant outside rodata", 0, "F0", data);
  refuses("mov eax, [eip + K0]\nret", "instruction is not allowed", 0, "F0", data);
  refuses("lea rax, [rip + K0]\nret", "jump through a table is not the sequence", 0, "F0", data);
}

const std::string kDispatch[] = {"mov ecx, 1",
                                 "cmp eax, ecx",
                                 "cmovb ecx, eax",
                                 "lea rdx, [rip + J0.n2]",
                                 "movsxd rcx, dword ptr [rdx + rcx*4]",
                                 "add rcx, rdx",
                                 "jmp rcx"};
const std::string kTargets = "\nL1: ret\nL2.z1: T1: mov eax, gs:[rax + 4]\nret";
const std::string kTable = "J0.n2: .long L1 - J0.n2\n.long L2.z1 - J0.n2\n";

std::string dispatch(int replaced = -1, const std::string& by = "", const std::string& targets = kTargets) {
  std::string text = "mov eax, eax\n";
  for (int i = 0; i < static_cast<int>(std::size(kDispatch)); i++)
    text += (i == replaced ? by : kDispatch[i]) + "\n";
  return text + targets;
}

TEST_F(JumpTables, Sequence) {
  accepts(dispatch(), 0, "F0", kTable);
  accepts(dispatch(0, "L3.z1: mov ecx, 1"), 0, "F0", kTable);
  const std::pair<int, const char*> changes[] = {{0, "mov ecx, 2"},
                                                 {0, "mov ecx, 0"},
                                                 {0, "mov rcx, 1"},
                                                 {0, "mov edx, 1"},
                                                 {0, "xor ecx, ecx"},
                                                 {0, "mov cl, 1"},
                                                 {1, "cmp rax, rcx"},
                                                 {1, "cmp ecx, eax"},
                                                 {1, "cmp eax, edx"},
                                                 {1, "test eax, ecx"},
                                                 {1, "L3: cmp eax, ecx"},
                                                 {1, "cmp ax, cx"},
                                                 {2, "cmova ecx, eax"},
                                                 {2, "cmovl ecx, eax"},
                                                 {2, "cmovb rcx, rax"},
                                                 {2, "cmovb ecx, edx"},
                                                 {2, "cmovb edx, eax"},
                                                 {2, "L3: cmovb ecx, eax"},
                                                 {2, "nop"},
                                                 {3, "lea rdx, [rip + J0.n2 + 4]"},
                                                 {3, "lea edx, [rip + J0.n2]"},
                                                 {3, "lea rcx, [rip + J0.n2]"},
                                                 {3, "lea rdx, [rip + F0]"},
                                                 {3, "L3: lea rdx, [rip + J0.n2]"},
                                                 {3, "lea r15, [rip + J0.n2]"},
                                                 {4, "movsxd rcx, dword ptr [rdx + rcx*8]"},
                                                 {4, "movsxd rcx, dword ptr [rdx + rax*4]"},
                                                 {4, "movsxd rax, dword ptr [rdx + rcx*4]"},
                                                 {4, "mov ecx, dword ptr [rdx + rcx*4]"},
                                                 {4, "movsxd rcx, dword ptr [rdx + rcx*4 + 4]"},
                                                 {4, "movsxd rcx, dword ptr [edx + ecx*4]"},
                                                 {4, "L3: movsxd rcx, dword ptr [rdx + rcx*4]"},
                                                 {4, "movsxd rcx, dword ptr gs:[rdx + rcx*4]"},
                                                 {5, "add ecx, edx"},
                                                 {5, "add rdx, rcx"},
                                                 {5, "sub rcx, rdx"},
                                                 {5, "add rcx, rax"},
                                                 {5, "L3: add rcx, rdx"},
                                                 {6, "jmp rdx"},
                                                 {6, "jmp rax"},
                                                 {6, "L3: jmp rcx"},
                                                 {6, "nop\njmp rcx"},
                                                 {6, "call [rcx]"}};
  for (const auto& [at, by] : changes) refuses(dispatch(at, by), "*", 0, "F0", kTable);
}

TEST_F(JumpTables, EntriesAreLabelsOfTheFunction) {
  refuses(dispatch(-1, "", "\nL1: nop\nthere: ret\nL2.z1: ret"), "jump table's entry is not a label", 0, "F0",
          "J0.n2: .long L1 - J0.n2\n.long there - J0.n2\n");
  refuses(dispatch(), "jump table leaves the function", 0, "F0", "J0.n2: .long 0\n.long L2.z1 - J0.n2\n");
  refuses(dispatch(), "jump table leaves the function", 0, "F0",
          "J0.n2: .long 0x7fffffff\n.long L2.z1 - J0.n2\n");
  refuses(dispatch(-1, "", "\nL1: ret\nL2.z2: ret"), "register is not zero-extended at a jump table's label",
          0, "F0", "J0.n2: .long L1 - J0.n2\n.long L2.z2 - J0.n2\n");
  refuses(dispatch(), "jump table outside rodata", 0, "F0", "J0.n2: .long L1 - J0.n2\n");
  refuses(dispatch(-1, "", "\nL3: " + dispatch()), "jump table is unknown, of another size or used twice", 0,
          "F0", kTable);
}

TEST_F(JumpTables, TablesDoNotOverlap) {
  refuses("ret", "jump tables overlap", 0, "F0", "J0.n2: .long 0\nJ1.n1: .long 0\n");
  refuses("ret", "jump tables overlap or are empty", 0, "F0", "J0.n0: .long 0\n");
}

// The object as a whole.

TEST_F(Object, Functions) {
  const Module two = test_module({0, 0});
  const std::string good = "F0: ret\nE0: .p2align 4, 0xcc\nF1: ret\nE1:";
  EXPECT_EQ(verdict(assemble(good), two), "accepted");
  EXPECT_TRUE(verdict(assemble("F0: ret\nE0: .p2align 4, 0x90\nF1: ret\nE1:"), two)
                  .starts_with("padding is not int3"));
  EXPECT_TRUE(
      verdict(assemble("F0: ret\nE0: .byte 0xcc\nF1: ret\nE1:"), two).starts_with("functions overlap"));
  EXPECT_TRUE(verdict(assemble("F0: ret\nE0: nop"), two).starts_with("not one code range"));
  CodeObject code = assemble(good);
  code.functions[1] = code.functions[0];
  EXPECT_TRUE(verdict(code, two).starts_with("functions overlap"));
  code = assemble(good);
  code.functions[1].end = 5000;
  EXPECT_TRUE(verdict(code, two).starts_with("functions overlap"));
  code = assemble(good);
  code.text.pop_back();
  EXPECT_TRUE(verdict(code, two).starts_with("text does not end at a page"));
  code = assemble(good);
  code.text.back() = std::byte{0xc3};
  EXPECT_TRUE(verdict(code, two).starts_with("padding is not int3"));
  code = assemble(good);
  code.functions[0].end = code.functions[1].begin;
  EXPECT_TRUE(verdict(code, two).starts_with("instruction is not allowed"));
  // A branch must not reach into the next function.
  EXPECT_TRUE(verdict(assemble("F0: jmp L1\nE0: .p2align 4, 0xcc\nF1: nop\nL1: ret\nE1:"), two)
                  .starts_with("branch leaves"));
  EXPECT_TRUE(verdict(CodeObject{}, test_module({})).starts_with("accepted"));
}

TEST_F(Object, TrapSites) {
  refuses("div ecx\nret", "division without a trap site");
  accepts("T1: div ecx\nT2: idiv rbx\nret");
  refuses("mov eax, 5\n.set T1, .-2\nret", "trap site inside an instruction");
  refuses("T1.k200: ud2", "trap of no kind");
  const Module module = test_module({0});
  CodeObject code = assemble("F0: T1: div ecx\nT2: div ecx\nret\nE0:");
  std::swap(code.traps[0], code.traps[1]);
  EXPECT_NE(verdict(code, module), "accepted");
  code = assemble("F0: T1: div ecx\nT2: div ecx\nret\nE0:");
  code.traps.push_back({100, 0, ir::Trap::unreachable});
  EXPECT_TRUE(verdict(code, module).starts_with("trap site outside all functions"));
  code.traps[2].pc = code.traps[1].pc;
  EXPECT_NE(verdict(code, module), "accepted");
}

TEST_F(Object, CallSites) {
  const Module module = test_module({0});
  CodeObject code = assemble("F0: call F0\nC1: call F0\nC2: ret\nE0:");
  EXPECT_EQ(verdict(code, module), "accepted");
  std::swap(code.calls[0], code.calls[1]);
  EXPECT_TRUE(verdict(code, module).starts_with("call without a call site"));
  code.calls.clear();
  EXPECT_TRUE(verdict(code, module).starts_with("call without a call site"));
}

TEST_F(Object, MessageNamesFunctionAndPlace) {
  refuses("nop\nhlt\nret", "instruction is not allowed (function 2, pc 0x1)");
}

// What the verifier wrote down for itself is what the compiler has.
TEST_F(Abi, ConventionsAgree) {
  ASSERT_EQ(kArgGprs.size(), x64::kGprArgs.size());
  for (std::size_t i = 0; i < kArgGprs.size(); i++) EXPECT_EQ(kArgGprs[i], x64::kGprArgs[i].encoding());
  EXPECT_EQ(kArgVecs, x64::kVecArgs.size());
  EXPECT_EQ(x64::kContext.encoding(), kR15);
  for (std::uint32_t i = 0; i < kBuiltinCount; i++) EXPECT_TRUE(abi_of(static_cast<Builtin>(i)).known) << i;
  EXPECT_LT(sizeof(InstanceContext), 4000u);
}

TEST_F(Abi, StackArguments) {
  const TypeAbi abi = abi_of(FuncType{{kI32, kV128, kI64, kF64, kFuncRef}, {kV128, kI64, kI32}});
  EXPECT_EQ(abi.stack_args, 0u);
  EXPECT_EQ(abi.arg_zero, 1u << kRax | 1u << kRdx);
  EXPECT_EQ(abi.result_zero, 1u << kRcx);
  FuncType many{std::vector<ValType>(9, kV128), std::vector<ValType>(9, kI64)};
  many.params.insert(many.params.end(), 9, kI32);
  EXPECT_EQ(abi_of(many).stack_args, 16u + 8);
  EXPECT_EQ(abi_of(many).stack_results, 8u);
}

// Stack maps.

TEST(StackMaps, MustBeInOrderAndShortlyChained) {
  const Module module = test_module({0});
  const CodeObject code = assemble(test_symbols(module) + "F0:\nret\nE0:\n");
  auto with = [&](std::vector<StackMap> maps, std::vector<std::uint32_t> slots) {
    CodeObject changed = code;
    changed.stack_maps = std::move(maps);
    changed.map_slots = std::move(slots);
    return verdict(changed, module);
  };
  EXPECT_EQ(with({{0, 1}, {2, 0}, {3, 1}}, {0, 8, 8, 16}), "accepted");
  EXPECT_TRUE(with({}, {8}).contains("slots of no stack map"));
  EXPECT_TRUE(with({{0, 0}}, {8}).contains("the first stack map is not full"));
  EXPECT_TRUE(with({{1, 1}}, {0, 8}).contains("the first stack map is not full"));
  EXPECT_TRUE(with({{0, 1}, {0, 1}}, {0, 8}).contains("not in order"));
  EXPECT_TRUE(with({{0, 1}, {2, 1}}, {0, 8}).contains("not in order"));
  EXPECT_TRUE(with({{0, 1}, {3, 1}, {2, 1}}, {0, 8, 16}).contains("not in order"));
  EXPECT_TRUE(with({{0, 1}, {1, 2}}, {0, 8}).contains("not in order"));
  EXPECT_TRUE(with({{0, 1}}, {2}).contains("names no slot"));
  EXPECT_TRUE(with({{0, 1}}, {kMaxFrame}).contains("names no slot"));
  EXPECT_TRUE(with({{0, 1}}, {8, 8}).contains("names a slot twice"));
  std::vector<StackMap> chain = {{0, 1}};
  std::vector<std::uint32_t> slots = {0};
  for (std::uint32_t m = 1; m <= 16; ++m) {
    chain.push_back({m, 0});
    slots.push_back(8);
  }
  EXPECT_EQ(with(chain, slots), "accepted");
  chain.push_back({17, 0});
  slots.push_back(8);
  EXPECT_TRUE(with(chain, slots).contains("without a full one"));
}

TEST(StackMaps, OfCallSitesMustExist) {
  const Module module = test_module({0});
  CodeObject code = assemble(test_symbols(module) + "F0:\ncall F0\nC1:\nret\nE0:\n");
  ASSERT_EQ(code.calls.size(), 1u);
  EXPECT_EQ(verdict(code, module), "accepted");
  code.stack_maps = {{0, 1}};
  code.map_slots = {0};
  code.calls[0].stack_map = 0;
  EXPECT_EQ(verdict(code, module), "accepted");
  code.calls[0].stack_map = 1;
  EXPECT_TRUE(verdict(code, module).contains("stack map does not exist"));
}

}  // namespace
}  // namespace nebulet::wasm::verify
