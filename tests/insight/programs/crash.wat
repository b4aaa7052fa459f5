;; SPDX-License-Identifier: MIT
;; Traps with known globals and memory: few pages of a large one.
(module
  (memory (export "memory") 4096)
  (global $number (mut i32) (i32.const 7))
  (global $wide (mut i64) (i64.const -5))
  (global $half f64 (f64.const 0.5))
  (data (i32.const 1024) "a text in the image")
  (func $inner (param $address i32) (result i32) (local i64 f32)
    (global.set $number (i32.const 1234))
    (i32.store (i32.const 0x7000000) (i32.const 0x11223344))
    (i32.load (local.get $address)))
  (func $outer (result i32) (i32.add (call $inner (i32.const -8)) (i32.const 1)))
  (func (export "_start") (drop (call $outer))))
