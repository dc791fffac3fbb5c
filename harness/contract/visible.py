"""Untrusted text made safe to show: characters that are hidden, or that move other text, become visible.

A control character can clear a terminal, and a text-direction override can make a page say the opposite of
what it holds. Each is shown by its code point: an escape as a backslash and `u001b`.
"""

from __future__ import annotations

import json
import re

# Control characters other than tab and line feed; direction marks and overrides, zero-width characters, tags;
# surrogates, which no file can hold (and which stand for the bytes of a file name that is not UTF-8).
HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
HALVES = "\ud800-\udfff"
_ANY = re.compile(f"[{HIDDEN}{HALVES}]")
# A backslash is matched with the character after it, so that neither is taken for the start of an escape.
_IN_JSON = re.compile(
    rf"(?P<escape>\\u[dD][89abAB][\da-fA-F]{{2}}\\u[dD][c-fC-F][\da-fA-F]{{2}}|\\u[\da-fA-F]{{4}}|\\[bfr])"
    rf"|\\.|[{HIDDEN}]"
)


def visible(text: str) -> str:
    """The text with its hidden characters spelled out."""
    return text if text.isascii() and text.isprintable() else _ANY.sub(lambda found: _spelled(found[0]), text)


def visible_json(data: bytes) -> bytes:
    """JSON whose strings, once decoded, are `visible`; UnicodeDecodeError if `data` is not UTF-8."""
    if data.isascii() and b"\\" not in data and b"\x7f" not in data:  # as nearly all of ours is
        return data
    return _IN_JSON.sub(_spelled_in_json, data.decode()).encode()


def _spelled_in_json(found: re.Match[str]) -> str:
    character = json.loads(f'"{found[0]}"') if found["escape"] else found[0]
    return f"\\{_spelled(character)}" if _ANY.fullmatch(character) else found[0]


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
