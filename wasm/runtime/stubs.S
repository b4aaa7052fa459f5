// SPDX-License-Identifier: MIT
// Between C++ (SysV) and generated code: entering, leaving, host calls, calls to other instances, guest copies. The same
// text runs in ring 0 and in a Linux process; position-independent, nothing is generated at run time.
// In generated code: no register but rsp and r15 survives a call; r15 is the instance context; the callee pops stack arguments.
#include "wasm/runtime/stub_offsets.h"

.intel_syntax noprefix
.text

.macro FUNCTION name
  .globl \name
  .hidden \name
  .type \name, @function
  .p2align 4
\name:
.endm
.macro LABEL name
  .globl \name
  .hidden \name
\name:
.endm

// The StackControl of the stack that rsp lies in.
.macro STACK_CONTROL register
  mov \register, rsp
  or \register, NB_STACK_SLOT_MASK
  sub \register, NB_CONTROL_SIZE - 1
.endm

// From C++ to the wasm stack of the Activation in rdi; r10 is the slot of the function to call.
.macro ENTER
  push rbx
  push rbp
  push r12
  push r13
  push r14
  push r15
  push rdi
  rdgsbase rax
  mov [rdi + NB_ACTIVATION_SAVED_GS], rax
  mov [rdi + NB_ACTIVATION_ENTRY_SP], rsp
  mov rax, [rdi + NB_ACTIVATION_CONTROL]
  mov [rax + NB_CONTROL_KERNEL_SP], rsp
  mov rax, [rdi + NB_ACTIVATION_MEMORY_BASE]
  wrgsbase rax
  mov r15, [rdi + NB_ACTIVATION_CONTEXT]
  mov rsp, [rdi + NB_ACTIVATION_START_SP]
  lea r10, [rdi + NB_ACTIVATION_SLOT]
.endm

// void nb_enter_wasm(Activation* rdi)
FUNCTION nb_enter_wasm
  ENTER
  movups xmm0, [rdi + NB_ACTIVATION_XMM]
  movups xmm1, [rdi + NB_ACTIVATION_XMM + 16]
  movups xmm2, [rdi + NB_ACTIVATION_XMM + 32]
  movups xmm3, [rdi + NB_ACTIVATION_XMM + 48]
  movups xmm4, [rdi + NB_ACTIVATION_XMM + 64]
  movups xmm5, [rdi + NB_ACTIVATION_XMM + 80]
  movups xmm6, [rdi + NB_ACTIVATION_XMM + 96]
  movups xmm7, [rdi + NB_ACTIVATION_XMM + 112]
  mov rax, [rdi + NB_ACTIVATION_GPR]
  mov rcx, [rdi + NB_ACTIVATION_GPR + 8]
  mov rdx, [rdi + NB_ACTIVATION_GPR + 16]
  mov rbx, [rdi + NB_ACTIVATION_GPR + 24]
  mov rsi, [rdi + NB_ACTIVATION_GPR + 32]
  mov r8, [rdi + NB_ACTIVATION_GPR + 48]
  mov r9, [rdi + NB_ACTIVATION_GPR + 56]
  mov rdi, [rdi + NB_ACTIVATION_GPR + 40]
  call [r10]
LABEL nb_enter_wasm_return
  STACK_CONTROL r11
  mov r11, [r11 + NB_CONTROL_ACTIVATION]
  mov [r11 + NB_ACTIVATION_GPR], rax
  mov [r11 + NB_ACTIVATION_GPR + 8], rcx
  mov [r11 + NB_ACTIVATION_GPR + 16], rdx
  mov [r11 + NB_ACTIVATION_GPR + 24], rbx
  mov [r11 + NB_ACTIVATION_GPR + 32], rsi
  mov [r11 + NB_ACTIVATION_GPR + 40], rdi
  mov [r11 + NB_ACTIVATION_GPR + 48], r8
  mov [r11 + NB_ACTIVATION_GPR + 56], r9
  movups [r11 + NB_ACTIVATION_XMM], xmm0
  movups [r11 + NB_ACTIVATION_XMM + 16], xmm1
  movups [r11 + NB_ACTIVATION_XMM + 32], xmm2
  movups [r11 + NB_ACTIVATION_XMM + 48], xmm3
  movups [r11 + NB_ACTIVATION_XMM + 64], xmm4
  movups [r11 + NB_ACTIVATION_XMM + 80], xmm5
  movups [r11 + NB_ACTIVATION_XMM + 96], xmm6
  movups [r11 + NB_ACTIVATION_XMM + 112], xmm7
  mov rdi, r11
// void nb_unwind(Activation* rdi)
LABEL nb_unwind
  mov rsp, [rdi + NB_ACTIVATION_ENTRY_SP]
  mov rax, [rdi + NB_ACTIVATION_SAVED_GS]
  wrgsbase rax
  cld
  vzeroupper
  pop rdi
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbp
  pop rbx
  ret
.size nb_enter_wasm, . - nb_enter_wasm

// void nb_enter_words(Activation* rdi): the same for a function of up to five integers with one integer as its result.
FUNCTION nb_enter_words
  ENTER
  mov rax, [rdi + NB_ACTIVATION_GPR]
  mov rcx, [rdi + NB_ACTIVATION_GPR + 8]
  mov rdx, [rdi + NB_ACTIVATION_GPR + 16]
  mov rbx, [rdi + NB_ACTIVATION_GPR + 24]
  mov rsi, [rdi + NB_ACTIVATION_GPR + 32]
  call [r10]
  STACK_CONTROL r11
  mov rdi, [r11 + NB_CONTROL_ACTIVATION]
  mov [rdi + NB_ACTIVATION_GPR], rax
  jmp nb_unwind
.size nb_enter_words, . - nb_enter_words

// FuncSlot::code of a host function: r10 = slot. Calls code(owner, caller's context, a0 …) on the kernel stack. All of SysV's
// callee-saved registers may be used: the calling wasm code expects none to survive but r15.
FUNCTION nb_call_host
  mov r11, [r10 + NB_SLOT_TARGET]
  STACK_CONTROL r12
  mov r14, rsp
  mov [r12 + NB_CONTROL_WASM_SP], rsp
  mov rsp, [r12 + NB_CONTROL_KERNEL_SP]
  mov r13d, [r11 + NB_TARGET_STACK_ARGS]
  mov [r12 + NB_CONTROL_STACK_ARGS], r13
  test r13d, r13d
  jnz 2f
1:
  push r9
  push r8
  push rdi
  push rsi
  mov r8, rdx
  mov r9, rbx
  mov rdx, rax
  mov rbp, r11
  mov rdi, [r11 + NB_TARGET_OWNER]
  mov rsi, r15
  call [r11 + NB_TARGET_CODE]
  and rax, [rbp + NB_TARGET_RESULT_MASK]
  mov rsp, r14
  test r13d, r13d
  jnz 4f
  ret
2:                      // what did not fit in registers follows a4 … a7, as SysV has it
  mov ebp, r13d
  and ebp, 8
  sub rsp, rbp
  mov ebp, r13d
3:
  push qword ptr [r14 + rbp]
  sub ebp, 8
  jnz 3b
  jmp 1b
4:                      // pop them
  pop rcx
  add rsp, r13
  jmp rcx
.size nb_call_host, . - nb_call_host

// FuncSlot::code of a function of another instance (or of any, in a shared table): r10 = slot. Until the call r12 is rsp at
// entry, by which a stack overflow in here is traced, and r11 the target. If the return address lies in here, this is a tail
// call of a function that was called from here: the frame below it serves the new callee as well, so that tail calls back and
// forth between instances need no stack.
FUNCTION nb_call_foreign
  mov r12, rsp
  mov r11, [r10 + NB_SLOT_TARGET]
  cmp r15, [r11 + NB_TARGET_CONTEXT]
  je 13f
  mov rbp, [rsp]
  lea r13, [rip + nb_call_foreign]
  cmp rbp, r13
  jb 1f
  lea r13, [rip + nb_call_foreign_end]
  cmp rbp, r13
  jb 11f
1:
  push r15
  mov rbp, [r11 + NB_TARGET_CONTEXT]
  mov r10, [rbp + NB_CONTEXT_MEMORY_BASE]
  cmp r10, [r15 + NB_CONTEXT_MEMORY_BASE]
  je 2f
  wrgsbase r10
2:
  mov r15, rbp
  mov r13d, [r11 + NB_TARGET_STACK_ARGS]
  mov r14d, [r11 + NB_TARGET_STACK_RESULTS]
  mov ebp, r13d
  or ebp, r14d
  jnz 3f
  call [r11 + NB_TARGET_CODE]
LABEL nb_foreign_return
  mov r10, [r15 + NB_CONTEXT_MEMORY_BASE]
  pop r15
  mov r11, [r15 + NB_CONTEXT_MEMORY_BASE]
  cmp r10, r11
  je 2f
  wrgsbase r11
2:
  ret

.macro FOREIGN_SLOW room, return
  sub rsp, \room
  mov ebp, r13d
4:
  test ebp, ebp
  jz 5f
  push qword ptr [r12 + rbp]
  sub ebp, 8
  jmp 4b
5:
  call [r11 + NB_TARGET_CODE]
LABEL \return
  mov r11, [rsp + \room]
  mov r13d, [r11 + NB_TARGET_STACK_ARGS]
  mov r14d, [r11 + NB_TARGET_STACK_RESULTS]
  lea r12, [rsp + r13 + \room + 24]
6:
  test r14d, r14d
  jz 7f
  sub r14d, 8
  mov r10, [rsp + r14]
  mov [r12 + r14], r10
  jmp 6b
7:
  add rsp, \room + 8
  jmp 9f
.endm

3:
  push r11
  cmp r14d, NB_FOREIGN_SMALL
  ja 8f
  FOREIGN_SLOW NB_FOREIGN_SMALL, nb_foreign_small_return
8:
  FOREIGN_SLOW NB_FOREIGN_LARGE, nb_foreign_large_return
9:
  mov r10, [r15 + NB_CONTEXT_MEMORY_BASE]
  pop r15
  mov r11, [r15 + NB_CONTEXT_MEMORY_BASE]
  cmp r10, r11
  je 10f
  wrgsbase r11
10:
  pop r12
  add rsp, r13
  jmp r12

11:
  mov rbp, [r11 + NB_TARGET_CONTEXT]
  mov r10, [rbp + NB_CONTEXT_MEMORY_BASE]
  cmp r10, [r15 + NB_CONTEXT_MEMORY_BASE]
  je 12f
  wrgsbase r10
12:
  mov r15, rbp
13:                     // of the calling instance itself, without any of this
  jmp [r11 + NB_TARGET_CODE]
LABEL nb_call_foreign_end
.size nb_call_foreign, . - nb_call_foreign

// Runtime services: rax = immediate, rcx, rdx, rbx = operands; result in rax. C++: f(context, imm, a, b, c, control).
#define NB_VALUES_BUILTIN(name)
#define NB_BUILTIN(name)            \
  FUNCTION nb_builtin_##name;       \
  lea r11, [rip + nb_do_##name];    \
  jmp .Lbuiltin;
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN
.Lbuiltin:
  STACK_CONTROL r12
  mov r14, rsp
  mov [r12 + NB_CONTROL_WASM_SP], rsp
  mov qword ptr [r12 + NB_CONTROL_STACK_ARGS], 0
  mov rsp, [r12 + NB_CONTROL_KERNEL_SP]
  mov rdi, r15
  mov rsi, rax
  mov r8, rbx
  mov r9, r12
  xchg rcx, rdx
  call r11
  mov rsp, r14
  ret

// Service gc_new: a zeroed cell from the runs of the type's class. Everything it reads is out of reach of generated code.
FUNCTION nb_gc_new
  mov eax, eax
  cmp rax, [r15 + NB_CONTEXT_GC_TYPES]
  jae 1f
  mov ecx, eax
  shl rcx, 4
  add rcx, [r15 + NB_CONTEXT_GC_ALLOCATIONS]
  mov r10d, [rcx + 4]
  mov r11, [r15 + NB_CONTEXT_GC_RUNS]
  lea r11, [r11 + r10*8]
  mov edx, [r11]
  cmp edx, [r11 + 4]
  je 1f
  mov ebx, [rcx + 8]
  add ebx, edx
  mov [r11], ebx
  mov r10, [r15 + NB_CONTEXT_GC_BASE]
  mov ecx, [rcx]
  mov [r10 + rdx], rcx
  mov eax, edx
  ret
1:
  jmp nb_builtin_gc_new
.size nb_gc_new, . - nb_gc_new

// Services memory_copy and memory_fill for what is short and lies in the first memory: rcx = to, rdx = from or value, rbx = count.
// Everything is read and compared in 64 bits, and what is unusual is left to the service. All that a copy of up to 64 bytes reads is
// read before it writes. A fault brings a page or, when there is no memory, ends the activation: nothing is pushed.
.macro SHORT slow
  cmp rbx, NB_COPY_LIMIT
  ja \slow
  test rax, rax
  jne \slow
  cmp rax, [r15 + NB_CONTEXT_MEMORY_BASE]
  je \slow
  mov r11, [r15 + NB_CONTEXT_MEMORY_PAGES]
  cmp rax, [r11 + NB_MEMORY_IS_PLAIN]
  je \slow
  mov r11, [r11]
  shl r11, NB_WASM_PAGE_LOG2
  sub r11, rbx
  jb \slow
  cmp rcx, r11
  ja \slow
.endm

FUNCTION nb_memory_copy
  SHORT 9f
  cmp rdx, r11
  ja 9f
  cmp ebx, 16
  jb 4f
  vmovdqu xmm0, gs:[rdx]
  vmovdqu xmm1, gs:[rdx + rbx - 16]
  cmp ebx, 32
  ja 1f
  vmovdqu gs:[rcx], xmm0
  vmovdqu gs:[rcx + rbx - 16], xmm1
  ret
1:
  vmovdqu xmm2, gs:[rdx + 16]
  vmovdqu xmm3, gs:[rdx + rbx - 32]
  cmp ebx, 64
  ja 2f
  vmovdqu gs:[rcx], xmm0
  vmovdqu gs:[rcx + 16], xmm2
  vmovdqu gs:[rcx + rbx - 32], xmm3
  vmovdqu gs:[rcx + rbx - 16], xmm1
  ret
2:                      // one end is in registers, the rest goes towards it in steps of 64 bytes
  mov r10, rcx
  sub r10, rdx
  cmp r10, rbx
  jb 6f
  vmovdqu xmm8, gs:[rdx + rbx - 64]
  vmovdqu xmm9, gs:[rdx + rbx - 48]
  lea r10, [rcx + rbx - 64]
3:
  vmovdqu xmm4, gs:[rdx]
  vmovdqu xmm5, gs:[rdx + 16]
  vmovdqu xmm6, gs:[rdx + 32]
  vmovdqu xmm7, gs:[rdx + 48]
  vmovdqu gs:[rcx], xmm4
  vmovdqu gs:[rcx + 16], xmm5
  vmovdqu gs:[rcx + 32], xmm6
  vmovdqu gs:[rcx + 48], xmm7
  add rdx, 64
  add rcx, 64
  cmp rcx, r10
  jb 3b
  vmovdqu gs:[r10], xmm8
  vmovdqu gs:[r10 + 16], xmm9
  vmovdqu gs:[r10 + 32], xmm3
  vmovdqu gs:[r10 + 48], xmm1
  ret
4:
  cmp ebx, 8
  jb 5f
  mov rax, gs:[rdx]
  mov r10, gs:[rdx + rbx - 8]
  mov gs:[rcx], rax
  mov gs:[rcx + rbx - 8], r10
  ret
5:
  cmp ebx, 4
  jb 8f
  mov eax, gs:[rdx]
  mov r10d, gs:[rdx + rbx - 4]
  mov gs:[rcx], eax
  mov gs:[rcx + rbx - 4], r10d
  ret
6:                      // from below: descending
  vmovdqu xmm8, gs:[rdx + 32]
  vmovdqu xmm9, gs:[rdx + 48]
7:
  vmovdqu xmm4, gs:[rdx + rbx - 16]
  vmovdqu xmm5, gs:[rdx + rbx - 32]
  vmovdqu xmm6, gs:[rdx + rbx - 48]
  vmovdqu xmm7, gs:[rdx + rbx - 64]
  vmovdqu gs:[rcx + rbx - 16], xmm4
  vmovdqu gs:[rcx + rbx - 32], xmm5
  vmovdqu gs:[rcx + rbx - 48], xmm6
  vmovdqu gs:[rcx + rbx - 64], xmm7
  sub rbx, 64
  cmp rbx, 64
  ja 7b
  vmovdqu gs:[rcx], xmm0
  vmovdqu gs:[rcx + 16], xmm2
  vmovdqu gs:[rcx + 32], xmm8
  vmovdqu gs:[rcx + 48], xmm9
  ret
8:                      // up to 3 bytes: the first, the last and the middle one
  test ebx, ebx
  je 10f
  mov esi, ebx
  shr esi
  mov al, gs:[rdx]
  mov r10b, gs:[rdx + rsi]
  mov r11b, gs:[rdx + rbx - 1]
  mov gs:[rcx], al
  mov gs:[rcx + rsi], r10b
  mov gs:[rcx + rbx - 1], r11b
10:
  ret
9:
  jmp nb_builtin_memory_copy
.size nb_memory_copy, . - nb_memory_copy

FUNCTION nb_memory_fill
  SHORT 9f
  vmovd xmm0, edx
  vpbroadcastb xmm0, xmm0
  cmp ebx, 16
  jb 3f
  lea r10, [rcx + rbx - 16]
1:
  vmovdqu gs:[rcx], xmm0
  add rcx, 16
  cmp rcx, r10
  jb 1b
  vmovdqu gs:[r10], xmm0
  ret
3:
  vmovq rax, xmm0
  cmp ebx, 8
  jb 4f
  mov gs:[rcx], rax
  mov gs:[rcx + rbx - 8], rax
  ret
4:
  cmp ebx, 4
  jb 5f
  mov gs:[rcx], eax
  mov gs:[rcx + rbx - 4], eax
  ret
5:
  test ebx, ebx
  je 6f
  mov gs:[rcx + rbx - 1], al
  mov gs:[rcx], al
  shr ebx
  mov gs:[rcx + rbx], al
6:
  ret
9:
  jmp nb_builtin_memory_fill
LABEL nb_memory_stubs_end
.size nb_memory_fill, . - nb_memory_fill

// Services with values: r11d = tag, rax = reference. The registers of arguments and results lie on the kernel stack meanwhile.
.macro ENTER_VALUES
  STACK_CONTROL r12
  mov r14, rsp
  mov [r12 + NB_CONTROL_WASM_SP], rsp
  mov qword ptr [r12 + NB_CONTROL_STACK_ARGS], 0
  mov rsp, [r12 + NB_CONTROL_KERNEL_SP]
  sub rsp, NB_VALUES_SIZE
.endm

// C++: nb_do_throw_(context, tag, registers, control), which does not return.
FUNCTION nb_builtin_throw_
  ENTER_VALUES
  mov [rsp], rax
  mov [rsp + 8], rcx
  mov [rsp + 16], rdx
  mov [rsp + 24], rbx
  mov [rsp + 32], rsi
  mov [rsp + 40], rdi
  mov [rsp + 48], r8
  mov [rsp + 56], r9
  movups [rsp + NB_VALUES_XMM], xmm0
  movups [rsp + NB_VALUES_XMM + 16], xmm1
  movups [rsp + NB_VALUES_XMM + 32], xmm2
  movups [rsp + NB_VALUES_XMM + 48], xmm3
  movups [rsp + NB_VALUES_XMM + 64], xmm4
  movups [rsp + NB_VALUES_XMM + 80], xmm5
  movups [rsp + NB_VALUES_XMM + 96], xmm6
  movups [rsp + NB_VALUES_XMM + 112], xmm7
  mov rdi, r15
  mov esi, r11d
  mov rdx, rsp
  mov rcx, r12
  call nb_do_throw_

// C++: nb_do_catch_(context, tag, reference, registers, control)
FUNCTION nb_builtin_catch_
  ENTER_VALUES
  mov rdi, r15
  mov esi, r11d
  mov rdx, rax
  mov rcx, rsp
  mov r8, r12
  call nb_do_catch_
  movups xmm0, [rsp + NB_VALUES_XMM]
  movups xmm1, [rsp + NB_VALUES_XMM + 16]
  movups xmm2, [rsp + NB_VALUES_XMM + 32]
  movups xmm3, [rsp + NB_VALUES_XMM + 48]
  movups xmm4, [rsp + NB_VALUES_XMM + 64]
  movups xmm5, [rsp + NB_VALUES_XMM + 80]
  movups xmm6, [rsp + NB_VALUES_XMM + 96]
  movups xmm7, [rsp + NB_VALUES_XMM + 112]
  mov rax, [rsp]
  mov rcx, [rsp + 8]
  mov rdx, [rsp + 16]
  mov rbx, [rsp + 24]
  mov rsi, [rsp + 32]
  mov rdi, [rsp + 40]
  mov r8, [rsp + 48]
  mov r9, [rsp + 56]
  mov rsp, r14
  ret

// void nb_resume(pc rdi, sp rsi, InstanceContext* rdx, exception ecx, tag r8d): into the handler of a wasm frame.
FUNCTION nb_resume
  mov r15, rdx
  mov r10, [r15 + NB_CONTEXT_MEMORY_BASE]
  rdgsbase r11
  cmp r10, r11
  je 1f
  wrgsbase r10
1:
  mov eax, ecx
  mov ecx, r8d
  mov rsp, rsi
  cld
  vzeroupper
  jmp rdi

// Guest copies. A fault in them for which there is no memory continues at nb_guest_failed, so they push nothing.
FUNCTION nb_guest_begin
FUNCTION nb_guest_copy
  cmp rdx, 32
  jb 3f
1:
  cmp rdx, 128
  jb 2f
  vmovdqu ymm0, [rsi]
  vmovdqu ymm1, [rsi + 32]
  vmovdqu ymm2, [rsi + 64]
  vmovdqu ymm3, [rsi + 96]
  vmovdqu [rdi], ymm0
  vmovdqu [rdi + 32], ymm1
  vmovdqu [rdi + 64], ymm2
  vmovdqu [rdi + 96], ymm3
  sub rsi, -128
  sub rdi, -128
  add rdx, -128
  jmp 1b
2:
  cmp rdx, 32
  jb 3f
  vmovdqu ymm0, [rsi]
  vmovdqu [rdi], ymm0
  add rsi, 32
  add rdi, 32
  sub rdx, 32
  jmp 2b
3:
  cmp rdx, 8
  jb 4f
  mov rax, [rsi]
  mov [rdi], rax
  add rsi, 8
  add rdi, 8
  sub rdx, 8
  jmp 3b
4:
  test rdx, rdx
  jz 5f
  mov al, [rsi]
  mov [rdi], al
  inc rsi
  inc rdi
  dec rdx
  jmp 4b
5:
  vzeroupper
  mov eax, 1
  ret

FUNCTION nb_guest_copy_backward
1:
  cmp rdx, 128
  jb 2f
  vmovdqu ymm0, [rsi + rdx - 32]
  vmovdqu ymm1, [rsi + rdx - 64]
  vmovdqu ymm2, [rsi + rdx - 96]
  vmovdqu ymm3, [rsi + rdx - 128]
  vmovdqu [rdi + rdx - 32], ymm0
  vmovdqu [rdi + rdx - 64], ymm1
  vmovdqu [rdi + rdx - 96], ymm2
  vmovdqu [rdi + rdx - 128], ymm3
  add rdx, -128
  jmp 1b
2:
  cmp rdx, 8
  jb 3f
  mov rax, [rsi + rdx - 8]
  mov [rdi + rdx - 8], rax
  sub rdx, 8
  jmp 2b
3:
  test rdx, rdx
  jz 4f
  mov al, [rsi + rdx - 1]
  mov [rdi + rdx - 1], al
  dec rdx
  jmp 3b
4:
  vzeroupper
  mov eax, 1
  ret

FUNCTION nb_guest_fill
  vmovd xmm0, esi
  vpbroadcastb ymm0, xmm0
1:
  cmp rdx, 32
  jb 2f
  vmovdqu [rdi], ymm0
  add rdi, 32
  sub rdx, 32
  jmp 1b
2:
  test rdx, rdx
  jz 3f
  mov [rdi], sil
  inc rdi
  dec rdx
  jmp 2b
3:
  vzeroupper
  mov eax, 1
  ret
FUNCTION nb_guest_claim
  lock or byte ptr [rdi], 0
  mov eax, 1
  ret
LABEL nb_guest_end
FUNCTION nb_guest_failed
  vzeroupper
  xor eax, eax
  ret

.section .note.GNU-stack, "", @progbits
