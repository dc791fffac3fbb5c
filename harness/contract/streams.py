"""One seed fans out, by name, into independent streams of randomness.

A stream is named by its purpose and its place in the training (`"order", epoch`), so it can be resumed
anywhere without being replayed, and drawing more from one stream never moves another.
"""

from __future__ import annotations

import hashlib

import torch


def stream_seed(seed: int, *name: object) -> int:
    """A 63-bit seed that depends on all of `seed` and `name`."""
    text = "/".join([str(seed), *map(str, name)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *name: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator at the start of the named stream.

    Streams that decide (initialisation, order, crops) are drawn on the CPU, so that every device sees
    the same ones; only bulk noise such as dropout masks is drawn where it is used.
    """
    return torch.Generator(device).manual_seed(stream_seed(seed, *name))
