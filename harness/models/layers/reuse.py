"""Reused memory for large results: on a CPU, fresh memory costs a page fault per page.

149 MB from the system cost 60 ms of page faults, as much as a fused layer's arithmetic. A GPU's allocator
keeps freed memory for the next request of the same size, and so does this. Memory comes back here when
PyTorch drops the last tensor in it, wherever that is: PyTorch then releases the underlying buffer.
"""

from __future__ import annotations

import ctypes
import weakref

import torch
from torch import Tensor

LEAST = 8 << 20  # bytes from which reuse pays off
MOST = 1 << 30  # bytes kept idle at most; the longest idle go first

_idle: dict[int, Tensor] = {}  # by address, the longest idle first


def fresh(like: Tensor) -> Tensor:
    """A tensor of the same shape, type and layout, with arbitrary values; `like` has no gaps."""
    if like.device.type != "cpu" or like.nbytes < LEAST:
        return torch.empty_like(like)
    memory = _taken(like.nbytes)
    buffer = (ctypes.c_char * like.nbytes).from_address(memory.data_ptr())
    weakref.finalize(buffer, _give_back, memory).atexit = False
    return torch.frombuffer(buffer, dtype=like.dtype).as_strided(like.shape, like.stride())


def _taken(size: int) -> Tensor:
    for address, memory in list(_idle.items()):
        if memory.nbytes == size and _idle.pop(address, None) is not None:  # unless another thread was faster
            return memory
    return torch.empty(size, dtype=torch.uint8)


def _give_back(memory: Tensor) -> None:
    _idle[memory.data_ptr()] = memory
    for address, kept in list(_idle.items()):
        if sum(m.nbytes for m in list(_idle.values())) > MOST:
            _idle.pop(address, kept)
