;; SPDX-License-Identifier: MIT
;; Loops of calls: each export makes as many as its argument says. `empty` is the loop alone; `chain` is as many
;; dependent multiplications, three cycles each on the processors of the last ten years.
(module
  (import "wasi_snapshot_preview1" "fd_tell" (func $library (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 4 4 funcref)
  (elem (i32.const 0) $next $other $next $other)
  (global $sum (mut i32) (i32.const 0))

  ;; Reads and writes a global, so that a call does something.
  (func $next (param i32) (result i32)
    (global.set $sum (i32.add (global.get $sum) (local.get 0)))
    (i32.sub (local.get 0) (i32.const 1)))
  (func $other (param i32) (result i32)
    (global.set $sum (i32.xor (global.get $sum) (local.get 0)))
    (i32.sub (local.get 0) (i32.const 1)))

  (func (export "empty") (param $n i32)
    (loop $again
      (global.set $sum (i32.add (global.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "chain") (param $n i32) (local $x i64)
    (local.set $x (i64.const 3))
    (loop $again
      (local.set $x (i64.mul (local.get $x) (local.get $x)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.store (i32.const 0) (local.get $x)))
  (func (export "direct") (param $n i32)
    (loop $again (br_if $again (local.tee $n (call $next (local.get $n))))))
  (func (export "indirect") (param $n i32)
    (loop $again
      (br_if $again (local.tee $n (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0))))))
  (func (export "alternating") (param $n i32)
    (loop $again
      (br_if $again (local.tee $n
        (call_indirect (param i32) (result i32) (local.get $n) (i32.and (local.get $n) (i32.const 1)))))))
  ;; A function of the WASI library, another instance: it refuses the descriptor and does nothing else.
  (func (export "instance") (param $n i32)
    (loop $again
      (drop (call $library (i32.const -1) (i32.const 64)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
