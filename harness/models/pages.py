"""Large results in large pages: fresh memory costs a fault a page, and 149 MB in 4 KiB pages 60 ms of them.

Linux gives 2 MiB pages to who asks (madvise), but where memory is fragmented it first tidies up, longer than
all small faults would take. So they are asked for only where far more than enough lie free.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

LARGE = 1 << 21  # bytes of a large page
ORDER = 9  # a large page is 2^9 pages of 4 KiB
MADV_HUGEPAGE = 14
LEAST, SPARE = 8, 4  # large pages from which it is worth it; how many times as many have to lie free


def fresh(like: Tensor) -> Tensor:
    """An empty tensor of the same shape, type and layout."""
    out = torch.empty_like(like)
    advise = _madvise() if out.device.type == "cpu" and out.nbytes >= LEAST * LARGE else None
    start = -(-out.data_ptr() // LARGE) * LARGE
    pages = (out.data_ptr() + out.nbytes - start) // LARGE
    if advise and lying_free() >= SPARE * pages:
        advise(ctypes.c_void_p(start), ctypes.c_size_t(pages * LARGE), MADV_HUGEPAGE)
    return out


def lying_free(buddyinfo: Path = Path("/proc/buddyinfo")) -> int:
    """Large pages' worth of unbroken free memory; 0 where the system does not say."""
    try:
        lines = buddyinfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    counts = [line.split()[4 + ORDER :] for line in lines]  # behind "Node 0, zone Normal": one count an order
    return sum(int(count) << order for found in counts for order, count in enumerate(found))


@cache
def _madvise() -> Callable[..., int] | None:
    """The system's `madvise`, where it is Linux's and a small page has 4 KiB."""
    if not sys.platform.startswith("linux") or os.sysconf("SC_PAGE_SIZE") << ORDER != LARGE:
        return None
    return getattr(ctypes.CDLL(None), "madvise", None)
