# SPDX-License-Identifier: MIT
"""Makes a module comparable: what it imports is replaced by functions that do nothing and by constants, its exports by functions without
parameters whose results are integers. Any engine then runs all exports in order and prints what they return.

  cN   calls the Nth exported function with constants; floats come back as bits, vectors as two halves, references as whether null
  sN   the globals, and a hash of the first bytes of each memory, after that call
  end  a hash of all of each memory"""

I32, I64, F32, F64, V128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
REFERENCES = range(0x69, 0x75)
VALUES = {
    I32: [0, 1, -1, 0x7FFFFFFF, -0x80000000, 0x12345678, 255, -100],
    I64: [0, 1, -1, (1 << 63) - 1, -(1 << 63), 0x123456789A, 1 << 32, -65536],
    F32: ["00000000", "00000080", "0000c03f", "ffff7fff", "0000004f", "01000000", "000080ff", "0000c842"],
    F64: ["0000000000000000", "0000000000000080", "000000000000f83f", "ffffffffffffefff", "000000000000e043", "0100000000000000",
          "000000000000f0ff", "0000000000405940"],
    V128: ["00" * 16, "ff" * 16, "000102030405060708090a0b0c0d0e0f", "0000803f000000c00000404000008040", "80" * 16, "7fff0080" * 4],
}
# round, sqrt, add, sub, mul, div, min, max, and the conversions between the shapes
F32X4_ARITHMETIC = {0xFD000 | n for n in (94, 103, 104, 105, 106, *range(227, 234))}
F64X2_ARITHMETIC = {0xFD000 | n for n in (95, 116, 117, 122, 148, *range(239, 246))}


class Unsupported(Exception):
    """The module has something that cannot be wrapped."""


def unsigned(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> bytes:
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def counted(data: bytes) -> bytes:
    return unsigned(len(data)) + data


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count:self.at]

    def counted(self) -> bytes:
        return self.take(self.number())

    def value_type(self) -> bytes:
        """The bytes of a value type: one, or with a heap type."""
        start = self.at
        if self.byte() in (0x63, 0x64):
            self.number()
        return self.data[start:self.at]

    def limits(self) -> tuple[int, int]:
        flags, least = self.byte(), self.number()
        if flags & 1:
            self.number()
        if flags & 8:
            raise Unsupported("page size")
        return flags, least

    def block_type(self) -> None:
        while self.byte() & 0x80:
            pass

    def memory_argument(self) -> None:
        if self.number() & 0x40:
            self.number()
        self.number()

    def instruction(self) -> int:
        """Over an instruction of a body (MVP, vectors, bulk, tail calls, legacy exceptions); returns prefix << 12 | number."""
        op = self.byte()
        if op in (0x02, 0x03, 0x04, 0x06):
            self.block_type()
        elif op == 0x0E:
            for _ in range(self.number() + 1):
                self.number()
        elif op in (0x11, 0x13):
            self.number(), self.number()
        elif op in (0x07, 0x08, 0x09, 0x0C, 0x0D, 0x10, 0x12, 0x18, 0xD0, 0xD2, 0x3F, 0x40, 0x41, 0x42) or 0x20 <= op <= 0x26:
            self.number()
        elif op == 0x1C:
            self.take(self.number())
        elif 0x28 <= op <= 0x3E:
            self.memory_argument()
        elif op in (0x43, 0x44):
            self.take(4 if op == 0x43 else 8)
        elif op == 0xFC:
            op = 0xFC000 | (sub := self.number())
            for _ in range(2 if sub in (8, 10, 12, 14) else 1 if sub > 7 else 0):
                self.number()
        elif op == 0xFD:
            op = 0xFD000 | (sub := self.number())
            if sub <= 11 or sub in (92, 93):
                self.memory_argument()
            elif sub in (12, 13):
                self.take(16)
            elif 21 <= sub <= 34:
                self.byte()
            elif 84 <= sub <= 91:
                self.memory_argument(), self.byte()
        elif op in (0x12, 0x14, 0x15, 0x1F, 0xFB, 0xFE):
            raise Unsupported(f"opcode {op:#x}")
        return op

    def expression(self) -> None:
        """Over a constant expression."""
        while (op := self.byte()) != 0x0B:
            if op in (0x41, 0x42, 0x23, 0xD2, 0xD0):
                self.number()
            elif op == 0x43:
                self.take(4)
            elif op == 0x44:
                self.take(8)
            elif op == 0xFB:
                if (sub := self.number()) in (0, 1, 6, 7):
                    self.number()
                elif sub == 8:
                    self.number(), self.number()
            elif op == 0xFD:
                self.number()
                self.take(16)


def sections_of(module: bytes) -> dict[int, bytes]:
    reader, sections = Reader(module), {}
    reader.take(8)
    while reader.at < len(module):
        identity, data = reader.byte(), reader.counted()
        if identity:
            sections[identity] = data
    return sections


def constant(kind: bytes, choice: int) -> bytes:
    first = kind[0]
    if first in (I32, I64):
        return bytes([0x41 if first == I32 else 0x42]) + signed(VALUES[first][choice % 8])
    if first in (F32, F64):
        return bytes([0x43 if first == F32 else 0x44]) + bytes.fromhex(VALUES[first][choice % 8])
    if first == V128:
        return b"\xfd\x0c" + bytes.fromhex(VALUES[V128][choice % 6])
    if first == 0x63:
        return b"\xd0" + kind[1:]
    if first in REFERENCES:
        return b"\xd0" + kind
    raise Unsupported("a parameter that cannot be null")


def as_integers(kind: bytes, get: bytes) -> tuple[bytes, bytes]:
    """Code that leaves the value that `get` gives as integers, and their types."""
    first = kind[0]
    if first in (I32, I64):
        return get, bytes([first])
    if first in (F32, F64):
        return get + bytes([0xBC if first == F32 else 0xBD]), bytes([I32 if first == F32 else I64])
    if first == V128:
        return get + b"\xfd\x1d\x00" + get + b"\xfd\x1d\x01", bytes([I64, I64])
    return get + b"\xd1", bytes([I32])


class Instrumented:
    """Built up from the sections of a module."""

    def __init__(self, module: bytes):
        self.sections = sections_of(module)
        self.read_types()
        self.read_imports()
        self.read_globals()
        self.read_exports()
        reader = Reader(self.sections.get(3, b"\0"))
        self.functions = self.imported + [reader.number() for _ in range(reader.number())]
        reader = Reader(self.sections.get(10, b"\0"))
        self.bodies = [self.silent(kind) for kind in self.imported] + [reader.counted() for _ in range(reader.number())]
        self.wrappers: list[str] = []
        self.first_wrapper = 0

    def read_types(self) -> None:
        reader = Reader(self.sections.get(1, b"\0"))
        self.groups = reader.number()
        self.types: list[tuple[list[bytes], list[bytes]] | None] = []
        for _ in range(self.groups):
            form = reader.byte()
            count = 1
            if form == 0x4E:
                count, form = reader.number(), reader.byte()
            for i in range(count):
                self.types.append(self.read_type(reader, form if i == 0 else reader.byte()))

    @staticmethod
    def read_type(reader: Reader, form: int) -> tuple[list[bytes], list[bytes]] | None:
        if form in (0x50, 0x4F):
            for _ in range(reader.number()):
                reader.number()
            form = reader.byte()
        if form == 0x60:
            params = [reader.value_type() for _ in range(reader.number())]
            return params, [reader.value_type() for _ in range(reader.number())]
        for _ in range(reader.number() if form == 0x5F else 1):
            reader.value_type()
            reader.byte()
        return None

    def read_imports(self) -> None:
        reader = Reader(self.sections.pop(2, b"\0"))
        self.imported, globals_, tags = [], [], []
        for _ in range(reader.number()):
            reader.counted(), reader.counted()
            kind = reader.byte()
            if kind == 0:
                self.imported.append(reader.number())
            elif kind == 3:
                of = reader.value_type()
                globals_.append(of + reader.take(1) + constant(of, 0) + b"\x0b")
            elif kind == 4:
                tags.append(reader.take(1) + unsigned(reader.number()))
            else:
                raise Unsupported("an import of a table or memory")
        self.put_first(6, globals_)
        self.put_first(13, tags)
        reader = Reader(self.sections.get(5, b"\0"))
        self.memories = [reader.limits() for _ in range(reader.number())]

    def put_first(self, section: int, items: list[bytes]) -> None:
        if items:
            reader = Reader(self.sections.get(section, b"\0"))
            count = reader.number() + len(items)
            self.sections[section] = unsigned(count) + b"".join(items) + reader.data[reader.at:]

    def read_globals(self) -> None:
        reader = Reader(self.sections.get(6, b"\0"))
        self.globals = []
        for _ in range(reader.number()):
            self.globals.append(reader.value_type())
            reader.byte()
            reader.expression()

    def read_exports(self) -> None:
        reader = Reader(self.sections.get(7, b"\0"))
        self.exported, self.hang = [], None
        for _ in range(reader.number()):
            name, kind, index = reader.counted().decode(), reader.byte(), reader.number()
            if kind == 0 and name == "hangLimitInitializer":
                self.hang = index
            elif kind == 0:
                self.exported.append(index)

    def silent(self, kind: int) -> bytes:
        """The body of a function of the type that returns constants."""
        params, results = self.types[kind]
        return b"\0" + b"".join(constant(result, 0) for result in results) + b"\x0b"

    def add(self, name: str, results: bytes, local_types: list[bytes], code: bytes) -> None:
        kind = len(self.types)
        self.types.append(([], [bytes([r]) for r in results]))
        self.sections[1] = self.sections.get(1, b"\0") + b"\x60\x00" + counted(results)
        self.groups += 1
        self.functions.append(kind)
        self.bodies.append(unsigned(len(local_types)) + b"".join(b"\x01" + t for t in local_types) + code + b"\x0b")
        self.wrappers.append(name)

    def canonicalize(self) -> None:
        """Calls a function that makes NaNs canonical behind each vector instruction that may make one: their bits are not defined."""
        if not any(b"\xfd" in body for body in self.bodies):
            return
        first = len(self.functions)
        bodies = []
        for body in self.bodies:
            reader, out, copied = Reader(body), bytearray(), 0
            for _ in range(reader.number()):
                reader.number(), reader.value_type()
            while reader.at < len(body):
                op = reader.instruction()
                if op in F32X4_ARITHMETIC or op in F64X2_ARITHMETIC:
                    out += body[copied:reader.at] + b"\x10" + unsigned(first + (op in F64X2_ARITHMETIC))
                    copied = reader.at
            bodies.append(bytes(out) + body[copied:])
        self.bodies = bodies
        for nan, not_equal in ((b"\0\0\xc0\x7f" * 4, 66), (b"\0\0\0\0\0\0\xf8\x7f" * 2, 72)):
            code = b"\xfd\x0c" + nan + b"\x20\x00" * 3 + b"\xfd" + unsigned(not_equal) + b"\xfd" + unsigned(82)
            self.functions.append(len(self.types))
            self.bodies.append(b"\0" + code + b"\x0b")
        self.types.append(([bytes([V128])], [bytes([V128])]))
        self.sections[1] = self.sections.get(1, b"\0") + b"\x60\x01\x7b\x01\x7b"
        self.groups += 1

    def add_call(self, name: str, function: int, choice: int) -> None:
        params, results = self.types[self.functions[function]]
        code = b"\x10" + unsigned(self.hang) if self.hang is not None else b""
        code += b"".join(constant(param, choice + i) for i, param in enumerate(params)) + b"\x10" + unsigned(function)
        if any(r[0] == 0x64 for r in results):  # no local can hold it before it is set
            code += b"\x1a" * len(results)
            return self.add(name, b"", [], code)
        code += b"".join(b"\x21" + unsigned(i) for i in reversed(range(len(results))))
        types = b""
        for i, result in enumerate(results):
            integers, kinds = as_integers(result, b"\x20" + unsigned(i))
            code, types = code + integers, types + kinds
        return self.add(name, types, results, code)

    def hash_code(self, memory: int, whole: bool) -> bytes:
        """Leaves an i64; uses locals 0 (i64) and 1 (the memory's address type)."""
        flags, least = self.memories[memory]
        wide = flags & 4
        const, add, lt, mul = (0x42, 0x7C, 0x54, 0x7E) if wide else (0x41, 0x6A, 0x49, 0x6C)
        address = b"\x20" + unsigned(2 if wide else 1)
        size = bytes([0x3F]) + unsigned(memory) + bytes([const]) + signed(65536) + bytes([mul]) if whole \
            else bytes([const]) + signed(64 if least else 0)
        load = b"\x29" + (b"\x43" + unsigned(memory) if memory else b"\x03") + b"\x00"
        step = b"\x20\x00\x42\x05\x89" + address + load + b"\x85\x21\x00" + address + bytes([const, 8, add]) + b"\x21" + address[1:]
        return b"\x42\x00\x21\x00" + bytes([const, 0]) + b"\x21" + address[1:] + b"\x02\x40\x03\x40" + address + size + bytes([lt]) \
            + b"\x45\x0d\x01" + step + b"\x0c\x00\x0b\x0b\x20\x00"

    def add_state(self, name: str, whole: bool) -> None:
        code = types = b""
        for index, kind in enumerate(self.globals if not whole else []):
            integers, kinds = as_integers(kind, b"\x23" + unsigned(index))
            code, types = code + integers, types + kinds
        for memory in range(len(self.memories)):
            code, types = code + self.hash_code(memory, whole), types + bytes([I64])
        self.add(name, types, [bytes([I64]), bytes([I32]), bytes([I64])], code)

    def bytes(self) -> bytes:
        reader = Reader(self.sections[1])
        reader.number()
        self.sections[1] = unsigned(self.groups) + self.sections[1][reader.at:]
        self.sections[3] = unsigned(len(self.functions)) + b"".join(map(unsigned, self.functions))
        exports = [counted(name.encode()) + b"\0" + unsigned(self.first_wrapper + i) for i, name in enumerate(self.wrappers)]
        self.sections[7] = unsigned(len(exports)) + b"".join(exports)
        self.sections[10] = unsigned(len(self.bodies)) + b"".join(map(counted, self.bodies))
        order = [1, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
        return b"\0asm\x01\0\0\0" + b"".join(bytes([i]) + counted(self.sections[i]) for i in order if i in self.sections)


def instrument(module: bytes, canonicalize: bool = False) -> bytes:
    made = Instrumented(module)
    if canonicalize:
        made.canonicalize()
    made.first_wrapper = len(made.functions)
    for number, function in enumerate(made.exported):
        try:
            made.add_call(f"c{number}", function, number)
        except Unsupported:
            continue
        made.add_state(f"s{number}", whole=False)
    made.add_state("end", whole=True)
    return made.bytes()
