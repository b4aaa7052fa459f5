/* SPDX-License-Identifier: MIT
   Code that faults where the tests expect it. Each probe faults with rsp as at its entry, so that the fault handler can go on
   at probe_fault, which returns 1 in the probe's place. */

    .text
    .globl probe_read, probe_write, probe_execute, probe_divide, probe_ud2, probe_noncanonical, probe_fault, probe_end
probe_read:
    movb (%rdi), %al
    xorl %eax, %eax
    retq
probe_write:
    movb $0xc3, (%rdi)
    xorl %eax, %eax
    retq
probe_execute:
    jmpq *%rdi
probe_divide:
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $1, %eax
    divl %ecx
    xorl %eax, %eax
    retq
probe_ud2:
    ud2
    xorl %eax, %eax
    retq
probe_noncanonical:                 /* a non-canonical address */
    movabsq $0x8000000000000000, %rax
    movb (%rax), %al
    xorl %eax, %eax
    retq
probe_fault:
    movl $1, %eax
    retq
probe_end:

/* Pushes on the stack that ends at rdi until it faults; returns where. */
    .globl probe_overflow, probe_overflow_end, probe_overflow_fault
probe_overflow:
    pushq %rbx
    movq %rsp, %rbx
    movq %rdi, %rsp
1:  pushq %rbx
    jmp 1b
probe_overflow_end:
probe_overflow_fault:
    movq %rsp, %rax
    movq %rbx, %rsp
    popq %rbx
    retq

/* (patterns: 16 × 32 bytes, counter, target, out: 16 × 32 bytes + 8 words, stack) Holds known values in all registers until
   the counter reaches the target. */
    .globl probe_registers, probe_registers_begin, probe_registers_end
probe_registers:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rax
    movq %r8, %rsp
    pushq %rax
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu \n*32(%rdi), %ymm\n
    .endr
    movq $0x1111, %rbx
    movq $0x2222, %rbp
    movq $0x3333, %r8
    movq $0x4444, %r9
    movq $0x5555, %r10
    movq $0x6666, %r11
    movq $0x7777, %r12
    movq $0x8888, %r13
probe_registers_begin:
1:  cmpq %rdx, (%rsi)
    jb 1b
probe_registers_end:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu %ymm\n, \n*32(%rcx)
    .endr
    movq %rbx, 512(%rcx)
    movq %rbp, 520(%rcx)
    movq %r8, 528(%rcx)
    movq %r9, 536(%rcx)
    movq %r10, 544(%rcx)
    movq %r11, 552(%rcx)
    movq %r12, 560(%rcx)
    movq %r13, 568(%rcx)
    vzeroupper
    popq %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    retq

    .globl spoil_vectors
spoil_vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vpcmpeqd %ymm\n, %ymm\n, %ymm\n
    .endr
    retq

    .section .note.GNU-stack, "", @progbits
