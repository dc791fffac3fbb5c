"""Made-up results of workloads, and ways whose turns are made up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.bench.statistics import spread
from harness.bench.workload import Asked, Player, Unit, Way, WayKind, WayResult, Work, WorkloadResult
from harness.contract.device import CPU
from harness.contract.trial import Precision


def measured(name: str, **rates: float) -> WorkloadResult:
    """A workload in which ours and others processed this many images per second, three times."""
    ours = next(iter(rates.values()), 1.0)
    rows = tuple(
        WayResult(
            way.replace("_", " "),
            WayKind.STOCK if place else WayKind.OURS,
            spread([rate] * 3),
            (rate,) * 3,
            spread([ours / rate] * 3),
        )
        for place, (way, rate) in enumerate(rates.items())
    )
    return WorkloadResult(name, "made up", Unit.RATE, 128, Precision.FP32, 3, 1.0, None, rows, {})


def asked(folder: Path, seconds: float = 0.01, rounds: int = 2, images: int | None = 32) -> Asked:
    """The smallest possible request, on the CPU."""
    return Asked(CPU, Precision.FP32, seconds, rounds, folder, folder, folder / "results", images=images)


def counting() -> Mapping[str, Work]:
    """Work that is done at once, work made of products, and work that fails, ends its process, or hangs."""
    works = {"ours": float, "products": _products, "broken": _broken}
    return {**works, "dying": _dying, "hanging": _hanging}


def _products(batch: int) -> float:
    import torch

    square = torch.ones(300, 300)
    for _ in range(batch):
        torch.mm(square, square)
    return batch


def _broken(batch: int) -> float:
    raise RuntimeError("CUDA out of memory:\n tried to allocate")


def _dying(batch: int) -> float:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def _hanging(batch: int) -> float:
    import time

    time.sleep(60)
    return 0.0


def unable() -> Mapping[str, Work]:
    """A player that cannot get ready."""
    raise ImportError("libcudart.so.12: cannot open shared object file")


PLAYER = Player(counting, (), threads=1)


def way(name: str, kind: WayKind = WayKind.STOCK, player: Player = PLAYER, ceiling: str = "") -> Way:
    """A way of `counting`."""
    return Way(name, kind, player, ceiling)
