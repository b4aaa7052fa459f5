;; 10 GB of objects through a heap of 64 MB: trees of some 24 MB that live for a while, one replaced at a time, and many
;; that are garbage at once; strings of bytes in between.
(module
  (type $tree (struct (field $left (mut (ref null $tree))) (field $right (mut (ref null $tree)))))
  (type $trees (array (mut (ref null $tree))))
  (type $bytes (array (mut i8)))
  (global $kept (mut (ref null $trees)) (ref.null $trees))
  (func $tree (param i32) (result (ref null $tree))
    (if (result (ref null $tree)) (i32.eqz (local.get 0))
      (then (struct.new_default $tree))
      (else (struct.new $tree (call $tree (i32.sub (local.get 0) (i32.const 1)))
                              (call $tree (i32.sub (local.get 0) (i32.const 1)))))))
  (func $count (param (ref null $tree)) (result i32)
    (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0))
      (else (i32.add (i32.const 1) (i32.add (call $count (struct.get $tree $left (local.get 0)))
                                            (call $count (struct.get $tree $right (local.get 0))))))))
  ;; A round allocates 4,095 nodes of 16 bytes for long, 16,376 for short and 100 KB of bytes: 427,536 bytes.
  (func (export "churn") (param $rounds i32) (result i32)
    (local $round i32) (local $i i32) (local $sum i32)
    (global.set $kept (array.new_default $trees (i32.const 370)))
    (loop $next
      (array.set $trees (global.get $kept) (i32.rem_u (local.get $round) (i32.const 370)) (call $tree (i32.const 11)))
      (local.set $i (i32.const 0))
      (loop $short
        (if (i32.ne (call $count (call $tree (i32.const 10))) (i32.const 2047)) (then (return (i32.const -1))))
        (drop (array.new $bytes (local.get $i) (i32.const 12500)))
        (br_if $short (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
      (br_if $next (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (local.get $rounds))))
    (local.set $i (i32.const 0))
    (loop $check
      (local.set $sum (i32.add (local.get $sum)
        (i32.eq (call $count (array.get $trees (global.get $kept) (local.get $i))) (i32.const 4095))))
      (br_if $check (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 370))))
    (local.get $sum)))
(assert_return (invoke "churn" (i32.const ROUNDS)) (i32.const 370))
