// SPDX-License-Identifier: MIT
// Code that preemption_test.cpp runs as if it were compiled wasm: it fills every register that wasm code may use, spins, and
// compares. A block of memory (struct RegisterBlock there) holds what the registers are filled with and takes what they hold after.
.intel_syntax noprefix
.section .rodata

.set ACTUAL, 1024           // RegisterBlock::actual
.set AT_VECTORS, 128           // RegisterState::vectors
.set AT_FLAGS, 112             // RegisterState::flags
.set AT_CONTROL, 120             // RegisterState::mxcsr
.set AT_RCX, 8
.set AT_PLAIN_CONTROL, 2040      // RegisterBlock::plain_mxcsr
.set SPINS, 20000

.macro FOR_EACH_VECTOR operation:vararg
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \operation \n
  .endr
.endm
.macro LOAD_VECTOR n
  vmovdqu ymm\n, [rax + AT_VECTORS + 32 * \n]
.endm
.macro STORE_VECTOR n
  vmovdqu [rax + ACTUAL + AT_VECTORS + 32 * \n], ymm\n
.endm

// Every register from the block at [rsp], with rsp as it is; flags are loaded last.
.macro LOAD_STATE
  mov rax, [rsp]
  FOR_EACH_VECTOR LOAD_VECTOR
  ldmxcsr [rax + AT_CONTROL]
  push qword ptr [rax + AT_FLAGS]
  mov rcx, [rax + AT_RCX]
  mov rdx, [rax + 16]
  mov rbx, [rax + 24]
  mov rbp, [rax + 32]
  mov rsi, [rax + 40]
  mov rdi, [rax + 48]
  mov r8, [rax + 56]
  mov r9, [rax + 64]
  mov r10, [rax + 72]
  mov r11, [rax + 80]
  mov r12, [rax + 88]
  mov r13, [rax + 96]
  mov r14, [rax + 104]
  mov rax, [rax]
  popfq
.endm

// The way back; changes no flag before they are saved.
.macro STORE_STATE
  push rax
  mov rax, [rsp + 8]
  pushfq
  pop qword ptr [rax + ACTUAL + AT_FLAGS]
  pop qword ptr [rax + ACTUAL]
  mov [rax + ACTUAL + AT_RCX], rcx
  mov [rax + ACTUAL + 16], rdx
  mov [rax + ACTUAL + 24], rbx
  mov [rax + ACTUAL + 32], rbp
  mov [rax + ACTUAL + 40], rsi
  mov [rax + ACTUAL + 48], rdi
  mov [rax + ACTUAL + 56], r8
  mov [rax + ACTUAL + 64], r9
  mov [rax + ACTUAL + 72], r10
  mov [rax + ACTUAL + 80], r11
  mov [rax + ACTUAL + 88], r12
  mov [rax + ACTUAL + 96], r13
  mov [rax + ACTUAL + 104], r14
  FOR_EACH_VECTOR STORE_VECTOR
  stmxcsr [rax + ACTUAL + AT_CONTROL]
  ldmxcsr [rax + AT_PLAIN_CONTROL]
.endm

.globl code_preemption_begin
.globl code_registers
.p2align 4
code_preemption_begin:
// (i64 block) -> i32: 0, or 1 + the index of the first of 80 words that differ; frame 24
code_registers:
  sub rsp, 24
  mov [rsp], rax
  // First all but flags: the loop counts in memory.
  LOAD_STATE
  mov qword ptr [rsp + 8], SPINS
1:
  dec qword ptr [rsp + 8]
  jnz 1b
  STORE_STATE
  mov rcx, [rax + AT_FLAGS]
  mov [rax + ACTUAL + AT_FLAGS], rcx
  xor edx, edx
2:
  mov rcx, [rax + rdx * 8]
  cmp rcx, [rax + rdx * 8 + ACTUAL]
  jne 9f
  inc edx
  cmp edx, 80
  jb 2b
  // Then all but rcx: it counts, without changing flags.
  LOAD_STATE
  mov ecx, SPINS
3:
  lea rcx, [rcx - 1]
  jrcxz 4f
  jmp 3b
4:
  STORE_STATE
  mov rcx, [rax + AT_RCX]
  mov [rax + ACTUAL + AT_RCX], rcx
  xor edx, edx
5:
  mov rcx, [rax + rdx * 8]
  cmp rcx, [rax + rdx * 8 + ACTUAL]
  jne 9f
  inc edx
  cmp edx, 80
  jb 5b
  mov edx, -1
9:
  lea eax, [rdx + 1]
  add rsp, 24
  ret
.globl code_preemption_end
code_preemption_end:
.section .note.GNU-stack, "", @progbits
