"""Functions over NumPy arrays as machine code, by Numba: one pass for what takes PyTorch many operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding

# A multiplication and an addition may be fused, and nothing else: roots and quotients are rounded exactly.
_jit: Any = partial(numba.njit, nogil=True, fastmath={"contract"}, error_model="numpy")


def compiled(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Compiles a function for arguments of these types, and keeps the code for later processes if it can.

    The function may close over numbers, which its code is made for.
    """

    def compile_(function: Callable[..., Any]) -> Any:
        try:
            function.__qualname__ += f"_{_identity(function, signature)}"
            return _jit(signature, cache=True)(function)
        except Exception:  # no place to keep it, or what was kept is damaged; the function's own fault recurs
            return _jit(signature)(function)

    return compile_


def inlined(function: Callable[..., Any]) -> Any:
    """A function for use in compiled ones; what is constant there is constant in it."""
    return _jit(inline="always")(function)


def _identity(function: Callable[..., Any], signature: str) -> str:
    """A digest of everything that decides the machine code.

    Numba names its files by the function and notes in them which code is for what, without a lock. So that
    processes cannot take each other's code for theirs, no two codes share a name.
    """
    sources = [Path(file).read_bytes() for file in (function.__code__.co_filename, __file__)]
    numbers = [cell.cell_contents for cell in function.__closure__ or ()]
    processor = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    known = repr((sources, numbers, signature, processor, numba.__version__))
    return hashlib.sha256(known.encode()).hexdigest()[:16]
