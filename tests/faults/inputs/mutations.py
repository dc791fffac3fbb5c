"""Damage: bytes changed anywhere, and JSON of another shape, with odd numbers and strings."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

RAW = re.compile(r'"@@([^@"]*)@@"')  # what JSON can spell and Python's values cannot
SCRIPT = "</script><script>alert(1)</script>"
TEXTS = (
    "", "\x00", "\x1b[2J", "\u202e", "\ud800", "é" * 300, "[/x]", "[bold]", "../../etc/passwd", SCRIPT, "|",
    "%s%n", "{{ 7 * 7 }}", "\r\n# a heading", "NaN", "1e999", "cpu", "failed", "diverged", "a" * 5000,
)  # fmt: skip
NUMBERS = (0, -1, 1, 2, 0.5, -0.0, 1e-320, 1e39, -1e39, 1e308, 2**31, 2**53, 2**63, 2**64, 10**30, True)
RAWS = ("@@NaN@@", "@@-Infinity@@", "@@1e999@@", f"@@1{'0' * 400}@@", f"@@{'9' * 5000}@@")
ODD: tuple[Any, ...] = (None, [], {}, [[]], {"is": "Trial"}, *TEXTS, *NUMBERS, *RAWS)
DEPTHS = (10, 40, 300, 3000, 100_000)


def harmed(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """The content with one to four kinds of damage, one of which inserts a piece of another file."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice(HARMS)(content, other, chance)
    return content


def _place(content: bytes, chance: random.Random) -> int:
    """Anywhere, but more often near the beginning, where files say what they are."""
    most = min(len(content), 64) if chance.random() < 0.4 else len(content)
    return chance.randrange(most + 1)


def _flip(content: bytes, other: bytes, chance: random.Random) -> bytes:
    if not content:
        return content
    at = _place(content[:-1], chance)
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def _cut(content: bytes, other: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _drop(content: bytes, other: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + content[at + chance.randrange(1, 64) :]


def _insert(content: bytes, other: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + chance.randbytes(chance.randrange(1, 64)) + content[at:]


def _repeat(content: bytes, other: bytes, chance: random.Random) -> bytes:
    at, size = _place(content, chance), chance.randrange(1, 64)
    return content[:at] + content[at : at + size] * chance.randrange(2, 30) + content[at:]


def _number(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """A length, a width or an offset becomes nothing, or as large as its bytes allow."""
    at, size = _place(content, chance), chance.choice((1, 2, 4, 8))
    value = chance.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (8 * size - 1) - 1))
    written = value.to_bytes(size, chance.choice(("little", "big")))  # type: ignore[arg-type]
    return content[:at] + written + content[at + size :]


def _splice(content: bytes, other: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)] + other[_place(other, chance) :]


HARMS: Sequence[Callable[[bytes, bytes, random.Random], bytes]] = (
    _flip, _flip, _cut, _drop, _insert, _repeat, _number, _number, _splice,
)  # fmt: skip


def reshaped(text: bytes, chance: random.Random) -> str:
    """JSON with one to three places changed to any of ODD, or to deep nesting."""
    value = json.loads(text)
    for _ in range(chance.choice((1, 1, 2, 3))):
        _reshape(value, chance)
    return spelled(value)


def spelled(value: Any) -> str:
    """JSON with numbers that no double can hold, and with more levels than Python can recurse through."""
    return RAW.sub(lambda found: _deep(found[1]), json.dumps(value))


def _deep(raw: str) -> str:
    if raw.startswith("deep"):
        kind, depth = raw[4], int(raw[5:])
        return "[" * depth + "]" * depth if kind == "[" else '{"a":' * depth + "1" + "}" * depth
    return raw


def _reshape(value: Any, chance: random.Random) -> None:
    """Descends at random, and changes what it reaches."""
    while isinstance(value, (dict, list)) and value:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        below = value[key]
        if not (isinstance(below, (dict, list)) and below) or chance.random() < 0.25:
            _change(value, key, chance)
            return
        value = below


def _change(holder: Any, key: Any, chance: random.Random) -> None:
    kind = chance.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[chance.choice(TEXTS)] = holder.pop(key)
    elif kind == 2:
        holder[key] = [holder[key]] * chance.randrange(1, 4)
    elif kind == 3:
        holder[key] = f"@@deep{chance.choice('[{')}{chance.choice(DEPTHS)}@@"
    elif kind == 4 and isinstance(holder[key], (int, float)):
        holder[key] = holder[key] * chance.choice((-1, 1e-9, 1e9, 1e30))
    elif kind == 5 and isinstance(holder[key], str):
        holder[key] += chance.choice(TEXTS)
    else:
        holder[key] = deepcopy(chance.choice(ODD))  # what is inserted may be changed next
