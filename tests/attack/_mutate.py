# SPDX-License-Identifier: MIT
"""Damages of files, drawn from a generator of random numbers: of any bytes, of text, of zip archives."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from random import Random

SPECIAL_BYTES = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x20, 0x22, 0x27, 0x28, 0x2C, 0x30, 0x39)
SPECIAL_WORDS = (
    *("0", "-1", "1", "2", "3", "1e308", "-1e308", "1e400", "5e-324", "nan", "inf", "-inf", "1_0", "\u0663", "0x10"),
    *("99999999999999999999", "2147483648", "4294967297", "9223372036854775808", "1e30", "1.5", "x", "", "//", "\x00"),
)


def mutated_bytes(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """One to four damages: bits, bytes, truncation, chunks removed, doubled, moved, or taken from another file."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not result:
            return bytes(result)
        at = rng.randrange(len(result))
        size = min(len(result) - at, rng.choice((1, 2, 4, 8, 16, 64, 256)))
        kind = rng.randrange(9)
        if kind == 0:
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            result[at] = rng.choice(SPECIAL_BYTES)
        elif kind == 2:
            del result[at:]
        elif kind == 3:
            del result[at : at + size]
        elif kind == 4:
            result[at:at] = result[at : at + size]
        elif kind == 5:
            other = rng.choice(others)
            start = rng.randrange(len(other) or 1)
            result[at : at + size] = other[start : start + size]
        elif kind == 6:
            result[at : at + size] = rng.randbytes(size)
        elif kind == 7:
            number = rng.choice((0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, rng.getrandbits(64)))
            form, width = rng.choice((("<H", 2), ("<I", 4), ("<Q", 8)))
            result[at : at + width] = struct.pack(form, number % (1 << (8 * width)))
        else:
            chunk = result[at : at + size]
            del result[at : at + size]
            to = rng.randrange(len(result) + 1)
            result[to:to] = chunk
    return bytes(result)


def mutated_text(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damages of a comma-separated text: its words, its lines, or its bytes."""
    if rng.random() < 0.3:
        return mutated_bytes(rng, data, others)
    lines = [line.split(",") for line in data.decode().split("\n")]
    for _ in range(rng.choice((1, 1, 2, 3))):
        line = rng.randrange(len(lines))
        word = rng.randrange(len(lines[line]))
        kind = rng.randrange(6)
        if kind < 2:
            lines[line][word] = rng.choice(SPECIAL_WORDS)
        elif kind == 2:
            del lines[line][word]
        elif kind == 3:
            lines[line].insert(word, rng.choice(SPECIAL_WORDS))
        elif kind == 4:
            lines[line] = list(rng.choice(lines))
        else:
            lines.insert(line, [rng.choice(SPECIAL_WORDS) for _ in range(rng.randrange(5))])
        lines = [entry or [""] for entry in lines] or [[""]]
    return "\n".join(",".join(line) for line in lines).encode("utf-8", "surrogatepass")


def mutated_archive(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damages of a zip archive: of its bytes, or of its members, which are packed again with right checksums."""
    if rng.random() < 0.3:
        return mutated_bytes(rng, data, others)
    members = _members(data)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(members))
        name, body = members[at]
        kind = rng.randrange(8)
        if kind < 4:
            members[at] = (name, _mutated_array(rng, body, [other for _, other in members]))
        elif kind == 4:
            del members[at]
            members = members or [("x.npy", b"")]
        elif kind == 5:
            members.insert(at, rng.choice(_members(rng.choice(others))))
        elif kind == 6:
            members[at] = (rng.choice(members)[0], body)
        else:
            members[at] = (rng.choice(("", "weights_9.npy", "withstand", "../x.npy", name[:-1], name + "\u2603")), body)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, body in {name: body for name, body in members}.items():
            archive.writestr(zipfile.ZipInfo(name), body, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    result = packed.getvalue()
    return mutated_bytes(rng, result, others) if rng.random() < 0.15 else result


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


_TYPES = (
    "<f8",
    ">f8",
    "<f4",
    "<f2",
    "<i8",
    "|u1",
    "|O",
    "<U1",
    "<U7",
    "|S3",
    "<c16",
    "<M8[s]",
    "|V8",
    "<f16",
    "<f99999",
)
_SHAPES = (
    "()",
    "(0,)",
    "(1,)",
    "(2,)",
    "(3, 2)",
    "(2, 3)",
    "(-1,)",
    "(99999999999,)",
    "(9223372036854775807, 2)",
    "(1, 1, 1)",
)
_ODD = (
    "[('a', '<f8')]",
    "None",
    "(" * 90 + ")" * 90,
    "1j",
    "'",
    "{'a': 1}",
    "__import__('os')",
    "lambda: 0",
    "\\",
    "True",
)


def _mutated_array(rng: Random, body: bytes, others: Sequence[bytes]) -> bytes:
    """Damages of an .npy file: another header over the same numbers, or any bytes."""
    if rng.random() < 0.4 or len(body) < 12:
        return mutated_bytes(rng, body, others)
    length = int.from_bytes(body[8:10], "little")
    header, numbers = body[10 : 10 + length].decode("latin-1"), body[10 + length :]
    old = header.split("'shape': ")[-1].split(", }")[0]
    kind = rng.randrange(5)
    if kind == 0:
        header = header.replace("<f8", rng.choice(_TYPES)).replace("<i8", rng.choice(_TYPES))
    elif kind == 1:
        header = header.replace(old, rng.choice((*_SHAPES, *_ODD)))
    elif kind == 2:
        header = header.replace("False", rng.choice(("True", "0", "None", *_ODD)))
    elif kind == 3:
        header = rng.choice(_ODD) + header if rng.random() < 0.5 else header[: rng.randrange(len(header) + 1)] + "\n"
    else:
        numbers = numbers[: rng.randrange(len(numbers) + 1)] + rng.randbytes(rng.choice((0, 8)))
    version = rng.choice((b"\1\0", b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\4\0"))
    text = header.encode("latin-1", "replace")
    size = struct.pack("<H" if version in (b"\1\0", b"\4\0") else "<I", len(text))
    return b"\x93NUMPY" + version + size + text + numbers
