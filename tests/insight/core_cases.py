# SPDX-License-Identifier: MIT
"""The files of --core, read by the words of the tool conventions and by wabt."""

import subprocess

TOOL = "build/host-release/tools/nebulet/nebulet"


def expect(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def leb128(self) -> tuple[int, int]:
        """The value and its number of bits."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value, shift

    def u32(self) -> int:
        return self.leb128()[0]

    def s64(self) -> int:
        value, bits = self.leb128()
        return value - (1 << bits) if value >> (bits - 1) else value

    def take(self, count: int) -> bytes:
        self.at += count
        expect(self.at <= len(self.data), "a section is too short")
        return self.data[self.at - count:self.at]

    def name(self) -> str:
        return self.take(self.u32()).decode()

    def left(self) -> bool:
        return self.at < len(self.data)


def sections(data: bytes) -> dict:
    """By name or number."""
    expect(data[:8] == b"\0asm\1\0\0\0", "it is no module")
    reader, found = Reader(data[8:]), {}
    while reader.left():
        number, content = reader.byte(), Reader(reader.take(reader.u32()))
        found[content.name() if number == 0 else number] = content
    return found


def trapped(run):
    path = run.directory / "core"
    program = run.program("crash")
    run("--core", path, "--argv0", "crash", program, exit_code=134)
    expect(path.stat().st_size < 100_000, f"the dump of a few pages has {path.stat().st_size} bytes")
    subprocess.run(["wasm-validate", str(path)], check=True)
    found = sections(path.read_bytes())
    core = found["core"]
    expect(core.byte() == 0 and core.name() == "crash", "the process's name")
    modules = found["coremodules"]
    names = [(modules.byte(), modules.name())[1] for _ in range(modules.u32())]
    expect(names[-1] == "crash", f"modules: {names}")
    stack = found["corestack"]
    expect(stack.byte() == 0, "the thread's tag")
    stack.name()
    frames = []
    for _ in range(stack.u32()):
        expect(stack.byte() == 0, "a frame's tag")
        instance, function, offset = stack.u32(), stack.u32(), stack.u32()
        locals_ = [stack.byte() for _ in range(stack.u32())]
        expect(stack.u32() == 0, "operands")
        frames.append((names[instance], function, offset, locals_))
    expect([f[:2] for f in frames] == [("crash", 0), ("crash", 1), ("crash", 2)], f"frames: {frames}")
    expect(frames[0][3] == [1, 1, 1] and frames[0][2] > 0, f"locals: {frames[0]}")
    instances = found["coreinstances"]
    listed = []
    for _ in range(instances.u32()):
        expect(instances.byte() == 0, "an instance's tag")
        listed.append((instances.u32(), [instances.u32() for _ in range(instances.u32())], [instances.u32() for _ in range(instances.u32())]))
    module, memories, globals_ = listed[-1]
    expect(names[module] == "crash" and len(memories) == 1 and len(globals_) == 3, f"instances: {listed}")
    values = []
    for _ in range(found[6].u32()):
        kind, mutable, instruction = found[6].take(3)
        expect(mutable == 0, "a global is mutable")
        values.append(found[6].s64() if instruction in (0x41, 0x42) else found[6].take({0x43: 4, 0x44: 8}[instruction]))
        expect(found[6].byte() == 0x0b, "a global's end")
    expect([values[g] for g in globals_] == [1234, -5, b"\0\0\0\0\0\0\xe0\x3f"], f"globals: {values}")
    data, pieces = found[11], {}
    for _ in range(data.u32()):
        memory = data.u32()
        memory = data.u32() if memory == 2 else memory
        expect(data.byte() == 0x41, "an offset")
        at = data.s64() & 0xffffffff
        expect(data.byte() == 0x0b, "an offset's end")
        pieces[memory, at] = data.take(data.u32())
    bytes_at = lambda at, count: next((b[at - begin:at - begin + count] for (m, begin), b in pieces.items()
                                       if m == memories[0] and begin <= at < begin + len(b)), None)
    expect(bytes_at(1024, 19) == b"a text in the image", "the image's text")
    expect(bytes_at(0x7000000, 4) == bytes([0x44, 0x33, 0x22, 0x11]), "what was stored")
    expect(bytes_at(0x100000, 1) is None, "a page that nobody touched")


def inspected(run):
    path = run.directory / "core"
    run("--core", path, run.program("crash"), exit_code=134)
    done = subprocess.run([TOOL, "inspect", path], cwd=run.root, capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr)
    for text in ("trap: out of bounds memory access", "at inner (function 0)", "called by outer (function 1)", "function 0 + 0x", "(3 missing)", "i32 1234",
                 "i64 -5", "a text in the im", "44 33 22 11"):
        expect(text in done.stdout, f"no {text!r} in\n{done.stdout}")
    whole = path.read_bytes()
    for cut in (9, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        done = subprocess.run([TOOL, "inspect", path], cwd=run.root, capture_output=True, text=True)
        expect(done.returncode in (0, 125) and (done.returncode == 0 or str(path) in done.stderr), f"cut at {cut}: {done}")


def returned(run):
    path = run.directory / "core"
    run("--core", path, run.program("hello"))
    expect(not path.exists(), "there is a dump of a program that ended well")


def nowhere(run):
    done = run("--core", run.directory / "none/core", run.program("crash"), exit_code=125)
    expect(b"--core" in done.stderr and b"trap: " in done.stderr, done.stderr.decode())


def in_a_system(run):
    """The process that trapped, not init."""
    path = run.directory / "core"
    manifest = run.system('[[process]]\nname = "bad"\nfile = "trap.wasm"\nargs = ["unreachable"]\n[[process]]\nfile = "hello.wasm"\n', "trap", "hello")
    run("--core", path, manifest, exit_code=134)
    found = sections(path.read_bytes())
    expect(found["core"].byte() == 0 and found["core"].name() == "bad", "the process's name")


TESTS = {"core: trapped": trapped, "core: inspected": inspected, "core: returned": returned, "core: nowhere": nowhere, "core: in a system": in_a_system}
