// SPDX-License-Identifier: MIT
// Generated code as a compiler would make it, by hand, for runtime_test.cpp: it copies what lies between the labels.
// The modules have one memory, so imports begin at 1056 in the context.
.intel_syntax noprefix
.section .rodata
.macro CODE name
  .globl code_\name
  .p2align 4, 0xcc
code_\name:
.endm
.set IMPORT0, 1056
.set MEMORY_GROW, 0
.set MEMORY_FILL, 8

.globl code_begin
.p2align 4
code_begin:
CODE add                     // (i32 i32) -> i32
  add eax, ecx
  ret
CODE unreachable             // () -> ()
  .globl trap_unreachable
trap_unreachable:
  ud2
CODE calls_unreachable       // () -> (), frame 24
  sub rsp, 24
  call code_unreachable
  .globl return_unreachable
return_unreachable:
  add rsp, 24
  ret
CODE load                    // (i32) -> i32
  .globl trap_load
trap_load:
  addr32 mov eax, gs:[eax]
  ret
CODE store                   // (i32 i32) -> ()
  .globl trap_store
trap_store:
  addr32 mov gs:[eax], ecx
  ret
CODE recurse                 // () -> (), frame 1000
  sub rsp, 1000
  mov [rsp], rax
  call code_recurse
  .globl return_recurse
return_recurse:
  add rsp, 1000
  ret
CODE import                  // calls import 0 with nothing on the stack, frame 8
  sub rsp, 8
  lea r10, [r15 + IMPORT0]
  call [r10]
  .globl return_import
return_import:
  add rsp, 8
  ret
CODE import_ten              // () -> i32: import 0 with the i32 arguments 1 … 10; frame 24
  sub rsp, 24
  mov eax, 1
  mov ecx, 2
  mov edx, 3
  mov ebx, 4
  mov esi, 5
  mov edi, 6
  mov r8d, 7
  mov r9d, 8
  mov qword ptr [rsp], 9
  mov qword ptr [rsp + 8], 10
  lea r10, [r15 + IMPORT0]
  call [r10]
  sub rsp, 16
  add rsp, 24
  ret
CODE weigh                   // (i32 × 10) -> i32: the last but one and the last argument; reads memory 0 at 0 too
  mov eax, [rsp + 8]
  imul eax, eax, 100
  add eax, [rsp + 16]
  .globl trap_weigh
trap_weigh:
  addr32 add eax, gs:[0]
  ret 16
CODE ten_results             // () -> i32 × 10: 11 … 20
  mov eax, 11
  mov ecx, 12
  mov edx, 13
  mov ebx, 14
  mov esi, 15
  mov edi, 16
  mov r8d, 17
  mov r9d, 18
  mov qword ptr [rsp + 8], 19
  mov qword ptr [rsp + 16], 20
  ret
CODE import_ten_results      // () -> i32 of import 0: the last two results; frame 24
  sub rsp, 24
  lea r10, [r15 + IMPORT0]
  call [r10]
  mov eax, [rsp]
  imul eax, eax, 100
  add eax, [rsp + 8]
  add rsp, 24
  ret
CODE grow                    // (i32) -> i32
  mov ecx, eax
  xor eax, eax
  call [r15 + MEMORY_GROW]
  ret
CODE fill                    // (i32 i32 i32) -> ()
  mov ebx, edx
  mov edx, ecx
  mov ecx, eax
  xor eax, eax
  call [r15 + MEMORY_FILL]
  .globl return_fill
return_fill:
  ret
CODE divide                  // (i32 i32) -> i32, signed
  mov r8d, ecx
  cdq
  .globl trap_divide
trap_divide:
  idiv r8d
  ret
CODE end
.globl code_end
.section .note.GNU-stack, "", @progbits
