;; Exceptions that nobody catches, and tail calls without an end.
(module
  (memory (export "memory") 1)
  (tag $code (param i32))
  (func $inner (throw $code (i32.const 5)))
  (func $outer (export "uncaught") (call $inner) (i32.store (i32.const 0) (i32.const 1)))
  (func (export "caught") (try (do (call $outer)) (catch $code (if (i32.ne (i32.const 5)) (then unreachable)))))
  (func $ping (export "tail_calls") (return_call $pong (i32.const 1)))
  (func $pong (param i32) (return_call $ping)))
