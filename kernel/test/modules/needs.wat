;; Imports something that nothing provides.
(module
  (import "env" "no_such_thing" (func))
  (func (export "_start") (call 0)))
