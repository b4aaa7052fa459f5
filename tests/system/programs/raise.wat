;; Calls a WASI function that is there and unsupported three times; ends with 1 if the answer is not ENOSYS (52).
(module
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $check (if (i32.ne (call $raise (i32.const 1)) (i32.const 52)) (then (call $exit (i32.const 1)))))
  (func (export "_start") (call $check) (call $check) (call $check)))
