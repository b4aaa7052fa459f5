// SPDX-License-Identifier: MIT
// Throwing, catching, and handlers.
#include "wasm/verify/verify_test.h"

namespace nebulet::wasm::verify {
namespace {

using Exceptions = VerifyTest;

// Tag 0 has an i32, tag 1 ten of them: 16 bytes on the stack.
const std::string kZero =
    "mov eax, eax; mov ecx, ecx; mov edx, edx; mov ebx, ebx; mov esi, esi; mov edi, edi; mov r8d, r8d; mov "
    "r9d, r9d\n";

TEST_F(Exceptions, AreThrownWithTheTagsArguments) {
  accepts("mov eax, eax\nmov r11d, 0\ncall [r15 + THROW]\nC1: T1: ud2");
  accepts("sub rsp, 16\n" + kZero + "mov r11d, 1\ncall [r15 + THROW]\nC1: sub rsp, 16\nT1: ud2", 0, "F0.f16");
  refuses("mov r11d, 0\ncall [r15 + THROW]\nC1: T1: ud2", "argument is not zero-extended");
  refuses(kZero + "mov r11d, 1\ncall [r15 + THROW]\nC1: T1: ud2", "frame has no room");
  refuses("sub rsp, 16\n" + kZero + "mov r11d, 1\ncall [r15 + THROW]\nC1: T1: ud2", "rsp is not restored", 0,
          "F0.f16");
  refuses("mov eax, eax\nmov r11d, 2\ncall [r15 + THROW]\nC1: T1: ud2", "unknown tag");
  refuses("mov eax, eax\nmov r11d, -1\ncall [r15 + THROW]\nC1: T1: ud2", "unknown tag");
  refuses("mov eax, eax\nmov r10d, 0\ncall [r15 + THROW]\nC1: T1: ud2", "service without a tag");
  refuses("mov eax, eax\nmov r11, 0\ncall [r15 + THROW]\nC1: T1: ud2", "service without a tag");
  refuses("mov eax, eax\nmov r11d, 0\nL1.z1: call [r15 + THROW]\nC1: T1: ud2", "service without a tag");
  refuses("mov eax, eax\nmov r11d, 0\ncall [r15 + THROW]\nT1: ud2", "call without a call site");
  refuses("call [r15 + THROW_REF]\nC1: T1: ud2", "argument is not zero-extended");
  accepts("mov ecx, ecx\ncall [r15 + THROW_REF]\nC1: T1: ud2");
}

TEST_F(Exceptions, GiveTheirPayloadLikeResults) {
  accepts("mov eax, eax\nmov r11d, 0\ncall [r15 + CATCH]\nC1: T1: mov ecx, gs:[rax + 4]\nret");
  accepts(
      "sub rsp, 16\nmov eax, eax\nmov r11d, 1\ncall [r15 + CATCH]\nC1: T1: mov ecx, gs:[r9 + 4]\nadd rsp, "
      "16\nret",
      0, "F0.f16");
  refuses("mov r11d, 0\ncall [r15 + CATCH]\nC1: ret", "argument is not zero-extended");
  refuses("mov eax, eax\nmov r11d, 1\ncall [r15 + CATCH]\nC1: ret", "frame has no room");
  refuses("mov eax, eax\nmov r11d, 0\ncall [r15 + CATCH]\nC1: T1: mov eax, gs:[rcx + 4]\nret",
          "address is not zero-extended");
}

TEST_F(Exceptions, HandlersAreLabelsThatRelyOnTheExceptionOnly) {
  const std::string call = "mov eax, eax\nlea r10, [r15 + IMPORT0]\ncall [r10]\n";
  accepts(call + "C1.h2: ret\nL2.z3: T1: mov edx, gs:[rax + 4]\nT2: mov edx, gs:[rcx + 4]\nret", 1);
  accepts(call + "C1.h2: ret\nL2: mov eax, eax\nret", 1);
  refuses(call + "C1.h2: ret\nL2.z4: mov eax, eax\nret", "handler relies on more", 1);
  refuses(call + "C1.i: ret", "handler is not a label", 1);
}

TEST_F(Exceptions, TagsAreRead) {
  accepts("mov ecx, [r15 + TAG0]\ncmp ecx, [r15 + TAG1]\nret");
  refuses("mov [r15 + TAG0], ecx\nret", "tags allow");
  refuses("mov rcx, [r15 + TAG0]\nret", "tags allow");
  refuses("mov ecx, [r15 + TAG0 + 2]\nret", "tags allow");
  refuses("mov ecx, [r15 + TAG1 + 4]\nret", "access to the context outside");
}

}  // namespace
}  // namespace nebulet::wasm::verify
