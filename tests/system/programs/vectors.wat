;; Four generators of random numbers as vectors and as scalars, with a sum in doubles; long enough to be interrupted by the
;; timer. Prints whether they agree.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "vectors agree\n")
  (data (i32.const 96) "vectors differ\n")
  (func $say (param $text i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $bytes))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $scalar (param $seed i32) (param $n i32) (result i32)
    (loop $next
      (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $seed))
  (func (export "_start") (local $x v128) (local $sums v128) (local $n i32) (local $y v128)
    (local.set $x (v128.const i32x4 1 2 3 4))
    (local.set $y (v128.const i32x4 0 0 0 0))
    (local.set $n (i32.const 4000000))
    (loop $next
      (local.set $x (i32x4.add (i32x4.mul (local.get $x) (v128.const i32x4 1664525 1664525 1664525 1664525))
                               (i32x4.splat (i32.const 1013904223))))
      (local.set $y (v128.xor (local.get $y) (i8x16.shuffle 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12 (local.get $x) (local.get $x))))
      (local.set $sums (f64x2.add (local.get $sums) (v128.const f64x2 0.5 2)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (if (i32.and
          (i32.and (i32.eq (i32x4.extract_lane 0 (local.get $x)) (call $scalar (i32.const 1) (i32.const 4000000)))
                   (i32.eq (i32x4.extract_lane 3 (local.get $x)) (call $scalar (i32.const 4) (i32.const 4000000))))
          (i32.and (i64x2.all_true (f64x2.eq (local.get $sums) (v128.const f64x2 2e6 8e6)))
                   (v128.any_true (local.get $y))))
      (then (call $say (i32.const 64) (i32.const 14)))
      (else (call $say (i32.const 96) (i32.const 15))))))
