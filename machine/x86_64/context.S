/* SPDX-License-Identifier: MIT
   Switching between kernel threads. What is kept on the suspended stack: callee-saved registers, GS base, MXCSR and the x87
   control word. FS belongs to the CPU and stays. */

    .text
    .balign 16
    .globl switch_stacks             /* (void** save_sp, void* new_sp) */
switch_stacks:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    rdgsbaseq %rax
    pushq %rax
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %rax
    wrgsbaseq %rax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    retq

    .balign 16
    .globl start_context             /* r12 = entry, r13 = argument; rsp is 16-byte aligned */
start_context:
    movq %r13, %rdi
    xorl %ebp, %ebp
    callq *%r12
    ud2

    .section .note.GNU-stack, "", @progbits
