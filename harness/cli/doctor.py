"""What this machine can run, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli.tables import print_rows
from harness.contract.errors import DataError, HarnessError
from harness.data import sources
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.records import environment
from harness.records.store import Store

CHECKS = {True: "ok", False: "MISSING"}


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it is well, what was seen, and what mends it."""

    name: str
    ok: bool
    seen: str
    mend: str = ""


def show(data_dir: Path | None, results_dir: Path, as_json: bool, console: Console) -> bool:
    """Prints every check; whether all is well."""
    checks = list(examine(data_dir, results_dir))
    rows = [
        {"check": c.name, "state": CHECKS[c.ok], "seen": c.seen, "mend": "" if c.ok else c.mend}
        for c in checks
    ]
    print_rows(rows, as_json, console)
    return all(c.ok for c in checks)


def examine(data_dir: Path | None, results_dir: Path) -> Iterator[Check]:
    """Every check, the cheap ones first; imports torch."""
    yield Check("python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer")
    yield _packages()
    yield Check("processor", True, f"{environment.cpu_name()}, {os.cpu_count()} cores")
    yield _gpu()
    yield _data(data_dir)
    yield from (_photographs(name, data_dir) for name in PHOTOGRAPHS)
    yield _results(results_dir)
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    yield Check("browser for the report's test", True, chromium or "none: that one test is skipped")


def _packages() -> Check:
    from torch import __version__ as torch
    from torchvision import __version__ as torchvision

    minor = [int(part) for part in str(torch).split(".")[:2]]
    seen = f"torch {torch}, torchvision {torchvision}"
    return Check("packages", minor >= [2, 11], seen, "make environment installs the pinned versions")


def _gpu() -> Check:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return Check("GPU", True, ", ".join(names))
    name = environment.gpu_name()
    if name is None:
        return Check("GPU", True, "none: CPU protocols run, ImageNet ones would take months")
    mend = "install the NVIDIA driver that this torch's CUDA version asks for"
    return Check("GPU", False, f"{name} is there but torch cannot use it", mend)


def _data(data_dir: Path | None) -> Check:
    def seen() -> str:
        source = sources.find("cifar10", data_dir)
        if source is None or source.place is None:
            raise sources.missing("cifar10", data_dir)
        from harness.data.cifar10 import verify

        verify(source.place)
        return f"CIFAR-10 in {source.place}, every MD5 right"

    return _tried("data", seen, "./repro.py data fetch")


def _photographs(dataset: str, data_dir: Path | None) -> Check:
    """Photographs are for some protocols alone: without them all is well, and the command is said."""

    def seen() -> str:
        source = sources.find(dataset, data_dir)
        if source is None or source.place is None:
            return f"none: {DATA_SETS[dataset].how} for protocols that ask for it"
        return f"{source.place}, {source.identity}"

    return _tried(dataset, seen, f"./repro.py data prepare {dataset} --source DIR")


def _results(results_dir: Path) -> Check:
    def seen() -> str:
        store = Store(results_dir)
        store.writable()
        records = len(store.records)
        if store.damaged:
            raise DataError("; ".join(store.damaged))
        return f"{records} records in {results_dir}"

    return _tried("results", seen, "name another folder with --results-dir")


def _tried(name: str, seen: Callable[[], str], mend: str) -> Check:
    try:
        return Check(name, True, seen())
    except HarnessError as error:
        return Check(name, False, str(error), mend)
