;; A sum over integer, floating-point and memory operations and calls, which shows whether preemption changes anything.
(module
  (memory 2)
  (func $step (param $a i64) (param $b i64) (result i64)
    (i64.xor (i64.mul (i64.rotl (local.get $a) (i64.const 7)) (i64.const 0x9e3779b97f4a7c15)) (local.get $b)))
  (func (export "run") (result i64)
    (local $i i32) (local $a i64) (local $b i64) (local $x f64) (local $y f64) (local $at i32)
    (local.set $x (f64.const 1.5)) (local.set $y (f64.const 0.75))
    (loop $next
      (local.set $a (call $step (local.get $a) (i64.extend_i32_u (local.get $i))))
      (local.set $b (i64.add (i64.rotr (local.get $b) (i64.const 11)) (local.get $a)))
      (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.99999)) (f64.convert_i32_u (i32.and (local.get $i) (i32.const 1023)))))
      (local.set $y (f64.sqrt (f64.abs (f64.sub (local.get $x) (local.get $y)))))
      (local.set $at (i32.and (i32.wrap_i64 (local.get $a)) (i32.const 0x1fff8)))
      (i64.store (local.get $at) (i64.add (i64.load (local.get $at)) (i64.reinterpret_f64 (local.get $y))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000000))))
    (local.set $at (i32.const 0x20000))
    (loop $sum
      (local.set $at (i32.sub (local.get $at) (i32.const 8)))
      (local.set $b (call $step (local.get $b) (i64.load (local.get $at))))
      (br_if $sum (local.get $at)))
    (i64.xor (local.get $b) (i64.reinterpret_f64 (local.get $x)))))
