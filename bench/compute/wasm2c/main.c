// SPDX-License-Identifier: MIT
// Runs a program that wasm2c made, whose header is PROGRAM_HEADER.
#include <stdio.h>
#include <wasm-rt-impl.h>

#include PROGRAM_HEADER

struct Z_wasi_snapshot_preview1_instance_t* wasi_of(Z_program_instance_t* program, int argc, char** argv);

int main(int argc, char** argv) {
  static Z_program_instance_t program;
  wasm_rt_init();
  const wasm_rt_trap_t trap = wasm_rt_impl_try();
  if (trap != WASM_RT_TRAP_NONE) {
    fprintf(stderr, "trap: %s\n", wasm_rt_strerror(trap));
    return 134;
  }
  Z_program_init_module();
  Z_program_instantiate(&program, wasi_of(&program, argc, argv));
  Z_programZ__start(&program);
  return 0;
}
