// SPDX-License-Identifier: MIT
// Switching between kernel threads, and the way back from preemption.
.intel_syntax noprefix
.text

// void nb_hosted_switch(void** from_sp, void* to_sp): callee-saved registers, GS base and the control words go to the stack.
.globl nb_hosted_switch
.type nb_hosted_switch, @function
.p2align 4
nb_hosted_switch:
  push rbp
  push rbx
  push r12
  push r13
  push r14
  push r15
  rdgsbase rax
  push rax
  sub rsp, 8
  stmxcsr [rsp]
  fnstcw [rsp + 4]
  mov [rdi], rsp
  mov rsp, rsi
  ldmxcsr [rsp]
  fldcw [rsp + 4]
  add rsp, 8
  pop rax
  wrgsbase rax
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbx
  pop rbp
  ret
.size nb_hosted_switch, . - nb_hosted_switch

// Where a new context starts: rbx = the argument of nb_hosted_start, rsp is aligned.
.globl nb_hosted_entry
.type nb_hosted_entry, @function
.p2align 4
nb_hosted_entry:
  mov rdi, rbx
  xor ebp, ebp
  push rbp
  push rbp
  call nb_hosted_start
  ud2
.size nb_hosted_entry, . - nb_hosted_entry

// Where a signal handler returns to when it preempts wasm code: rbx = rsp = the saved state, whose first member is the ucontext.
// rt_sigreturn takes it from rsp and restores every register but GS base.
.globl nb_hosted_preempt
.type nb_hosted_preempt, @function
.p2align 4
nb_hosted_preempt:
  cld
  mov rdi, rbx
  call nb_hosted_run_preempt
  wrgsbase rax
  mov rsp, rbx
  mov eax, 15
  syscall
  ud2
.size nb_hosted_preempt, . - nb_hosted_preempt

// Where the host's signal frame returns to if the handler was not installed by the C library.
.globl nb_hosted_restorer
.type nb_hosted_restorer, @function
.p2align 4
nb_hosted_restorer:
  mov eax, 15
  syscall
  ud2
.size nb_hosted_restorer, . - nb_hosted_restorer

.section .note.GNU-stack, "", @progbits
