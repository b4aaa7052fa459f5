# SPDX-License-Identifier: MIT
"""What ./nebulet run must do: one Case for each behaviour that a user sees."""

import random
from dataclasses import dataclass, field

from modules import hello, live_values, many_functions

MODES = ["hosted", "q35", "pc", "microvm"]
BOTH = ["hosted", "q35"]
TOOL = ["hosted"]

TIMEOUT, TOOL_ERROR, TRAP, LIMIT = 124, 125, 134, 137


@dataclass
class Case:
    name: str
    program: str
    arguments: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    stdin: bytes = b""
    stdout: bytes | None = b""
    stdout_with: bytes = b""
    stdout_without: bytes | None = None
    stderr: list[str] = field(default_factory=list)  # patterns that must all be found
    exit_code: int = 0
    modes: list[str] = field(default_factory=lambda: BOTH)
    files: dict[str, bytes] = field(default_factory=dict)        # in a fresh directory, {dir} in the flags
    files_after: dict[str, bytes | None] = field(default_factory=dict)  # None: not there
    links: dict[str, str] = field(default_factory=dict)          # symbolic links there, to {dir}/…
    stdin_file: bool = False  # standard input is a file, not a pipe
    perf_map: str = ""   # a name that must be in a /tmp/perf-PID.map written meanwhile
    quiet: bool = False  # nothing on stderr
    verb: str = "run"    # another one: modes = TOOL, since there is no machine
    limit: float = 60


def trap(function: str, text: str, **more) -> Case:
    patterns = [text, *more.pop("also", [])]
    return Case(f"trap {function}", "traps", flags=["--invoke", function], stderr=patterns, exit_code=TRAP, **more)


def system(name: str, manifest: str, programs: str, more_files: dict[str, bytes] | None = None, **more) -> Case:
    """A manifest, beside the programs that it names."""
    return Case(name, "nebulet.toml", files={"nebulet.toml": manifest.encode(), **(more_files or {})},
                links={f"{program}.wasm": f"{{apps}}/{program}.wasm" for program in programs.split()}, **more)


SYSTEMS = [
    system("a pipeline", """
cpus = 2
[[process]]
name = "source"
file = "args.wasm"
argv0 = "a"
args = ["two words", "%41"]
env = { X = "1" }
stdout = "one"
[[process]]
file = "cat.wasm"
stdin = "one"
stdout = "two"
[[process]]
name = "last"
file = "cat.wasm"
stdin = "two"
memory = "16M"
""", "args cat", stdout=b"arg 0: a\narg 1: two words\narg 2: %41\nenv: X=1\n", quiet=True),
    system("input from the console", """
[[process]]
file = "cat.wasm"
stdin = "console"
stdout = "s"
[[process]]
name = "other"
file = "cat.wasm"
stdin = "s"
""", "cat", stdin=b"some input\n", stdout=b"some input\n", quiet=True, modes=TOOL),
    system("a program that fails is started again, so often", """
[[process]]
file = "exit.wasm"
args = [3]
restart = "on-failure"
restarts = 2
[[process]]
file = "hello.wasm"
restart = "on-failure"
""", "exit hello", stdout=None, exit_code=3,
           stderr=[r"init: exit: ended with 3; starting it again in 10 ms \(1 of 2\)", r"again in 20 ms \(2 of 2\)",
                   r"init: exit: ended with 3; giving up: it was started 3 times in a row"]),
    system("a trap is the system's exit code", """
[[process]]
file = "trap.wasm"
args = ["unreachable"]
[[process]]
file = "hello.wasm"
""", "trap hello", stdout=None, exit_code=TRAP, stderr=[r"trap: trap: ", r"init: trap: trapped"]),
    system("services end with the programs", """
[[process]]
file = "spin.wasm"
kind = "service"
[[process]]
file = "hello.wasm"
""", "spin hello", stdout=None, stdout_with=b"Hello from WebAssembly\n", quiet=True, modes=TOOL),
    system("a service that crashes is there again", """
cpus = 2
[[process]]
name = "server"
file = "counter.wasm"
args = ["serve"]
kind = "service"
handles = [{ serve = "counter" }]
[[process]]
name = "client"
file = "counter.wasm"
handles = [{ door = "counter" }]
""", "counter", stdout=None, stdout_with=b"\n1..5\n", stdout_without=b"not ok", modes=MODES,
           stderr=[r"init: server: trapped; starting it again in 10 ms \(1 of 5\)", r"init: server: ended with 3; starting it again in 20 ms"]),
    system("a thread that waits for a file server holds no other up", """
[[process]]
name = "server"
file = "slow_files.wasm"
kind = "service"
handles = [{ serve = "slow", name = "service" }, { write = "asked" }, { read = "gate" }]
[[process]]
file = "slow_reader.wasm"
mount = { "/slow" = "slow" }
tmpfs = "/tmp:1M"
stdin = "asked"
stderr = "gate"
stdout = "console"
""", "slow_files slow_reader", stdout=None, stdout_with=b"\n1..9\n", stdout_without=b"not ok", quiet=True, modes=MODES),
    *(system(f"what is read ahead is not old, {where}", """
[[process]]
name = "directory"
file = "nebulet:memfs"
args = [1000000]
kind = "service"
handles = [{ serve = "directory", name = "service" }]
[[process]]
name = "reader"
file = "coherent.wasm"
args = ["read", "/d"]
DIRECTORY
stdin = "to reader"
stdout = "to writer"
[[process]]
name = "writer"
file = "coherent.wasm"
args = ["write", "/d"]
DIRECTORY
stdin = "to writer"
stdout = "console"
stderr = "to reader"
""".replace("DIRECTORY", directory), "coherent", more_files={"d/file": b""}, stdout=None, stdout_with=b"\n1..6\n", stdout_without=b"not ok", quiet=True)
      for where, directory in (("in memory", 'mount = { "/d" = "directory" }'), ("on the host", 'dir = { "/d" = "d" }'))),
    *(system("a share of the host by a virtio device", """
[[process]]
name = "share"
file = "nebulet:virtio_9p"
kind = "driver"
handles = [{ virtio = "9p" }, { serve = "share" }]
[[process]]
file = "files.wasm"
args = ["/d"]
mount = { "/d" = "share" }
stdout = "console"
""", "files", more_files={"d/there": b""}, stdout=None, stdout_with=b"\n1..47\n", stdout_without=b"not ok", quiet=True, modes=[mode],
             flags=[f"--qemu={word}" for word in ("-fsdev", "local,id=share,path={dir}/d,security_model=none", "-device",
                                                  f"{device},fsdev=share,mount_tag=share")])
      for mode, device in (("q35", "virtio-9p-pci"), ("pc", "virtio-9p-pci"), ("microvm", "virtio-9p-device"))),
    system("each process has its own directories", """
[[process]]
name = "tmp"
file = "nebulet:memfs"
args = [1000000]
kind = "service"
handles = [{ serve = "tmp", name = "service" }]
[[process]]
name = "first"
file = "copy.wasm"
args = ["/in/a", "/tmp/sub"]
dir = { "/in" = "in" }
mount = { "/tmp" = "tmp" }
stdout = "done"
[[process]]
name = "second"
file = "show.wasm"
stdin = "done"
args = ["-", "/tmp/sub", "/assets/dir/x", "/in/a", "/out/../in/a", "/out/b"]
dir = { "/out" = "out" }
files = { "/assets" = "assets" }
mount = { "/tmp" = "tmp" }
[[process]]
name = "third"
file = "copy.wasm"
args = ["/in/a", "/out/new"]
dir = { "/in" = "in", "/out" = "out" }
""", "copy show", more_files={"in/a": b"in\n", "out/b": b"out\n", "assets/dir/x": b"asset\n"}, files_after={"out/new": b"in\n", "in/a": b"in\n"},
           stdout=b"in\nasset\n/in/a: Capabilities insufficient\n/out/../in/a: Operation not permitted\nout\n", quiet=True),
    system("who may look sees all processes", """
[[process]]
file = "top.wasm"
args = ["--json"]
handles = [{ system = true }]
[[process]]
name = "blind"
file = "top.wasm"
""", "top", stdout=None, stdout_with=b'"id":2,"name":"top","cpu_ns":', exit_code=1, stderr=["top: it was given no handle `system`"]),
    system("processes that want too much", """
memory = "64M"
[[process]]
file = "hello.wasm"
memory = "63M"
""", "hello", exit_code=TOOL_ERROR, stderr=[r"init: hello: cannot be started: a process with 66060288 bytes of memory: there is not so much memory"]),
    system("a module that is refused", """
[[process]]
file = "hello.wasm"
[[process]]
file = "nothing.wasm"
""", "hello", exit_code=TOOL_ERROR, modes=TOOL, stderr=[r"nebulet.toml:5: file: .*nothing.wasm: No such file"]),
    Case("init without an initfs", "{init}", exit_code=TOOL_ERROR, stderr=["init: there is no boot module `initfs`"], modes=TOOL),
]
NOISE = random.Random(1).randbytes(300_000)
WORDS = ["a", "", "two words", "\u00e9\u20ac", "100%25", "k=v", "-x", "--", "'\"\\$*"]
CONTAINERS = b"""sorted: 15 8417172 16776969
keys: 4902, same: true, first: key-00000
area: 756.250 7.562500e+02        right|left  |  mid  |
variant 42 2.5
9 36 81 144 225 324 \nset: 995, sum: 87247210
"""
INVOKED = [
    (["ready"], b"1\n", MODES),
    (["nothing"], b"", BOTH),
    (["add", "-1", "0xffffffff"], b"-2\n", BOTH),
    (["mul64", "-9223372036854775808", "1"], b"-9223372036854775808\n", BOTH),
    (["half", "0.2"], b"0.1\n", BOTH),
    (["third", "1"], b"0.3333333333333333\n", BOTH),
    (["third", "-inf"], b"-inf\n", TOOL),
    (["same", "0x1.8p1"], b"3\n", TOOL),
    (["same", "-nan:0x123"], b"-nan:0x123\n", TOOL),
    (["same", "1e-320"], b"1e-320\n", TOOL),
    (["lanes", "0x00000004000000030000000200000001"], b"0x00000008000000060000000400000002\n", BOTH),
    (["all", "1", "2", "0.1", "0.1"], b"0.1\n0.1\n2\n1\n", BOTH),
    (["refs"], b"a reference\nnull\n", TOOL),
]
INVOKED_WRONGLY = [
    (["ad"], r"--invoke ad: \S+ exports no such function \(did you mean add\?\)"),
    (["add", "1"], r"--invoke add: it takes 2 arguments \(i32, i32\), not 1"),
    (["add", "1", "2.5"], r"--invoke add: argument 2 is `2.5`; want i32"),
    (["add", "1", "4294967296"], r"want i32"),
    (["add", "-2147483649", "1"], r"want i32"),
    (["add", "", "1"], r"argument 1 is ``"),
    (["half", "1x"], r"want f32"),
    (["half", " 1"], r"want f32"),
    (["lanes", "17"], r"want v128, as 0x and up to 32 digits"),
    (["takes_ref", "null"], r"parameter 1 is a reference; only numbers and vectors"),
]
BUILT_WRONGLY = [
    ("of nothing", "", ["-o", "{dir}/x.iso"], {}, r"build: which program\?"),
    ("without a place", "hello", [], {}, r"build \S+hello.wasm: --output is missing: X.iso, X.img or a directory, in front"),
    ("of an empty manifest", "a.toml", ["-o", "{dir}/x.iso"], {"a.toml": b""}, r"a.toml: file: it is missing"),
    ("of a manifest with the host's directories", "a.toml", ["-o", "{dir}/x.iso"],
     {"a.toml": b"[[process]]\nfile = 'p'\nname = 'x'\n[[process]]\nfile = 'p'\ndir = ['/tmp']\n"},
     r"a.toml:6: dir: an image has no directories of this host; `files` copies one into it"),
    ("of a manifest with words", "a.toml", ["-o", "{dir}/x.iso", "--env", "A=1"], {"a.toml": b"[[process]]\nfile = 'p'\nstdin = 'x'\n"},
     r"build --env: \S+a.toml says it of each program"),
    ("with a directory that is not there", "hello", ["-o", "{dir}/x.iso", "--dir", "{dir}/none"], {}, r"build --dir \S+none: there is no directory"),
    ("of a missing file", "none.wasm", ["-o", "{dir}/x.iso"], {}, r"none.wasm: No such file"),
    ("of no module", "text.wasm", ["-o", "{dir}/x.img"], {"text.wasm": b"text"}, r"text.wasm: at byte 0x0: magic header"),
    ("to nowhere", "hello", ["-o", "{dir}/none/x.img"], {}, r"--output \S+/none/x.img: No such file or directory"),
    ("over a directory", "hello", ["-o", "{dir}/x.iso"], {"x.iso/a": b""}, r"--output \S+/x.iso: is a directory"),
    ("over a file", "hello", ["-o", "{dir}/x"], {"x": b""}, r"--output \S+/x: "),
    ("of an unknown kind", "hello", ["-o", "x", "--format", "ios"], {}, r"--format ios: want elf, iso or disk \(did you mean iso\?\)"),
]
HEADER = b"\0asm\x01\0\0\0"
HELLO = hello()

CASES = [
    Case("hello", "hello", stdout=b"hello\n", quiet=True, modes=MODES),
    Case("vectors", "vectors", stdout=b"vectors agree\n", quiet=True),
    Case("exit code", "exit", exit_code=42, quiet=True, modes=MODES),
    Case("several cpus", "hello", flags=["--cpus", "4"], stdout=b"hello\n", modes=MODES),
    Case("least memory", "hello", flags=["--memory", "64M"], stdout=b"hello\n", modes=MODES),
    Case("binary through cat", "cat", stdin=NOISE, stdout=NOISE, modes=MODES),
    Case("no input at all", "cat", stdin=b"", stdout=b""),
    Case("one byte", "cat", stdin=b"\x00", stdout=b"\x00"),
    # Traps: kind, function by name, module offset, backtrace.
    trap("unreachable", r"unreachable", also=[r"unreachable_here", r"0x[0-9a-f]+"], modes=MODES),
    trap("divide", r"integer divide by zero"),
    trap("overflow", r"integer overflow"),
    trap("convert", r"invalid conversion to integer"),
    trap("load", r"out of bounds memory access", modes=MODES),
    trap("far_load", r"out of bounds memory access"),
    trap("store", r"out of bounds memory access"),
    trap("fill", r"out of bounds memory access"),
    trap("undefined_element", r"undefined element"),
    trap("null_element", r"uninitialized element"),
    trap("mismatch", r"indirect call type mismatch"),
    trap("recurse", r"call stack exhausted", modes=MODES),
    trap("mutual", r"call stack exhausted"),
    Case("recursion under a fast timer", "traps", flags=["--invoke", "recurse", "--timer-hz", "10000"], stderr=["call stack exhausted"],
         exit_code=TRAP),
    trap("nested", r"unreachable", also=[r"unreachable_here[\s\S]*middle[\s\S]*outer"]),
    Case("memory.grow fails without a trap", "traps", flags=["--invoke", "grow"], quiet=True),
    # --invoke: typed arguments and results; a reactor is initialized first.
    *(Case(f"invoke {' '.join(words)}", "types", words[1:], ["--invoke", words[0]], stdout=results, quiet=True, modes=modes)
      for words, results, modes in INVOKED),
    *(Case(f"invoke {words[0]} wrongly: {message}", "types", words[1:], ["--invoke", words[0]], stderr=[message], exit_code=TOOL_ERROR,
           modes=TOOL) for words, message in INVOKED_WRONGLY),
    Case("a manifest", "nebulet.toml", stdout=b"first\n", quiet=True, modes=BOTH,
         files={"nebulet.toml": b'args = ["/d/a"]\nfile = "show.wasm"\ndir = { "/d" = "data" }\n', "data/a": b"first\n"},
         links={"show.wasm": "{apps}/show.wasm"}),
    Case("a wrong manifest", "nebulet.toml", files={"nebulet.toml": b"file = 'p'\ncpu = 2\n"}, modes=TOOL,
         stderr=[r"nebulet.toml:2: cpu: no such key \(did you mean cpus\?\)"], exit_code=TOOL_ERROR),
    Case("a reactor is no command", "types", stderr=[r"types\.wasm: has no exported function `_start`.*invoked: _initialize, ready, add.* …"],
         exit_code=TOOL_ERROR),
    Case("uncaught exception", "throws", flags=["--invoke", "uncaught"],
         stderr=[r"throws\.wasm: uncaught exception[\s\S]*inner[\s\S]*outer"], exit_code=TRAP),
    Case("caught exception", "throws", flags=["--invoke", "caught"], quiet=True),
    # Preemption changes nothing: the sum is V8's. Slices of 1 s, 10 ms, 100 µs.
    *(Case(f"checksum at {hz} Hz", "checksum", flags=["--invoke", "run", "--timer-hz", str(hz)], stdout=b"1356892745104280896\n",
           quiet=True) for hz in (1, 100, 10000)),
    # Frames larger than the guard below the stack, and one that is too large.
    Case("huge frame", "frame.wasm", files={"frame.wasm": live_values(20_000)}, flags=["--invoke", "run"], stdout=b"60000\n", quiet=True),
    Case("huge frames until the stack ends", "frame.wasm", files={"frame.wasm": live_values(20_000, recurse=True)},
         flags=["--invoke", "run", "--timer-hz", "10000"], stderr=[r"call stack exhausted", r"many_values .*frame\.wasm"], exit_code=TRAP),
    Case("frame beyond the limit", "frame.wasm", files={"frame.wasm": live_values(140_000)}, flags=["--invoke", "run", "--memory", "1G"],
         stderr=[r"frame\.wasm: .*many_values.*frame"], exit_code=TOOL_ERROR, modes=["hosted"]),
    # Limits of memory.
    Case("memory.grow stops at the limit", "limits", flags=["--invoke", "grow_is_refused", "--memory", "64M"], quiet=True),
    Case("touching more memory than there is", "overcommit", flags=["--invoke", "touch", "--memory", "64M"],
         stderr=[r"overcommit\.wasm: trap: out of memory", r"touch_all"], exit_code=LIMIT),
    Case("filling more memory than there is", "overcommit", flags=["--invoke", "fill", "--memory", "64M"], stderr=[r"out of memory"],
         exit_code=LIMIT),
    Case("module larger than memory", "large.wasm", files={"large.wasm": many_functions(20_000_000)},
         flags=["--invoke", "run", "--memory", "64M"], stderr=[r"large\.wasm: out of memory"], exit_code=TOOL_ERROR, modes=["q35"]),
    # Programs that never end.
    Case("time-out", "spin", flags=["--timeout", "1.5"], exit_code=TIMEOUT, modes=MODES),
    Case("time-out in tail calls", "throws", flags=["--invoke", "tail_calls", "--timeout", "1.5"], exit_code=TIMEOUT),
    Case("time-out in kernel calls", "spin_call", flags=["--timeout", "1.5"], exit_code=TIMEOUT),
    # Bad input: one message, the tool's code.
    Case("missing file", "does-not-exist.wasm", stderr=[r"does-not-exist\.wasm: No such file"], exit_code=TOOL_ERROR),
    Case("directory as program", "/", stderr=[r"is a directory"], exit_code=TOOL_ERROR),
    Case("no program", "", stderr=[r"which program"], exit_code=TOOL_ERROR),
    Case("unknown flag", "", flags=["--frobnicate"], stderr=[r"--frobnicate"], exit_code=TOOL_ERROR),
    Case("not wasm", "text.wasm", files={"text.wasm": b"#!/bin/sh\n"}, stderr=[r"magic header not detected"], exit_code=TOOL_ERROR),
    Case("empty file", "empty.wasm", files={"empty.wasm": b""}, stderr=[r"unexpected end"], exit_code=TOOL_ERROR),
    Case("wrong version", "v2.wasm", files={"v2.wasm": b"\0asm\x02\0\0\0"}, stderr=[r"unknown binary version"], exit_code=TOOL_ERROR),
    Case("truncated module", "cut.wasm", files={"cut.wasm": HEADER + b"\x01\x05\x01"}, stderr=[r"0x[0-9a-f]+|offset"], exit_code=TOOL_ERROR),
    Case("invalid module", "bad.wasm", stderr=[r"type mismatch", r"0x[0-9a-f]+|offset"], exit_code=TOOL_ERROR,
         # (module (func (result i32)))
         files={"bad.wasm": HEADER + b"\x01\x05\x01\x60\x00\x01\x7f" + b"\x03\x02\x01\x00" + b"\x0a\x04\x01\x02\x00\x0b"}),
    Case("unknown WASI function", "unknown_import", stderr=[r"wasi_snapshot_preview1", r"fd_levitate"], exit_code=TOOL_ERROR),
    Case("unknown import", "foreign_import", stderr=[r"env", r"puts"], exit_code=TOOL_ERROR),
    Case("import of another type", "wrong_import_type", stderr=[r"fd_write", r"type"], exit_code=TOOL_ERROR),
    Case("no _start", "no_start", stderr=[r"_start"], exit_code=TOOL_ERROR),
    Case("unknown export", "hello", flags=["--invoke", "nothing"], stderr=[r"nothing"], exit_code=TOOL_ERROR),
    Case("bad memory size", "hello", flags=["--memory", "lots"], stderr=[r"--memory lots"], exit_code=TOOL_ERROR),
    Case("bad directory", "hello", flags=["--dir", "/does/not/exist"], stderr=[r"/does/not/exist"], exit_code=TOOL_ERROR),
    Case("bad machine", "hello", flags=["--machine", "toaster"], stderr=[r"toaster"], exit_code=TOOL_ERROR, modes=["hosted"]),
    # Arguments, environment, standard input.
    Case("arguments", "args", arguments=WORDS, flags=["--argv0", "me"], modes=MODES,
         stdout="".join(f"arg {i}: {word}\n" for i, word in enumerate(["me", *WORDS])).encode(), quiet=True),
    Case("environment", "args", flags=["--argv0", "x", "--env", "A=1", "--env", "B=two words = 2", "--env", "EMPTY="],
         stdout=b"arg 0: x\nenv: A=1\nenv: B=two words = 2\nenv: EMPTY=\n", quiet=True),
    Case("environment without a name", "args", flags=["--env", "=1"], stderr=[r"--env =1"], exit_code=TOOL_ERROR),
    Case("input from a file", "cat", stdin=NOISE, stdin_file=True, stdout=NOISE),
    Case("input that nobody reads", "hello", stdin=NOISE, stdout=b"hello\n"),
    # Directories of the host, and what lies outside of them.
    Case("read a file", "show", ["/in/a", "/in/sub/b", "/in/none", "/elsewhere"], ["--dir", "{dir}/in::/in"], modes=MODES,
         files={"in/a": b"first\n", "in/sub/b": b"second\n"},
         stdout=b"first\nsecond\n/in/none: No such file or directory\n/elsewhere: Capabilities insufficient\n"),
    Case("write a file", "copy", ["/d/from", "/d/to"], ["--dir", "{dir}/d::/d"], files={"d/from": NOISE[:20_000], "d/to": b"old"},
         files_after={"d/to": NOISE[:20_000], "d/from": NOISE[:20_000]}, modes=MODES, quiet=True),
    Case("two directories", "copy", ["/in/x", "/out/y"], ["--dir", "{dir}/in::/in", "--dir", "{dir}/out::/out"],
         files={"in/x": b"text", "out/other": b""}, files_after={"out/y": b"text"}, quiet=True),
    Case("a directory under its own name", "show", ["{dir}/in/a"], ["--dir", "{dir}/in"], files={"in/a": b"x\n"}, stdout=b"x\n"),
    Case("all operations on files", "files", ["/d"], ["--dir", "{dir}/d::/d"], files={"d/.keep": b""}, stdout=None, modes=["hosted"]),
    Case("out of a directory by ..", "show", ["/in/../secret", "/in/sub/../../secret", "../secret"], ["--dir", "{dir}/in::/in"],
         files={"in/sub/a": b"", "secret": b"SECRET"}, stdout=None, stdout_without=b"SECRET", modes=MODES),
    Case("out of a directory by a link", "show", ["/in/file", "/in/up/secret", "/in/absolute", "/in/inside"], ["--dir", "{dir}/in::/in"],
         files={"in/sub/a": b"inside\n", "secret": b"SECRET"}, stdout=None, stdout_without=b"SECRET", stdout_with=b"inside\n",
         links={"in/file": "../secret", "in/up": "..", "in/absolute": "{dir}/secret", "in/inside": "sub/a"}),
    Case("a file made outside by a link", "copy", ["/in/a", "/in/up/new"], ["--dir", "{dir}/in::/in"], files={"in/a": b"text"},
         links={"in/up": ".."}, exit_code=1, stdout=b"", stderr=[r"/in/up/new"], files_after={"new": None}),
    Case("no directory at all", "show", ["/etc/passwd", "etc/passwd"], stdout=None, stdout_without=b"root:"),
    # The rest of WASI.
    Case("doors", "doors", stdout=None, stdout_with=b"\n1..30\n", stdout_without=b"not ok", quiet=True, modes=MODES),
    *(Case(f"doors between processes, {cpus} CPUs", "door_peers", flags=["--cpus", str(cpus)], stdout=None, stdout_with=b"\n1..27\n", stdout_without=b"not ok",
           stderr=["child: trap: unreachable"], modes=["hosted", "q35"]) for cpus in (1, 2, 4)),
    Case("shares of processor time", "shares", stdout=None, stdout_with=b"\n1..9\n", stdout_without=b"not ok", quiet=True, modes=BOTH),
    Case("every call with every bad argument", "arguments", stdout=None, stdout_with=b"\n1..", stdout_without=b"not ok", quiet=True, modes=["hosted"]),
    Case("every call with every bad argument, and devices", "arguments", flags=["--devices"], stdout=None, stdout_with=b"\n1..", stdout_without=b"not ok",
         quiet=True, modes=["q35"]),
    Case("kernel objects", "objects", stdout=None, stdout_with=b"\n1..48\n", stdout_without=b"not ok", quiet=True, modes=MODES),
    Case("mapped memory objects", "mappings", stdout=None, stdout_with=b"\n1..25\n", stdout_without=b"not ok", quiet=True, modes=MODES),
    Case("a store to what is mapped for reading", "mappings", ["1"], stderr=[r"out of bounds memory access"], exit_code=TRAP, modes=MODES),
    Case("a copy to what is mapped for reading", "mappings", ["1", "copied"], stderr=[r"out of bounds memory access", "at copy"], exit_code=TRAP, modes=MODES),
    Case("devices", "devices", flags=["--devices"], stdout=None, stdout_with=b"\n1..43\n", stdout_without=b"not ok", quiet=True, modes=["q35", "pc"]),
    Case("devices that are not given", "devices", stdout=b"Bail out! no devices: run it with --devices\n", exit_code=1, modes=MODES),
    Case("threads", "threads", stdout=None, stdout_with=b"\n1..18\n", stdout_without=b"not ok", quiet=True, modes=MODES),
    *(Case(f"files of several threads {where}", "shared_files", flags=flags, stdout=None, stdout_with=b"\n1..12\n", stdout_without=b"not ok", quiet=True)
      for where, flags in (("of the host", ["--dir", "{dir}::/"]), ("in memory", ["--tmpfs", "/:1M"]))),
    Case("a trap ends all threads", "threads", ["trap"], stderr=[r"threads\.wasm: trap: unreachable"], exit_code=TRAP),
    Case("an exit ends threads that wait", "threads", ["exit"], exit_code=9, quiet=True),
    Case("processes", "processes", stdout=None, stdout_with=b"\n1..56\n", stdout_without=b"not ok", stderr=["child: trap: unreachable"], modes=MODES),
    Case("100 processes at once", "many", ["100"], stdout=None, stdout_with=b"\n1..6\n", stdout_without=b"not ok", quiet=True, modes=["hosted", "q35"]),
    Case("programs connected by streams", "pipes", stdout=None, stdout_with=b"\n1..17\n", stdout_without=b"not ok", quiet=True, modes=MODES),
    Case("file systems as services", "services", flags=["--dir", "{apps}/../services::/services"], stdout=None, stdout_with=b"\n1..18\n",
         stdout_without=b"not ok", quiet=True, modes=MODES),
    # Several under init.
    *SYSTEMS,
    Case("clocks and randomness", "clock", stdout=b"ok\n", quiet=True, modes=MODES),
    Case("addresses outside of the memory", "bad_pointers", quiet=True, modes=MODES),
    Case("C++ with iostream, containers, format", "containers", stdout=CONTAINERS, quiet=True),
    # Debug information.
    *(Case(f"lines and inlined functions from DWARF {version}", f"lines{version}", exit_code=TRAP, modes=BOTH,
           stderr=[r"at price, inlined into shop::total\(shop::Cart const&, int\) \(function \d+\), byte 0x[0-9a-f]+ of \S+ \(lines.cpp:10\)",
                   r"called by (__original_)?main\b.* \(lines.cpp:21\)"]) for version in (4, 5)),
    Case("inspect shows lines", "lines5", verb="inspect", modes=TOOL, stdout=None, quiet=True, stdout_with=b"bytes, lines.cpp:15"),
    Case("perf map", "hello", flags=["--profile=perfmap"], stdout=b"hello\n", perf_map="_start", modes=["hosted"]),
    Case("perf map of a virtual machine", "hello", flags=["--profile=perfmap"], modes=["q35"], exit_code=TOOL_ERROR, stderr=["--hosted"]),
    # The tool itself.
    Case("dry run", "hello", flags=["--dry-run"], stdout=None, quiet=True),
    Case("stats", "hello", flags=["--stats"], stdout=b"hello\n", stderr=[r"compile_us=\d+ .*peak_memory=\d+ .*calls=[1-9]\d* memory_pages=\d+ .*machine_peak=[1-9]\d*", r"accelerator=(tcg|kvm|none)"]),
    Case("inspect a module", "traps", verb="inspect", modes=TOOL, stdout=None, quiet=True,
         stdout_with=b"export function 15: nested\nexport function 17: grow\n"),
    Case("inspect the code of a function", "traps", verb="inspect", flags=["--func", "divide"], modes=TOOL, stdout=None, quiet=True,
         stdout_with=b": integer divide by zero"),
    Case("inspect a stage", "traps", verb="inspect", flags=["--func", "recurse", "--after", "optimized"], modes=TOOL, stdout=None,
         quiet=True, stdout_with=b"global_set.i32"),
    Case("inspect sections", "lines5", verb="inspect", modes=TOOL, stdout=None, quiet=True, stdout_with=b"section custom `.debug_line`: "),
    Case("inspect a function's wasm", "types", verb="inspect", flags=["--func", "lanes", "--after", "wasm"], modes=TOOL, quiet=True,
         stdout=None, stdout_with=b": local.get 0\n"),
    Case("inspect SSA after a pass", "traps", verb="inspect", flags=["--func", "recurse", "--after", "dead-code"], modes=TOOL, stdout=None,
         quiet=True, stdout_with=b"call"),
    Case("inspect lines of the code", "lines5", verb="inspect", flags=["--func", "main"], modes=TOOL, stdout=None, quiet=True,
         stdout_with=b" (lines.cpp:21)"),
    Case("inspect no function", "traps", verb="inspect", flags=["--func", "levitate"], modes=TOOL, stderr=[r"levitate"],
         exit_code=TOOL_ERROR),
    Case("inspect an unknown stage", "traps", verb="inspect", flags=["--func", "divide", "--after", "codde"], modes=TOOL,
         stderr=[r"--after codde: .*did you mean code\?.*; there are wasm, ssa, expand-switches, simplify, .*code$"], exit_code=TOOL_ERROR),
    Case("inspect no module", "text", verb="inspect", modes=TOOL, files={"text": b"text"}, stderr=[r"magic header not detected"],
         exit_code=TOOL_ERROR),
    Case("a module from standard input", "-", stdin=HELLO, stdout=b"hello\n", quiet=True),
    Case("compile", "hello", verb="compile", flags=["--output", "{dir}/code"], modes=TOOL, quiet=True),
    Case("code compiled before", "hello", flags=["--code", "{built}/hello.code"], stdout=b"hello\n", quiet=True),
    Case("code of another module", "exit", flags=["--code", "{built}/hello.code"], modes=TOOL,
         stderr=[r"--code \S+/hello\.code: .*module.*nebulet compile"], exit_code=TOOL_ERROR),
    Case("code that was changed", "hello", flags=["--code", "{built}/changed.code"], modes=BOTH,
         stderr=[r"--code \S+/changed\.code: .*nebulet compile"], exit_code=TOOL_ERROR),
    Case("code that was cut off", "hello", flags=["--code", "{dir}/cut.code"], files={"cut.code": b"NBCODE03 and nothing"}, modes=TOOL,
         stderr=[r"--code \S+/cut\.code: .*nebulet compile"], exit_code=TOOL_ERROR),
    Case("no code file", "hello", flags=["--code", "{dir}/none"], stderr=[r"--code \S+/none: No such file"], exit_code=TOOL_ERROR),
    Case("a code file as the program", "x.code", files={"x.code": b"NBCODE03"}, modes=TOOL, stderr=[r"--code \S+/x.code FILE.wasm"],
         exit_code=TOOL_ERROR),
    Case("a component as the program", "c.wasm", files={"c.wasm": b"\0asm\x0d\0\x01\0"}, modes=TOOL, stderr=[r"component.*wasip1"],
         exit_code=TOOL_ERROR),
    Case("text as the program", "c.wat", files={"c.wat": b"\n (module)"}, modes=TOOL, stderr=[r"wat2wasm \S+c.wat"],
         exit_code=TOOL_ERROR),
    *(Case(f"build {name}", program, verb="build", flags=flags, files=files, modes=TOOL, stderr=[message], exit_code=TOOL_ERROR)
      for name, program, flags, files, message in BUILT_WRONGLY),
    Case("compile to nowhere", "hello", verb="compile", flags=["--output", "{dir}/none/code"], modes=TOOL, stderr=[r"none/code"],
         exit_code=TOOL_ERROR),
]
