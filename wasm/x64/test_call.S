# SPDX-License-Identifier: MIT
# void nb_test_call(void* code, void* registers, void* context, void* memory): calls generated code with rax, rcx and
# xmm0, xmm1 from `registers` and stores rax and xmm0 there. Generated code preserves nothing.
	.text
	.globl	nb_test_call
nb_test_call:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	rdgsbase %r8
	pushq	%r8
	pushq	%rsi
	wrgsbase %rcx
	movq	%rdx, %r15
	movq	%rdi, %r11
	movq	0(%rsi), %rax
	movq	8(%rsi), %rcx
	movq	32(%rsi), %rdx
	movsd	16(%rsi), %xmm0
	movsd	24(%rsi), %xmm1
	# What generated code may not rely on.
	movq	$-1, %rbx
	movq	$-1, %rbp
	movq	$-1, %r8
	movq	$-1, %r9
	movq	$-1, %r10
	movq	$-1, %r12
	movq	$-1, %r13
	movq	$-1, %r14
	movq	$-1, %rdi
	movq	$-1, %rsi
	call	*%r11
	popq	%rsi
	movq	%rax, 0(%rsi)
	movsd	%xmm0, 16(%rsi)
	popq	%r8
	wrgsbase %r8
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.section .note.GNU-stack,"",@progbits
