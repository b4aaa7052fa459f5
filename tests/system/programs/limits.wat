;; Programs that want more memory than there is.
(module
  (memory 1)
  (func $grow_to_the_limit
    (block $refused
      (loop $more
        (br_if $refused (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
        (br_if $more (i32.lt_u (memory.size) (i32.const 8192))))))
  (func $touch_pages (param $pages i32)
    (local $at i32)
    (loop $next
      (i32.store (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (local.get $pages) (i32.const 16))))))
  ;; With 64 MiB: refused before 64 MiB, and 40 MiB can be had and used.
  (func (export "grow_is_refused")
    (call $grow_to_the_limit)
    (if (i32.ge_u (memory.size) (i32.const 1024)) (then (unreachable)))
    (if (i32.lt_u (memory.size) (i32.const 640)) (then (unreachable)))
    (call $touch_pages (i32.const 640))))
