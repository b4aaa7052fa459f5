(module (memory (export "memory") 1) (func $spin (export "_start") (loop $forever (br $forever))))
