"""One bit an image: which test images a run got wrong, small enough to be kept in its record.

The images are a sample too: an interval for others that might have been drawn needs each one's outcome.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np


def packed(flags: Sequence[bool] | np.ndarray) -> str:
    """Flags as base64 text, eight to a byte, the first in the highest bit."""
    return base64.b64encode(np.packbits(np.asarray(flags, dtype=bool)).tobytes()).decode("ascii")


def unpacked(text: str, count: int) -> np.ndarray:
    """The `count` flags of a `packed` text, bool (count,); ValueError where it holds another number."""
    held = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    if len(held) != -(-count // 8):
        raise ValueError(f"{len(held)} bytes do not hold the bits of {count} images")
    return np.unpackbits(held, count=count).astype(bool)
