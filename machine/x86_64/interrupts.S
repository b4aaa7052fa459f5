/* SPDX-License-Identifier: MIT
   Every vector enters here, on an interrupt stack. The frame (InterruptFrame) and the whole extended state lie on that stack
   while C++ runs. For preemption, C++ has copied both to the thread's kernel stack, and this code goes on there. */

    .text
    .macro STUB vector
    .balign 16
    /* Vectors for which the processor pushes an error code. */
    .if \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp interrupt_common
    .endm

    .balign 16
    .globl interrupt_stubs
interrupt_stubs:
    .altmacro
    .set vector, 0
    .rept 256
    STUB %vector
    .set vector, vector + 1
    .endr
    .noaltmacro

    .balign 16
interrupt_common:
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rdi
    pushq %rsi
    pushq %rbp
    pushq 16*8(%rsp)                 /* rsp of the interrupted code: above 11 registers, vector, error, rip, cs, flags */
    pushq %rbx
    pushq %rdx
    pushq %rcx
    pushq %rax
    cld
    movq %rsp, %rbx
    subq g_xsave_size(%rip), %rsp
    andq $-64, %rsp
    xorl %eax, %eax                  /* XRSTOR wants the header's other words to be 0 */
    movq %rax, 512(%rsp)
    movq %rax, 520(%rsp)
    movq %rax, 528(%rsp)
    movl $7, %eax
    xorl %edx, %edx
    xsave64 (%rsp)
    vzeroupper
    movq %rbx, %rdi
    movq %rsp, %rsi
    xorl %ebp, %ebp
    call dispatch_interrupt
    testq %rax, %rax
    jz 1f
    movq %rax, %rbx                  /* the copies */
    movq %rax, %rsp
    subq g_xsave_size(%rip), %rsp
    andq $-64, %rsp
    sti
    call preempt_interrupted
    cli
1:  movl $7, %eax
    xorl %edx, %edx
    xrstor64 (%rsp)
    movq %rbx, %rsp
    popq %rax
    popq %rcx
    popq %rdx
    popq %rbx
    addq $8, %rsp
    popq %rbp
    popq %rsi
    popq %rdi
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
