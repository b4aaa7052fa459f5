;; SPDX-License-Identifier: MIT
;; Kernel calls, as many as asked for, or one that waits for ever.
(module
  (import "nebulet" "process_info" (func $process_info (param i32) (result i64)))
  (import "nebulet" "thread_sleep_until" (func $thread_sleep_until (param i64) (result i32)))
  (func $run (export "run") (param $count i32)
    (loop $again
      (drop (call $process_info (i32.const 0)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func $sleep (export "sleep")
    (drop (call $thread_sleep_until (i64.const -1)))))
