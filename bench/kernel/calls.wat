;; Loops of kernel calls. Every function returns how many calls failed.
(module
  (import "nebulet" "process_info" (func $info (param i32) (result i64)))
  (import "nebulet" "handle_info" (func $handle (param i32 i32) (result i64)))
  (import "nebulet" "object_signal" (func $signal (param i32 i32 i32) (result i32)))
  (import "nebulet" "thread_yield" (func $yield (result i32)))
  (import "nebulet" "service_serve" (func $serve (param i32 i32 i64) (result i32)))
  (import "nebulet" "door_call" (func $call (param i32 i64 i64 i64 i64 i64) (result i64)))
  (import "nebulet" "door_exchange" (func $exchange (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i64)))
  (import "nebulet" "door_read" (func $door_read (param i32 i32 i32) (result i32)))
  (import "nebulet" "door_write" (func $door_write (param i32 i32 i32) (result i32)))
  (import "nebulet" "channel_write" (func $write (param i32 i32 i32 i32 i32) (result i32)))
  (import "nebulet" "channel_read" (func $read (param i32 i32 i32 i32 i32) (result i64)))
  (import "nebulet" "object_wait" (func $wait (param i32 i32 i64) (result i64)))
  (memory (export "memory") 1)
  (table funcref (elem $entry))

  (func $entry (param $cookie i64) (param $a i64) (param $b i64) (param $c i64) (param $d i64) (result i64)
    (if (i64.eqz (local.get $a)) (then (return (local.get $b))))
    ;; copies the request and answers with it
    (drop (call $door_read (i32.const 0) (i32.const 1024) (i32.wrap_i64 (local.get $b))))
    (drop (call $door_write (i32.const 0) (i32.const 1024) (i32.wrap_i64 (local.get $b))))
    (local.get $b))

  (func (export "nothing") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "info") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (i64.le_s (call $info (i32.const 0)) (i64.const 0)) (then (local.set $failed (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "handle") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (i64.lt_s (call $handle (local.get 0) (i32.const 0)) (i64.const 0)) (then (local.set $failed (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "signal") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (call $signal (local.get 0) (i32.const 0) (i32.const 0)) (then (local.set $failed (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "yield") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (call $yield) (then (local.set $failed (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "door") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (i64.ne (call $call (local.get 0) (i64.const 0) (local.get 1) (i64.const 2) (i64.const 3) (i64.const -1)) (local.get 1))
        (then (local.set $failed (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "exchange") (param i32 i64) (result i64) (local $failed i64)  ;; 1 KiB there and back
    (loop $next
      (if (i64.ne (call $exchange (local.get 0) (i64.const 1) (i32.const 1024) (i32.const 1024) (i32.const 4096) (i32.const 1024)
                        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const -1)) (i64.const 1024))
        (then (local.set $failed (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func $receive (param $channel i32) (result i64)
    (loop $again
      (if (i64.eq (call $read (local.get $channel) (i32.const 64) (i32.const 8) (i32.const 0) (i32.const 0)) (i64.const 8))
        (then (return (i64.const 0))))
      (br_if $again (i64.ge_s (call $wait (local.get $channel) (i32.const 5) (i64.const -1)) (i64.const 0))))
    (i64.const 1))
  (func (export "ping") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (call $write (local.get 0) (i32.const 32) (i32.const 8) (i32.const 0) (i32.const 0)) (then (return (i64.const 1))))
      (if (i64.ne (call $receive (local.get 0)) (i64.const 0)) (then (return (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "pong") (param i32 i64) (result i64) (local $failed i64)
    (loop $next
      (if (i64.ne (call $receive (local.get 0)) (i64.const 0)) (then (return (i64.const 1))))
      (if (call $write (local.get 0) (i32.const 32) (i32.const 8) (i32.const 0) (i32.const 0)) (then (return (i64.const 1))))
      (br_if $next (i64.ne (i64.const 0) (local.tee 1 (i64.sub (local.get 1) (i64.const 1))))))
    (local.get $failed))
  (func (export "serve") (param i32 i64) (result i64)
    (i64.extend_i32_s (call $serve (local.get 0) (i32.const 0) (local.get 1)))))
