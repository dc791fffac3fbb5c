"""What the numbers were measured on: hardware, versions, code. Does not import torch."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.contract import plugins
from harness.contract.device import Device, DeviceKind
from harness.contract.trial import Precision
from harness.records.provenance import provenance

PACKAGES = ("torch", "torchvision", "numpy", "numba", "scipy", "pillow")
# A CPU with one of these multiplies bf16 faster than fp32; others emulate it, ten times slower than fp32.
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
AMPERE = 8.0  # the first compute capability with bf16


def torch_version() -> str:
    """The installed torch's version without its build tag, from the package's metadata."""
    return (version("torch") or "none").split("+")[0]


@cache
def describe(device: Device, gpu: str | None = None) -> dict[str, Any]:
    """Hardware, versions and the state of the code, for the records of trials on `device`.

    `gpu` is the name of the GPU that was used, if the caller knows it; otherwise the driver is asked.
    """
    code = provenance()
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_bytes() / 2**30, 1),
        "gpu": (gpu or gpu_name(device.index or 0)) if device.cuda else None,
        "os": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        **({"plugins": brought} if (brought := plugins.versions()) else {}),
        "commit": code.commit,
        "dirty": code.dirty,
        "source": code.source,
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's name, as reported by the operating system."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def gpu_name(index: int = 0) -> str | None:
    """The name of an NVIDIA GPU by the driver's numbering, not always torch's; None without one."""
    return _gpu("name", index)


def hardware(device: Device) -> str | None:
    """The name of the CPU or GPU; None for a GPU that is missing or does not identify itself."""
    return gpu_name(device.index or 0) if device.cuda else cpu_name()


def has_bf16(kind: DeviceKind) -> bool:
    """Whether the device supports bf16 natively: GPUs from Ampere on, CPUs with AVX512-BF16 or AMX.

    A GPU that is missing or does not identify itself is assumed to be recent.
    """
    if kind is DeviceKind.CPU:
        return bool(_cpu_flags() & BF16_FLAGS)
    with suppress(ValueError):
        return float(_gpu("compute_cap") or AMPERE) >= AMPERE
    return True


def best_precision(kind: DeviceKind) -> Precision:
    """What `auto` means: bf16 where the hardware supports it, else fp32."""
    return Precision.BF16 if has_bf16(kind) else Precision.FP32


@cache
def _cpu_flags() -> set[str]:
    """The processor's features as named by the kernel (x86: flags, Arm: Features)."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return set(line.split(":", 1)[1].split())
    return set()


@cache
def _gpu(field: str, index: int = 0) -> str | None:
    lines = _output(["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]).splitlines()
    return lines[index].strip() if index < len(lines) else None


@cache
def version(package: str) -> str | None:
    """The version of a package, as installed when first asked for, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0


def _output(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
