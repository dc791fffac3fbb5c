"""`repro doctor`: what this machine can run, what is missing, and how to fix it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

import reproductions
from harness.cli import defaults
from harness.cli.running.choices import default_workers
from harness.cli.terminal.tables import print_rows
from harness.contract import plugins
from harness.contract.device import CUDA, DeviceKind
from harness.contract.errors import DataError, HarnessError
from harness.contract.formatting import count
from harness.data import sources
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.engines.machine import gpus, machine_lock
from harness.records import environment
from harness.records.store import Store

STATES = {True: "ok", False: "MISSING"}

BF16 = "supports bf16, which --precision auto uses"
NO_BF16 = "no native bf16: --precision auto uses fp32, and bf16 would be ten times slower"


@dataclass(frozen=True)
class Diagnosis:
    """One check: whether it passed, what was found, and what to do about it."""

    name: str
    ok: bool
    seen: str
    fix: str = ""  # fixes what is wrong, or adds what only some need; empty if there is nothing to do


def show(data_dir: Path | None, results_dir: Path, as_json: bool, console: Console) -> bool:
    """Prints every check; returns whether all passed."""
    checks = list(examine(data_dir, results_dir))
    rows = [{"check": c.name, "state": STATES[c.ok], "seen": c.seen, "fix": c.fix} for c in checks]
    print_rows(rows, as_json, console)
    return all(c.ok for c in checks)


def examine(data_dir: Path | None, results_dir: Path) -> Iterator[Diagnosis]:
    """Every check, the cheap ones first; imports torch."""
    yield _at_least(
        "python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer"
    )
    yield _packages()
    yield _processor()
    yield _gpu()
    yield _data(data_dir)
    yield from (_photographs(name, data_dir) for name in PHOTOGRAPHS)
    yield _results(results_dir)
    yield _locks()
    yield _plugins()
    yield Diagnosis("options", True, str(defaults.read()))
    yield _browser()


def _at_least(name: str, ok: bool, seen: str, fix: str) -> Diagnosis:
    return Diagnosis(name, ok, seen, "" if ok else fix)


def _processor() -> Diagnosis:
    seen = f"{environment.cpu_name()}, {os.cpu_count()} cores"
    native = environment.has_bf16(DeviceKind.CPU)
    return Diagnosis("processor", True, f"{seen}, {BF16 if native else NO_BF16}")


def _packages() -> Diagnosis:
    from torch import __version__ as torch
    from torchvision import __version__ as torchvision

    minor = [int(part) for part in str(torch).split(".")[:2]]
    seen = f"torch {torch}, torchvision {torchvision}"
    return _at_least("packages", minor >= [2, 11], seen, "run make environment: it installs pinned versions")


def _gpu() -> Diagnosis:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        shared = f"{default_workers(CUDA)} trials in parallel on {len(gpus.each(CUDA))} of them by default"
        return Diagnosis("GPU", True, f"{', '.join(names)}; {shared}")
    name = environment.gpu_name()
    if name is None:
        return Diagnosis("GPU", True, "none: CPU protocols run, ImageNet protocols would take months")
    fix = "install the NVIDIA driver that this torch's CUDA version requires"
    return Diagnosis("GPU", False, f"{name} is present but torch cannot use it", fix)


def _data(data_dir: Path | None) -> Diagnosis:
    def seen() -> str:
        source = sources.find("cifar10", data_dir)
        if source is None or source.place is None:
            raise sources.missing("cifar10", data_dir)
        from harness.data.cifar10 import verify

        verify(source.place)
        return f"CIFAR-10 in {source.place}, every MD5 matches"

    return _tried("data", seen, "./repro.py data fetch")


def _photographs(dataset: str, data_dir: Path | None) -> Diagnosis:
    """Photographs are needed by some protocols only, so their absence is not an error."""
    fix = f"./repro.py data prepare {dataset} --source DIR"
    try:
        source = sources.find(dataset, data_dir)
    except HarnessError as error:
        return Diagnosis(dataset, False, str(error), fix)
    if source is None:
        return Diagnosis(dataset, True, "none: some protocols need it", DATA_SETS[dataset].how)
    return Diagnosis(dataset, True, f"{source.place}, {source.identity}")


def _results(results_dir: Path) -> Diagnosis:
    def seen() -> str:
        store = Store(results_dir)
        store.writable()
        records = count(len(store.records), "record")
        if store.damaged:
            raise DataError("; ".join(store.left_out()))
        return f"{records} in {results_dir}"

    return _tried("results", seen, "follow that sentence, or name another folder with --results-dir")


def _locks() -> Diagnosis:
    """The lock files by which trials on this machine take turns."""
    return _tried(
        "locks", lambda: str(machine_lock.places()[0].parent), "set XDG_CACHE_HOME to a writable folder"
    )


def _plugins() -> Diagnosis:
    """The packages that provide papers and reproductions."""
    reproductions.held()  # loads them
    broken = "; ".join(plugins.troubles())
    return Diagnosis(
        "plug-ins", not broken, broken or plugins.versions() or "none", "see docs/plugins.md" * bool(broken)
    )


def _browser() -> Diagnosis:
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    seen, fix = (found, "") if found else ("none: the one test that needs it is skipped", "install chromium")
    return Diagnosis("browser for the report's test", True, seen, fix)


def _tried(name: str, seen: Callable[[], str], fix: str) -> Diagnosis:
    try:
        return Diagnosis(name, True, seen())
    except HarnessError as error:
        return Diagnosis(name, False, str(error), fix)
