/* SPDX-License-Identifier: MIT
   Where every CPU but the first begins: real mode, at the start of a page below 1 MiB to which this code is copied. It goes to
   64-bit mode in one step, with the kernel's page tables, which show the page at its own address meanwhile. */

    .section .rodata, "a", @progbits
    .balign 16
    .globl start_cpu_code, start_cpu_data, start_cpu_code_end
    .code16
start_cpu_code:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movl root - start_cpu_code, %eax
    movl %eax, %cr3
    movl $0x620, %eax                /* PAE, SSE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx           /* EFER: LME, NXE */
    rdmsr
    orl $0x900, %eax
    wrmsr
    lgdtl gdt_pointer - start_cpu_code
    movl $0x80010033, %eax           /* PG, WP, NE, ET, MP, PE */
    movl %eax, %cr0
    ljmpl *(far_pointer - start_cpu_code)

    .code64
start_64:
    xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    xorl %ebp, %ebp
    movq stack(%rip), %rsp
    movq cpu(%rip), %rdi
    callq *entry(%rip)
    ud2

/* StartData of cpus.cpp, which fills in what is 0 here. */
    .balign 8
start_cpu_data:
root:
    .long 0
far_pointer:
    .long start_64 - start_cpu_code  /* the page's address is added */
    .short 8
gdt_pointer:
    .short 15
    .long gdt - start_cpu_code       /* the page's address is added */
gdt:
    .quad 0
    .quad 0x00af9a000000ffff         /* 64-bit code */
stack:
    .quad 0
cpu:
    .quad 0
entry:
    .quad 0
start_cpu_code_end:

    .section .note.GNU-stack, "", @progbits
