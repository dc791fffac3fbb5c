"""Several commands on one store at once: each trial is run by one of them, and all end with every record."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from harness.records.store import Store
from tests.faults.page import Findings, came
from tests.faults.processes.scenes import RUN, Scene, ended

HEADING = "Several drivers on one store"
DRIVERS = 4
APART = 10.0  # seconds between the first start and the last, at most
LONGEST = 900.0  # seconds that all of them together may take
COLUMNS = ("round", "started within, s", "trials", "attempts", "finished after, s")


def run(count: int, seed: int, scene: Scene = RUN) -> Findings:
    """This many rounds, each with four commands that start at random moments, and its own store."""
    chance, base = random.Random(seed), Path(tempfile.mkdtemp(prefix="drivers-"))
    expected = scene.undisturbed(_made(base / "alone"), LONGEST)
    rows, faults = list[tuple[object, ...]](), list[str]()
    for number in range(1, count + 1):
        folder = _made(base / f"round-{number}")
        begun, within = time.monotonic(), chance.uniform(0, APART)
        statuses = together(scene, folder, sorted(chance.uniform(0, within) for _ in range(DRIVERS)))
        bad = [f"exit status {status}, see {folder / 'output'}" for status in statuses if status]
        bad += scene.traceback(folder) + scene.bad(folder) + scene.differences(folder, expected)
        faults += [f"round {number}: {one}" for one in bad]
        attempts = [record.key for record in Store(folder / "results").records]
        took = time.monotonic() - begun
        rows.append((number, f"{within:.1f}", len(set(attempts)), len(attempts), f"{took:.0f}"))
        print(f"{number} of {count} rounds, {len(faults)} faults", file=sys.stderr)
    if not faults:
        shutil.rmtree(base)
    return Findings(HEADING, _summary(count, seed, scene, faults), COLUMNS, rows, faults)


def together(scene: Scene, folder: Path, starts: list[float]) -> list[int]:
    """The exit status of each; -9 for one that does not end in time."""
    begun, processes = time.monotonic(), list[subprocess.Popen[bytes]]()
    for start in starts:
        time.sleep(max(0.0, begun + start - time.monotonic()))
        processes.append(scene.start(folder))
    return [ended(process, begun + LONGEST - time.monotonic()) for process in processes]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _summary(count: int, seed: int, scene: Scene, faults: list[str]) -> str:
    return "\n".join(
        [
            f"{count} rounds of {DRIVERS} `{scene.name}` commands on one store,",
            f"started at random moments with seed {seed},",
            f"finished on {datetime.now(UTC):%Y-%m-%d}, by",
            f"`python -m tests.faults --drivers {count} --seed {seed}`: {came(faults)}.",
            "In each round every trial must have one record, whose curve and metrics match those of a",
            f"single command bit for bit, and all {DRIVERS} must exit with status 0.",
        ]
    )
