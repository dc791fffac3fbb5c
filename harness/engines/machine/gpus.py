"""GPUs of the machine as torch sees them, and which of them workers are dealt out among."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.contract.device import Device

PER_GPU = 4  # workers: small networks leave room for one another


def count() -> int:
    """GPUs that torch can use; imports torch, which takes seconds, unless there surely are none."""
    if not _driver():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _driver() -> bool:
    """Whether a GPU's driver may be there: without its library, or AMD's device, torch finds no GPU."""
    if sys.platform != "linux" or Path("/dev/kfd").exists():
        return True
    with suppress(OSError):
        ctypes.CDLL("libcuda.so.1")
        return True
    return False


def name(device: Device) -> str | None:
    """What torch calls the GPU; None for a CPU, or where torch cannot reach it.

    Torch numbers GPUs by CUDA_VISIBLE_DEVICES and by speed, which `nvidia-smi` knows nothing of.
    """
    if device.cuda:
        import torch

        with suppress(RuntimeError, AssertionError):  # no driver, no such GPU, or a torch without CUDA
            return torch.cuda.get_device_name(device.index or 0)
    return None


def each(device: Device) -> tuple[Device, ...]:
    """The devices that workers are dealt out among: for `cuda` every GPU like the first, else itself alone.

    A GPU of another model stands aside: an experiment whose runs differ in it would be invalid.
    """
    if not device.cuda or device.index is not None or device.count > 1:
        return (device,)
    first, *others = (replace(device, index=index) for index in range(max(1, count())))
    return (first, *(other for other in others if name(other) == name(first)))


def use(device: Device) -> None:
    """From now on this thread works on the GPU: what names no device would else go to the first one."""
    if device.cuda and device.index is not None:
        import torch

        torch.cuda.set_device(device.index)
