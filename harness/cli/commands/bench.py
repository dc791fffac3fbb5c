"""`repro bench`: measures workloads and shows the results."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.bench import workloads
from harness.bench.bench import FULL, QUICK, QUICK_IMAGES, Bench
from harness.bench.machine import hardware
from harness.bench.statistics import MedianAndRange
from harness.bench.workload import Asked, Projection, WayKind, WayResult, WorkloadResult
from harness.cli.options import PrecisionOption, RecipeOption
from harness.cli.running.choices import choose_device
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import FAILURE, print_json, say
from harness.contract.errors import BadValue, EngineError, HarnessError
from harness.contract.formatting import NOTHING, duration, number
from harness.contract.trial import Precision
from harness.data.sources import search_path
from harness.records import environment
from harness.records.provenance import provenance

FORMAT = 1  # of the JSON
LARGEST = 8  # shares of a profile to show


@dataclass(frozen=True)
class BenchRequest:
    """The command's options; with `seconds` None, `quick` or the full time decides."""

    workloads: Sequence[str]
    device: str
    precision: PrecisionOption
    recipe: str
    quick: bool
    seconds: float | None
    data_dir: Path | None
    results_dir: Path
    profile: bool = False

    def asked(self, folder: Path) -> Asked:
        """The request for this machine; BadValue for an invalid time."""
        if self.seconds is not None and not 0 < self.seconds <= 3600:
            raise BadValue(f"--seconds {self.seconds:g} is not above 0 and at most 3600")
        if self.recipe != RecipeOption.PAPER and "imagenet" not in self.workloads:
            raise BadValue(f"--recipe {self.recipe} is for the workload imagenet: name it, or leave that out")
        for name in self.workloads:
            if (own := workloads.named(name).precision) and self.precision not in (PrecisionOption.AUTO, own):
                raise BadValue(f"{name} is always measured in {own}: leave --precision {self.precision} out")
        search_path(self.data_dir)  # refuses one that is no folder, before anything is measured
        device, auto = choose_device(self.device), self.precision is PrecisionOption.AUTO
        seconds, rounds = QUICK if self.quick else FULL
        return Asked(
            device=device,
            precision=environment.best_precision(device.kind) if auto else Precision(self.precision),
            seconds=self.seconds or seconds,
            rounds=rounds,
            folder=folder,
            data_dir=self.data_dir,
            results_dir=self.results_dir,
            recipe=self.recipe,
            images=QUICK_IMAGES if self.quick else None,
            profile=self.profile,
        )


def show(request: BenchRequest, as_json: bool, console: Console, progress: Progress) -> bool:
    """Measures and prints; returns whether every workload could be measured, and compared with ours."""
    load, failed = os.getloadavg()[0], dict[str, str]()
    with _workplace() as folder:
        asked = request.asked(folder)
        with progress as tracker:
            found = _measured(request.workloads, Bench(asked, tracker), failed)
    machine = hardware(asked.device)
    measured = not failed and all(result.compared for result in found)
    if as_json:
        print_json(document(found, failed, machine, load, request))
        return measured
    say(console, f"{machine}; load average {load:.1f} at the start")
    for result in found:
        _show(result, console, not any(one.workload == result.of for one in found))
    for name, why in failed.items():
        say(console, f"\n{name}: {why}", FAILURE)
    return measured


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder that exists while the block lasts; EngineError if none can be created."""
    try:
        made = tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
    except OSError as error:
        raise EngineError(
            f"no temporary folder can be created ({error.strerror}): free some space, or set TMPDIR to a "
            "writable folder"
        ) from None
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # otherwise its files would stay
    try:
        with made as folder:
            yield Path(folder)
    finally:
        signal.signal(signal.SIGTERM, before)


def document(
    found: Sequence[WorkloadResult], failed: dict[str, str], machine: str, load: float, request: BenchRequest
) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        "format": FORMAT,
        "hardware": machine,
        "code": str(provenance()),
        "load": load,
        "quick": request.quick,
        "workloads": [asdict(result) for result in found],
        "failed": failed,
    }


def _measured(names: Sequence[str], bench: Bench, failed: dict[str, str]) -> list[WorkloadResult]:
    """The results of the workloads that could be measured; `failed` gets the reasons for the others."""
    found = []
    with bench.tracker.task("workloads", len(names), unit="") as advance:
        for name in names:
            try:
                found.append(bench.result(name))
            except (HarnessError, OSError) as error:
                failed[name] = str(error)
            advance(1)
    return found


def _show(result: WorkloadResult, console: Console, table: bool) -> None:
    say(
        console,
        f"\n{result.workload}: {result.title}; batch {result.batch}, {result.precision}, {_n(result)}",
    )
    if table:
        console.print(_table(result))
        for row in result.rows:
            if row.profile:
                say(console, f"time of {row.name}: {_profile(row.profile)}")
    for name, why in result.failed.items():
        say(console, f"{name}: not measured: {why}", FAILURE)
    for projection in result.projections:
        say(console, _projected(projection))
    for note in result.notes if table else ():
        say(console, note)


def _n(result: WorkloadResult) -> str:
    others = "" if result.others is None else f", other programs kept {result.others:.1f} cores busy"
    return f"n = {result.rounds} rounds in {duration(result.seconds)}{others}"


def _table(result: WorkloadResult) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("way")
    for name in (result.unit, "speed of ours ÷ this", "of ceiling"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.rows:
        table.add_row(*_cells(row))
    return table


def _profile(shares: Mapping[str, float]) -> str:
    """The largest shares, and the share of the rest."""
    first = dict(islice(shares.items(), LARGEST))
    rest = {"the rest": 1 - sum(first.values())} if len(shares) > LARGEST else {}
    return ", ".join(f"{name} {100 * share:.3g} %" for name, share in (first | rest).items())


def _cells(row: WayResult) -> tuple[str, ...]:
    found = None if row.kind is WayKind.CEILING else row.ratio
    ratio = NOTHING if found is None or found.least == found.most == 1.0 else spread(found, "×")
    share = f"{100 * row.share.median:.3g} %" if row.share else NOTHING
    return row.name, spread(row.value), ratio, share


def spread(value: MedianAndRange, unit: str = "") -> str:
    """`12.3 (11.9–13.0)`: median, least and most."""
    middle, least, most = (_short(one) for one in (value.median, value.least, value.most))
    return f"{middle}{unit} ({least}–{most})"


def _short(value: float) -> str:
    return number(round(value)) if value >= 100 else f"{value:.3g}"


def _projected(projection: Projection) -> str:
    return f"projected, not measured: {projection.name}: {duration(projection.seconds)} ({projection.basis})"
