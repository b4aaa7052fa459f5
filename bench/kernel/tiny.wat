;; What is created, run and destroyed.
(module
  (memory 1)
  (data (i32.const 0) "tiny")
  (func (export "run") (param i32 i64) (result i64) (i64.extend_i32_u (i32.load8_u (i32.const 5)))))
