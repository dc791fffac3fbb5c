"""The machine's GPUs as torch sees them, and those that workers are spread over."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.contract.device import Device

PER_GPU = 4  # workers: small networks do not fill a GPU


def count() -> int:
    """The number of GPUs that torch can use; imports torch, which takes seconds, unless there can be none."""
    if not _driver():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _driver() -> bool:
    """Whether a GPU driver may be present: without its library, or AMD's device, torch finds no GPU."""
    if sys.platform != "linux" or Path("/dev/kfd").exists():
        return True
    with suppress(OSError):
        ctypes.CDLL("libcuda.so.1")
        return True
    return False


def name(device: Device) -> str | None:
    """Torch's name of the GPU; None for a CPU, or if torch cannot reach it.

    Torch numbers GPUs by CUDA_VISIBLE_DEVICES and by speed, unlike `nvidia-smi`.
    """
    if device.cuda:
        import torch

        with suppress(RuntimeError, AssertionError):  # no driver, no such GPU, or a torch without CUDA
            return torch.cuda.get_device_name(device.index or 0)
    return None


def each(device: Device) -> tuple[Device, ...]:
    """The devices that workers are spread over: for `cuda` every GPU like the first, else only the device.

    GPUs of other models are left out: an experiment with runs on different models would be invalid.
    """
    if not device.cuda or device.index is not None or device.count > 1:
        return (device,)
    first, *others = (replace(device, index=index) for index in range(max(1, count())))
    return (first, *(other for other in others if name(other) == name(first)))


def use(device: Device) -> None:
    """Makes this thread use the GPU: work that names no device would otherwise go to the first one."""
    if device.cuda and device.index is not None:
        import torch

        torch.cuda.set_device(device.index)


def begin(device: Device) -> None:
    """Frees what earlier trials of this process left on the GPU; its peak memory counts from now on."""
    if device.cuda:
        import torch

        gc.collect()
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device.torch)
