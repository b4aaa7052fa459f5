;; Declares 512 MiB and touches them.
(module
  (memory 8192)
  (func $touch_all (export "touch")
    (local $at i32)
    (loop $next
      (i32.store (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 0x20000000)))))
  (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x1fffffff))))
