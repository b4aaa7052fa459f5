/* SPDX-License-Identifier: MIT
   The two entries of the image (PVH and multiboot2), both in 32-bit protected mode without paging, and the way from there
   to machine_start in the upper half. The first page tables map 4 GiB three times: at 0 (left once the real tables stand),
   at the direct map, and, the first GiB, at the image's address. */

#define KERNEL_BASE 0xffffffff80000000
#define PHYSICAL(symbol) (symbol - KERNEL_BASE)
#define COM1 0x3f8

    .section .multiboot2, "a", @progbits
    .balign 8
multiboot_header:
    .long 0xe85250d6                 /* magic */
    .long 0                          /* i386, protected mode */
    .long multiboot_header_end - multiboot_header
    .long -(0xe85250d6 + (multiboot_header_end - multiboot_header))
    .balign 8
    .short 3, 0                      /* entry address */
    .long 12
    .long PHYSICAL(multiboot_entry)
    .balign 8
    .short 6, 0                      /* modules aligned to pages */
    .long 8
    .balign 8
    .short 0, 0                      /* end */
    .long 8
multiboot_header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18                   /* name size, value size, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long PHYSICAL(pvh_entry)

    .section .boot.text, "ax", @progbits
    .code32
    .globl pvh_entry, multiboot_entry
pvh_entry:
    movl $0x336ec578, %eax           /* what the start info begins with */
multiboot_entry:
    cli
    cld
    movl %eax, %edi
    movl %ebx, %esi
    movl $PHYSICAL(boot_stack_top), %esp

    movl $PHYSICAL(missing_cpuid), %ebp
    pushfl                           /* CPUID exists if the ID flag can be changed */
    popl %eax
    movl %eax, %ecx
    xorl $0x200000, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %eax, %ecx
    je refuse

    movl $PHYSICAL(missing_long_mode), %ebp
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb refuse
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc refuse
    movl $PHYSICAL(missing_nx), %ebp
    btl $20, %edx
    jnc refuse

    /* Four page directories of 2 MiB pages, physical = virtual. */
    movl $PHYSICAL(boot_directories), %ebx
    movl $0x83, %eax                 /* present, writable, large */
    xorl %edx, %edx
    xorl %ecx, %ecx
1:  movl %eax, (%ebx,%ecx,8)
    movl %edx, 4(%ebx,%ecx,8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $2048, %ecx
    jne 1b

    leal 0x3(%ebx), %eax
    movl $PHYSICAL(boot_pdpt), %ebx
    xorl %ecx, %ecx
1:  movl %eax, (%ebx,%ecx,8)
    addl $0x1000, %eax
    incl %ecx
    cmpl $4, %ecx
    jne 1b

    movl $PHYSICAL(boot_directories) + 3, PHYSICAL(boot_pdpt_image) + 510 * 8
    movl $PHYSICAL(boot_pdpt) + 3, PHYSICAL(boot_pml4)
    movl $PHYSICAL(boot_pdpt) + 3, PHYSICAL(boot_pml4) + 256 * 8
    movl $PHYSICAL(boot_pdpt_image) + 3, PHYSICAL(boot_pml4) + 511 * 8

    movl $PHYSICAL(boot_pml4), %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x620, %eax                 /* PAE; SSE, which every 64-bit processor has and C++ uses */
    movl %eax, %cr4
    movl $0xc0000080, %ecx           /* EFER: LME, NXE */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl $0x80010033, %eax           /* PG, WP, NE, ET, MP, PE */
    movl %eax, %cr0

    lgdtl PHYSICAL(boot_gdt_pointer)
    ljmpl $8, $PHYSICAL(long_mode)

/* Sends the text at ebp to COM1 and resets the machine by a triple fault. */
refuse:
    movl %ebp, %esi
1:  movb (%esi), %bl
    testb %bl, %bl
    jz 3f
    movw $COM1 + 5, %dx
    movl $0x10000, %ecx              /* give up on a port that is never ready */
2:  inb %dx, %al
    testb $0x20, %al
    loopz 2b
    movb %bl, %al
    movw $COM1, %dx
    outb %al, %dx
    incl %esi
    jmp 1b
3:  lidtl PHYSICAL(boot_no_idt)
    int3

    .code64
long_mode:
    movabsq $1f, %rax
    jmpq *%rax
1:  xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movabsq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %edi, %edi                  /* the upper halves are undefined after the switch to 64 bits */
    movl %esi, %esi
    call machine_start
    ud2

    .section .rodata, "a", @progbits
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9a000000ffff         /* 64-bit code */
    .quad 0x00cf92000000ffff         /* data */
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .long PHYSICAL(boot_gdt)
boot_no_idt:
    .short 0
    .long 0
missing_cpuid:
    .asciz "nebulet: this processor has no CPUID instruction; x86-64 is needed\r\n"
missing_long_mode:
    .asciz "nebulet: this processor has no 64-bit mode\r\n"
missing_nx:
    .asciz "nebulet: this processor has no execute-disable (NX); turn it on in the firmware\r\n"

    .bss
    .balign 4096
    .globl boot_pml4
boot_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
boot_pdpt_image:
    .skip 4096
boot_directories:
    .skip 4 * 4096
boot_stack:
    .skip 32768
    .globl boot_stack_top
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
