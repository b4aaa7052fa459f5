;; Both sides of doors. The service's function does what its word a says.
(module
  (import "nebulet" "service_serve" (func $serve (param i32 i32 i64) (result i32)))
  (import "nebulet" "service_ended" (func $ended (param i32 i32 i32) (result i64)))
  (import "nebulet" "door_create" (func $create (param i32 i64) (result i64)))
  (import "nebulet" "door_call" (func $call (param i32 i64 i64 i64 i64 i64) (result i64)))
  (import "nebulet" "door_exchange" (func $exchange (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i64)))
  (import "nebulet" "door_read" (func $read (param i32 i32 i32) (result i32)))
  (import "nebulet" "door_write" (func $write (param i32 i32 i32) (result i32)))
  (import "nebulet" "door_take" (func $take (param i32 i32) (result i64)))
  (import "nebulet" "door_give" (func $give (param i32 i32) (result i32)))
  (import "nebulet" "thread_sleep_until" (func $sleep (param i64) (result i32)))
  (import "nebulet" "process_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (global $inside (mut i64) (i64.const 0))
  (table funcref (elem $entry $wrong_type $call))
  (func $wrong_type (param i64) (result i64) (local.get 0))

  (func $recurse (param i64) (result i64)
    (i64.add (call $recurse (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
  ;; reads b bytes of the request, adds one to each, writes them as the reply
  (func $copy (param $size i32) (local $i i32)
    (if (call $read (i32.const 0) (i32.const 1000) (local.get $size)) (then (unreachable)))
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $size))
        (then
          (i32.store8 offset=1000 (local.get $i) (i32.add (i32.load8_u offset=1000 (local.get $i)) (i32.const 1)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
    (if (call $write (i32.const 0) (i32.const 1000) (local.get $size)) (then (unreachable))))

  (func $entry (param $cookie i64) (param $a i64) (param $b i64) (param $c i64) (param $d i64) (result i64)
    (local $result i64)
    (global.set $inside (i64.add (global.get $inside) (i64.const 1)))
    (i64.store (i32.const 8) (i64.add (local.get $a) (i64.const 1)))  ;; for tests that wait for it
    (block $done
      (block $chain (block $give_back (block $take (block $unserved_read (block $count
      (block $recursion (block $exit_now (block $forward (block $sleep_long (block $spin (block $trap (block $copying (block $sum
        (br_table $sum $copying $trap $spin $sleep_long $forward $exit_now $recursion $count $unserved_read $take $give_back $chain $done
          (i32.wrap_i64 (local.get $a))))
      ;; 0: sum
      (local.set $result (i64.add (i64.add (local.get $cookie) (local.get $b)) (i64.add (local.get $c) (local.get $d))))
      (br $done))
      ;; 1: copy
      (call $copy (i32.wrap_i64 (local.get $b)))
      (local.set $result (local.get $b))
      (br $done))
      ;; 2
      (unreachable))
      ;; 3
      (loop $for_ever (br $for_ever)))
      ;; 4: until b
      (drop (call $sleep (local.get $b)))
      (local.set $result (i64.const 77))
      (br $done))
      ;; 5: calls the door b: with word c, cut to a byte as the word a and the rest as b
      (local.set $result
        (call $call (i32.wrap_i64 (local.get $b)) (i64.and (local.get $c) (i64.const 255)) (i64.shr_u (local.get $c) (i64.const 8))
              (local.get $d) (i64.const 0) (i64.const 0)))
      (local.set $result (i64.add (i64.const 1000) (local.get $result)))
      (br $done))
      ;; 6
      (call $exit (i32.wrap_i64 (local.get $b)))
      (unreachable))
      ;; 7
      (local.set $result (call $recurse (local.get $b)))
      (br $done))
      ;; 8: how often the function was entered and not left
      (local.set $result (global.get $inside))
      (br $done))
      ;; 9: door_read of b bytes; its status, negated
      (local.set $result (i64.extend_i32_u (i32.sub (i32.const 0) (call $read (i32.const 0) (i32.const 1000) (i32.wrap_i64 (local.get $b))))))
      (br $done))
      ;; 10: takes the handles and keeps them; the first one
      (local.set $result (call $take (i32.const 64) (i32.const 8)))
      (if (i64.eq (local.get $result) (i64.const 0)) (then (br $done)))
      (local.set $result (i64.extend_i32_u (i32.load (i32.const 64))))
      (br $done))
      ;; 11: takes one handle and gives it back
      (if (i64.ne (call $take (i32.const 64) (i32.const 1)) (i64.const 1)) (then (unreachable)))
      (local.set $result (i64.extend_i32_u (i32.sub (i32.const 0) (call $give (i32.const 64) (i32.const 1)))))
      (br $done))
      ;; 12: the same of the door b, and one more
      (local.set $result
        (call $call (i32.wrap_i64 (local.get $b)) (local.get $a) (local.get $b) (local.get $c) (local.get $d) (i64.const 0)))
      (if (i64.ge_s (local.get $result) (i64.const 0))
        (then (local.set $result (i64.add (local.get $result) (i64.const 1))))
        (else (local.set $result (i64.shl (i64.sub (i64.const 0) (local.get $result)) (i64.const 32))))))
    (global.set $inside (i64.sub (global.get $inside) (i64.const 1)))
    (local.get $result))

  (func (export "serve") (param i32 i32 i64) (result i32)
    (call $serve (local.get 0) (local.get 1) (local.get 2)))
  (func (export "ended") (param i32 i32) (result i64)  ;; the cookies at 128
    (call $ended (local.get 0) (i32.const 128) (local.get 1)))
  (func (export "create") (param i32 i64) (result i64)
    (call $create (local.get 0) (local.get 1)))
  (func (export "call") (param i32 i64 i64 i64 i64 i64) (result i64)
    (call $call (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)))
  ;; door, word, bytes at 256 and to 4096, one handle at 16 (or none), places at 32
  (func (export "exchange") (param $door i32) (param $word i64) (param $size i32) (param $handles i32) (param $places i32) (result i64)
    (call $exchange (local.get $door) (local.get $word) (i32.const 256) (local.get $size) (i32.const 4096) (local.get $size)
      (i32.const 16) (local.get $handles) (i32.const 32) (local.get $places) (i64.const -1)))
  ;; the sum of that many calls
  (func (export "calls") (param $door i32) (param $count i64) (result i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum)
        (call $call (local.get $door) (i64.const 0) (local.get $count) (i64.const 2) (i64.const 3) (i64.const -1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee $count (i64.sub (local.get $count) (i64.const 1))))))
    (local.get $sum)))
