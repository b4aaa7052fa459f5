# SPDX-License-Identifier: MIT
"""Modules that are too large to be written as text."""


def leb(number: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb(len(content)) + content


def live_values(count: int, recurse: bool = False) -> bytes:
    """A module whose function `run` has `count` i64 values on the operand stack while it makes a call, of itself or of a function
    that returns 0, so that they lie in its frame. Its result is their sum: each is 3, read from memory."""
    body = bytearray(b"\x00")  # no locals
    for _ in range(count):
        body += b"\x41\x08\x29\x03\x00"  # i32.const 8, i64.load
    body += b"\x10" + (b"\x00" if recurse else b"\x01")  # call
    body += b"\x7c" * count + b"\x0b"  # i64.add
    leaf = b"\x00\x42\x00\x0b"
    return b"".join([
        b"\0asm\1\0\0\0", section(1, b"\x01\x60\x00\x01\x7e"), section(3, b"\x02\x00\x00"), section(5, b"\x01\x00\x01"),
        section(7, b"\x01\x03run\x00\x00"), section(10, b"\x02" + leb(len(body)) + body + leb(len(leaf)) + leaf),
        section(11, b"\x01\x00\x41\x08\x0b\x08\x03" + bytes(7)),
        section(0, b"\x04name" + section(1, b"\x01\x00\x0bmany_values")),
    ])


def many_functions(size: int) -> bytes:
    """About `size` bytes of functions, the first of which is `run`; their code is somewhat larger than that."""
    triple = b"\x41\x08\x41\x08\x29\x03\x00\x42\x03\x7e\x37\x03\x00"  # i64.store (8) (i64.mul (i64.load (8)) 3)
    body = b"\x00" + triple * 100 + b"\x42\x00\x0b"
    entry = leb(len(body)) + body
    count = size // (len(entry) + 1)
    return b"".join([
        b"\0asm\1\0\0\0", section(1, b"\x01\x60\x00\x01\x7e"), section(3, leb(count) + bytes(count)), section(5, b"\x01\x00\x01"),
        section(7, b"\x01\x03run\x00\x00"), section(10, leb(count) + entry * count),
    ])


def hello() -> bytes:
    """A program that writes "hello" and a newline with fd_write."""
    data = b"\x08\0\0\0\x06\0\0\0hello\n"  # one iovec, and what it names
    body = b"\x00\x41\x01\x41\x00\x41\x01\x41\x20\x10\x00\x1a\x0b"
    return b"".join([
        b"\0asm\1\0\0\0", section(1, b"\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00"),
        section(2, b"\x01\x16wasi_snapshot_preview1\x08fd_write\x00\x00"), section(3, b"\x01\x01"), section(5, b"\x01\x00\x01"),
        section(7, b"\x02\x06memory\x02\x00\x06_start\x00\x01"), section(10, b"\x01" + leb(len(body)) + body),
        section(11, b"\x01\x00\x41\x00\x0b" + leb(len(data)) + data),
    ])
