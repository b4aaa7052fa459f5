// SPDX-License-Identifier: MIT
// Offsets that stubs.S uses; stubs.h asserts that they are those of the C++ structures.
#pragma once

#define NB_STACK_SLOT_MASK 0x7fffff
#define NB_CONTROL_SIZE 64
#define NB_CONTROL_KERNEL_SP 0
#define NB_CONTROL_WASM_SP 8
#define NB_CONTROL_ACTIVATION 16
#define NB_CONTROL_STACK_ARGS 32

#define NB_SLOT_TARGET 8
#define NB_TARGET_CODE 0
#define NB_TARGET_CONTEXT 8
#define NB_TARGET_STACK_ARGS 16
#define NB_TARGET_STACK_RESULTS 20
#define NB_TARGET_OWNER 24
#define NB_TARGET_RESULT_MASK 32

#define NB_CONTEXT_MEMORY_BASE 528
#define NB_CONTEXT_GC_BASE 544
#define NB_CONTEXT_GC_ALLOCATIONS 552
#define NB_CONTEXT_GC_RUNS 560
#define NB_CONTEXT_GC_TYPES 568
/* Of the first memory: MemoryRef::pages. */
#define NB_CONTEXT_MEMORY_PAGES 1032
#define NB_MEMORY_IS_PLAIN 8
#define NB_WASM_PAGE_LOG2 16
/* Longer copies and fills are services on the kernel stack. */
#define NB_COPY_LIMIT 4096

#define NB_ACTIVATION_ENTRY_SP 0
#define NB_ACTIVATION_SAVED_GS 8
#define NB_ACTIVATION_CONTROL 16
#define NB_ACTIVATION_CONTEXT 24
#define NB_ACTIVATION_MEMORY_BASE 32
#define NB_ACTIVATION_START_SP 40
#define NB_ACTIVATION_GPR 48
#define NB_ACTIVATION_XMM 112
#define NB_ACTIVATION_SLOT 240

/* ValueRegisters: 8 gprs, 8 vector registers. */
#define NB_VALUES_XMM 64
#define NB_VALUES_SIZE 192

/* Room that nb_call_foreign leaves for stack results: one of two sizes. */
#define NB_FOREIGN_SMALL 128
#define NB_FOREIGN_LARGE 16384
