"""What a process sets before it computes and what can change a number; all of it enters every key.

On a CPU, one thread always adds in the same order, so a trial is reproducible bit for bit, interrupted or
not. On a GPU, nothing of the kind is promised: cuDNN uses the algorithms that it measures as fastest, which
may be others in another run, and some of which add in any order. So two runs of a trial differ as two
roundings do. fp32 means fp32 on both: no TF32.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.device import DeviceKind


@dataclass(frozen=True)
class Numerics:
    """Threads of one process on a CPU; whether cuDNN may only use deterministic algorithms; TF32."""

    threads: int = 1
    deterministic: bool = True
    tf32: bool = False


NUMERICS = Numerics()


def usual(kind: DeviceKind) -> Numerics:
    """The settings for trials on this kind of device."""
    return Numerics(deterministic=kind is DeviceKind.CPU)


def apply(numerics: Numerics) -> None:
    """Applies the settings to this process; the thread count decides in which order a CPU adds numbers."""
    import torch

    torch.set_num_threads(numerics.threads)
    torch.backends.cudnn.deterministic = numerics.deterministic
    torch.backends.cudnn.benchmark = not numerics.deterministic
    torch.backends.cuda.matmul.allow_tf32 = numerics.tf32
    torch.backends.cudnn.allow_tf32 = numerics.tf32  # for convolutions, where PyTorch's default is True
