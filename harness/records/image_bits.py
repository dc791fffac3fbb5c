"""One bit per image: which test images a run got wrong, small enough to keep in its record.

The images are a sample too: an interval that covers other possible images needs each one's outcome.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reading records does not need it
    import numpy as np


def packed(flags: Sequence[bool] | np.ndarray) -> str:
    """Flags as base64 text, eight to a byte, the first in the highest bit."""
    import numpy as np

    return base64.b64encode(np.packbits(np.asarray(flags, dtype=bool)).tobytes()).decode("ascii")


def unpacked(text: str, count: int) -> np.ndarray:
    """The `count` flags of a `packed` text, bool (count,); ValueError if it holds another number."""
    import numpy as np

    return np.unpackbits(np.frombuffer(held(text, count), np.uint8), count=count).astype(bool)


def held(text: str, count: int) -> bytes:
    """The bytes of a `packed` text; ValueError if they do not fit `count` flags."""
    found = base64.b64decode(text, validate=True)
    if len(found) != -(-count // 8):
        raise ValueError(f"{len(found)} bytes do not hold the bits of {count} images")
    return found
