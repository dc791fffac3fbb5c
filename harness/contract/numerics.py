"""What a process sets before it computes and what can change a number: it is counted and enters every key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Numerics:
    """Threads of one process on a CPU, and whether cuDNN may only use algorithms that repeat themselves."""

    threads: int = 1
    deterministic: bool = True


NUMERICS = Numerics()


def apply(numerics: Numerics) -> None:
    """Sets this process up; the thread count decides in which order a CPU adds numbers."""
    import torch

    torch.set_num_threads(numerics.threads)
    torch.backends.cudnn.deterministic = numerics.deterministic
