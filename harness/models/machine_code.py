"""Functions over NumPy arrays as machine code, by Numba: one pass for what takes PyTorch many operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba

# A multiplication and an addition may be fused, and nothing else: roots and quotients are rounded as IEEE has
# it, so that all processors that can fuse give the same bits.
_jit: Any = partial(numba.njit, nogil=True, fastmath={"contract"}, error_model="numpy")


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled when first called, and kept for later processes if there is a place for it."""
    try:
        return _jit(cache=True)(function)
    except RuntimeError:  # neither beside the function's file nor in the user's cache
        return _jit()(function)


def inlined(function: Callable[..., Any]) -> Any:
    """The function for use inside compiled ones: what is constant in those is constant in it."""
    return _jit(inline="always")(function)
