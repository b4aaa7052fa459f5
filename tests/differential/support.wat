;; What binaryen's fuzzer imports: log functions that do nothing.
(module
  (func (export "log-i32") (param i32))
  (func (export "log-i64") (param i64))
  (func (export "log-f32") (param f32))
  (func (export "log-f64") (param f64)))
