// SPDX-License-Identifier: MIT
// Tail calls: the callee finds its arguments and the return address, and nothing else is possible.
#include "wasm/verify/verify_test.h"

namespace nebulet::wasm::verify {
namespace {

using TailCalls = VerifyTest;

// Type 3 has 16 bytes of stack arguments and 8 of stack results; import 1 is of that type.
const std::string kWide = "F0.f32.a16.r8", kNoFrame = "F0.a16.r8";
const std::string kZero =
    "mov eax, eax; mov ecx, ecx; mov edx, edx; mov ebx, ebx; mov esi, esi; mov edi, edi; mov r8d, r8d; mov "
    "r9d, r9d\n";

TEST_F(TailCalls, ToAFunction) {
  accepts("jmp F0");
  accepts("sub rsp, 32\nadd rsp, 32\njmp F0.f32", 0, "F0.f32");
  accepts("mov eax, eax\njmp F0", 1);
  accepts("sub rsp, 32\n" + kZero + "mov [rsp + 40], eax\nadd rsp, 32\njmp F0.f32.a16.r8", 3, kWide);
  refuses("sub rsp, 32\njmp F0.f32", "branch to neither", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 24\njmp F0.f32", "rsp or r15 as an operand", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 32\njmp F0.f32 + 4", "tail call to something else", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 32\nL1: jmp F0.f32", "label inside", 0, "F0.f32");
  refuses("sub rsp, 32\nadd rsp, 32\nT1: je F0.f32", "rsp changes outside", 0, "F0.f32");
  refuses("movabs rax, 0x100000000\njmp F0", "argument is not zero-extended", 1);
}

TEST_F(TailCalls, ToAnImport) {
  accepts("lea r10, [r15 + IMPORT0]\njmp [r10]", 1);
  accepts("sub rsp, 32\nadd rsp, 32\nlea r10, [r15 + IMPORT0]\njmp [r10]", 1, "F0.f32");
  accepts("lea r10, [r15 + IMPORT1]\njmp [r10]", 3, kNoFrame);
  refuses("lea r10, [r15 + IMPORT1]\njmp [r10]", "stack arguments of a tail call", 1);
  refuses("lea r10, [r15 + IMPORT0]\njmp [r10 + 8]", "import slot without its call", 1);
  refuses("lea r10, [r15 + IMPORT0 + 8]\njmp [r10]", "address of something else", 1);
  refuses("lea r11, [r15 + IMPORT0]\njmp [r11]", "address of something else", 1);
  refuses("sub rsp, 32\nlea r10, [r15 + IMPORT0]\njmp [r10]", "import slot without its call", 1, "F0.f32");
}

TEST_F(TailCalls, ToAnElement) {
  const std::string check = R"(
    mov r11, [r15 + TABLE0]
    cmp ebp, [r11 - 8]
    jae T1
    sbb r10, r10
    and r10d, ebp
    shl r10, 5
    add r10, r11
    mov r11d, [r15 + SIGNATURE1]
    cmp [r10 + 16], r11d
    jne T2
  )",
                    traps = "\nT1: ud2\nT2: ud2";
  accepts(check + "jmp [r10]" + traps, 1);
  std::string other = check;
  other.replace(other.find("SIGNATURE1"), 10, "SIGNATURE4");
  refuses(other + "jmp [r10]" + traps, "result of a tail call", 1);
  accepts("sub rsp, 32\nmov eax, eax" + check + "add rsp, 32\njmp [r10]" + traps, 1, "F0.f32");
  refuses("sub rsp, 32\nmov eax, eax" + check + "jmp [r10]" + traps, "frame is not taken down", 1, "F0.f32");
  refuses("sub rsp, 32\nmov eax, eax" + check + "add rsp, 32\njmp [r10 + 8]" + traps, "indirect call is not",
          1, "F0.f32");
  refuses("sub rsp, 32\nmov eax, eax" + check + "add rsp, 32\njmp F0.f32" + traps, "indirect call is not", 1,
          "F0.f32");
  refuses("sub rsp, 32\nmov eax, eax" + check + "add rsp, 32\nret" + traps, "indirect call is not", 1,
          "F0.f32");
  refuses("sub rsp, 32\nmov eax, eax" + check +
              "mov r11, [rsp + 32]\nmov r10, [rsp]\nadd rsp, 32\njmp [r10]" + traps,
          "move of a tail call's arguments", 1, "F0.f32");
}

TEST_F(TailCalls, MoveTheReturnAddressDownForMoreArguments) {
  // From type 4, without stack values, nothing goes to type 3, which has stack results.
  const std::string in = "sub rsp, 32\n" + kZero, out = "add rsp, 16\nlea r10, [r15 + IMPORT1]\njmp [r10]";
  const std::string moved =
      "mov r11, [rsp + 32]\nvmovsd xmm15, [rsp + 8]\nvmovsd [rsp + 32], xmm15\n"
      "vmovsd xmm15, [rsp]\nvmovsd [rsp + 24], xmm15\nmov [rsp + 16], r11\n";
  refuses(in + moved + out, "stack results of a tail call", 0, "F0.f32");
  refuses(in + "mov r11, [rsp + 32]\nmov [rsp + 8], r11\nadd rsp, 8\nlea r10, [r15 + IMPORT1]\njmp [r10]",
          "stack arguments of a tail call", 0, "F0.f32");
}

TEST_F(TailCalls, MovesStayInTheFrameAndTheArguments) {
  // Of a function of type 3 to itself: the return address may also go where it is.
  const std::string in = "sub rsp, 32\n" + kZero + "mov r11, [rsp + 32]\n",
                    out = "add rsp, 32\njmp F0.f32.a16.r8";
  accepts(in + "vmovsd xmm15, [rsp]\nvmovsd [rsp + 48], xmm15\nmov [rsp + 32], r11\n" + out, 3, kWide);
  refuses(in + "vmovsd [rsp + 32], xmm15\nmov [rsp + 32], r11\n" + out, "move of a tail call's", 3, kWide);
  for (const char* text :
       {"vmovsd [rsp + 56], xmm15", "vmovsd [rsp - 8], xmm15", "vmovsd xmm15, [rsp + 32]",
        "vmovups [rsp + 40], xmm15", "mov [rsp + 40], r12", "mov r11, [rsp]", "mov r11, [rsp + 32]",
        "vmovq r11, xmm15", "pop r11", "nop", "vmovsd gs:[rax], xmm15"})
    refuses(in + text + "\nmov [rsp + 32], r11\n" + out, "*", 3, kWide);
  refuses(in + "vmovsd [rsp + 28], xmm15\nmov [rsp + 32], r11\n" + out, "move of a tail call's", 3, kWide);
  refuses(in + "L1: vmovsd [rsp + 40], xmm15\nmov [rsp + 32], r11\n" + out, "label inside", 3, kWide);
  refuses(in + "mov [rsp + 36], r11\n" + out, "move of a tail call's", 3, kWide);
  refuses(in + "mov [rsp + 32], r11d\n" + out, "move of a tail call's", 3, kWide);
  refuses(in + "mov [rsp + 40], r11\nadd rsp, 40\njmp F0.f32.a16.r8", "stack arguments of a tail call", 3,
          kWide);
  refuses(in + "mov [rsp + 40], r11\nadd rsp, 32\njmp F0.f32.a16.r8", "frame is not taken down", 3, kWide);
  refuses(in + out, "move of a tail call's", 3, kWide);
  refuses("sub rsp, 32\nmov rax, [rsp + 32]\nadd rsp, 32\nret", "stack access outside", 0, "F0.f32");
  refuses("sub rsp, 32\nmov r11d, [rsp + 32]\nadd rsp, 32\nret", "stack access outside", 0, "F0.f32");
}

}  // namespace
}  // namespace nebulet::wasm::verify
