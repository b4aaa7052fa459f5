;; What the runner must notice: every command marked with "fails" states something wrong. tests/suite/check compares the lines.

(module $m
  (global (export "g") i32 (i32.const 7))
  (func (export "i32") (result i32) (i32.const 7))
  (func (export "i64") (result i64) (i64.const 7))
  (func (export "f32") (result f32) (f32.const -0))
  (func (export "nan") (result f32) (f32.const nan:0x200000))
  (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2))
  (func (export "null") (result externref) (ref.null extern))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "trap") (unreachable))
  (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))

(assert_return (invoke "i32") (i32.const 7))
(assert_return (invoke "i32") (i32.const 8))                  ;; fails
(assert_return (invoke "i32") (i64.const 7))                  ;; fails
(assert_return (invoke "i32"))                                ;; fails
(assert_return (invoke "i32") (i32.const 7) (i32.const 7))    ;; fails
(assert_return (invoke "none") (i32.const 7))                 ;; fails
(assert_return (invoke "g") (i32.const 7))                    ;; fails
(assert_return (get "g") (i32.const 6))                       ;; fails
(assert_return (invoke $n "i32") (i32.const 7))               ;; fails
(assert_return (invoke "i64") (i64.const 0x1_0000_0007))      ;; fails
(assert_return (invoke "f32") (f32.const 0))                  ;; fails
(assert_return (invoke "nan") (f32.const nan:canonical))      ;; fails
(assert_return (invoke "nan") (f32.const nan:arithmetic))     ;; fails
(assert_return (invoke "nan") (f32.const nan:0x200000))
(assert_return (invoke "two") (i32.const 1) (i32.const 3))    ;; fails
(assert_return (invoke "null") (ref.extern 0))                ;; fails
(assert_return (invoke "same" (ref.extern 1)) (ref.extern 1))
(assert_return (invoke "same" (ref.extern 1)) (ref.extern 2)) ;; fails
(assert_return (invoke "same" (ref.extern 1)) (ref.null))     ;; fails
(assert_return (invoke "same") (ref.null))                    ;; fails
(assert_return (invoke "i32") (either (i32.const 1) (i32.const 7)))
(assert_return (invoke "i32") (either (i32.const 1) (i32.const 2)))  ;; fails
(assert_return (invoke "trap"))                               ;; fails
(invoke "trap")                                               ;; fails
(assert_trap (invoke "trap") "unreachable")
(assert_trap (invoke "trap") "integer overflow")              ;; fails
(assert_trap (invoke "i32") "unreachable")                    ;; fails
(assert_exhaustion (invoke "trap") "call stack exhausted")    ;; fails
(assert_exception (invoke "trap"))                            ;; fails
(assert_return (invoke "div" (i32.const 1)) (i32.const 1))
(assert_invalid (module (func)) "type mismatch")              ;; fails
(assert_malformed (module (func)) "unexpected end")           ;; fails
(assert_malformed (module binary "\00asm\01\00\00\00\01\04\01\60\00") "unexpected end")
(assert_invalid (module binary "\00asm\01\00\00\00\01\04\01\60\00") "unexpected end")  ;; fails
(assert_malformed (module (func i32.add)) "type mismatch")    ;; fails
(assert_unlinkable (module) "unknown import")                 ;; fails
(assert_unlinkable (module (import "spectest" "none" (func))) "incompatible import type")  ;; fails
(assert_unlinkable (module (import "spectest" "print" (func (param i32)))) "incompatible import type")
(assert_trap (module (func unreachable) (start 0)) "integer overflow")  ;; fails
(assert_trap (module (func) (start 0)) "unreachable")         ;; fails
(module (func unreachable) (start 0))                         ;; fails
(module (func br $nowhere))                                   ;; fails
(module (func i32.add))                                       ;; fails
(register "none" $n)                                          ;; fails
(module instance $i $n)                                       ;; fails
