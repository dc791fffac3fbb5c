"""What is killed: commands with their own folder, and how the files that they leave are compared."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.contract.trial import Status
from harness.records.store import Store
from harness.training.timing.settings import StepTime
from tests.fakes.photographs import folders, jpeg

ROOT = Path(__file__).resolve().parents[3]
OUTSIDE = ("home", "tmp", "runtime")  # where a command may leave nothing
# Except the machine's locks, and the socket of Python's forking server, which kill -9 leaves behind.
ALLOWED = ("runtime/alexnet-repro/", "tmp/pymp-")
BUG = r"(?m)^(?!KeyboardInterrupt)\w[\w.]*(Error|Exception|Warning|Died)\b(?=: |$)"  # what ends a traceback
# Python's own, from a worker that was starting when kill -9 ended its driver: none of our code has run.
ORPHAN = r"(?m)^Traceback .*\n(?: .*\n)*? .*\bspawn_main\n(?: .*\n)*?EOFError: Ran out of input$"


@dataclass(frozen=True)
class Scene:
    """A command in a folder: its arguments, and what it leaves when nothing disturbs it."""

    name: str
    folder: str  # short, as paths of sockets must be
    command: Callable[[Path], list[str]]
    left: Callable[[Path], Mapping[str, str]]  # by name, what must be the same whatever happened
    bad: Callable[[Path], list[str]]  # what is wrong in the folder, whether or not the command has ended

    def start(self, folder: Path, *options: str) -> subprocess.Popen[bytes]:
        """The command in its own session, with everything that it writes below the folder."""
        places = {name: folder / name for name in OUTSIDE}
        for place in places.values():
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {name: value for name, value in os.environ.items() if name != "REPRO_DATA"} | {
            "HOME": str(places["home"]),
            "TMPDIR": str(places["tmp"]),
            "XDG_RUNTIME_DIR": str(places["runtime"]),
            "XDG_CACHE_HOME": str(places["home"] / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (folder / "output").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, str(ROOT / "repro.py"), *self.command(folder), *options],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def undisturbed(self, folder: Path, seconds: float) -> Mapping[str, str]:
        """What it leaves when nothing disturbs it; RuntimeError if it fails even then."""
        with self.start(folder) as process:
            status = process.wait(seconds)
        left = self.left(folder)
        if status or outside(folder) or not left:
            raise RuntimeError(f"undisturbed, {self.name} fails: see {folder / 'output'}")
        return left

    def traceback(self, folder: Path) -> list[str]:
        """Whether any command in the folder has printed one."""
        said = (folder / "output").read_text(errors="replace")
        return [f"a traceback, see {folder / 'output'}"] if re.search(BUG, re.sub(ORPHAN, "", said)) else []

    def differences(self, folder: Path, expected: Mapping[str, str]) -> list[str]:
        """What finished commands left that differs from an undisturbed one's, or where nothing may be."""
        found = self.left(folder)
        names = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))
        return [*(f"{n} is not what it should be" for n in names), *(f"{n} is left" for n in outside(folder))]


def ended(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit status of a command; -9 for one that does not end in time, and is killed."""
    try:
        return process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def files(folder: Path) -> list[str]:
    """Every file and socket below the folder, by its path from there."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def outside(folder: Path) -> list[str]:
    """What a finished command left where it may leave nothing."""
    return [name for name in files(folder) if name.startswith(OUTSIDE) and not name.startswith(ALLOWED)]


def _running(name: str, folder: str, *what: str) -> Scene:
    def command(folder: Path) -> list[str]:
        where = ["--results-dir", str(folder / "results"), "--device", "cpu"]
        return ["run", *what, "--protocol", "smoke", *where]

    return Scene(name, folder, command, _measured, _records)


def _measured(folder: Path) -> Mapping[str, str]:
    """Curve and metrics of every trial without its clocks; the other files by name."""
    records = [r for r in Store(folder / "results").records if r.status is not Status.FAILED]
    found = {}
    for record in records:
        if record.trial["settings"]["is"] == StepTime.__name__:  # clocks, and nothing else
            found[f"record {record.key}"] = "there"
            continue
        rows = [{k: v for k, v in row.items() if "seconds" not in k} for row in record.curve]
        metrics = {k: v for k, v in record.metrics.items() if "seconds" not in k}
        text = json.dumps([rows, metrics, record.details], sort_keys=True)
        found[f"record {record.key}"] = hashlib.sha256(text.encode()).hexdigest()
    others = (n for n in files(folder / "results") if not n.startswith(("records/", "speeds.json")))
    return found | dict.fromkeys(others, "there")


def _records(folder: Path) -> list[str]:
    store = Store(folder / "results")
    good = [r.key for r in store.records if r.status is not Status.FAILED]
    twice = [f"trial {key} has {good.count(key)} records" for key in sorted(set(good)) if good.count(key) > 1]
    return [*store.damaged, *twice]


def _preparing() -> Scene:
    def command(folder: Path) -> list[str]:
        source = folder / "source"
        if not source.exists():
            folders(source, {split: _classes(count) for split, count in (("train", 30), ("val", 10))})
        return ["data", "prepare", "imagenette", "--source", str(source), "--out", str(folder / "data")]

    return Scene("data prepare", "pack", command, _packed, lambda folder: [])


def _classes(count: int) -> dict[str, dict[str, bytes]]:
    """Ten classes of this many photographs, all different."""
    return {
        f"n{wnid:08}": {f"{i}.JPEG": jpeg(1000 * count + 50 * wnid + i) for i in range(count)}
        for wnid in range(10)
    }


def _packed(folder: Path) -> Mapping[str, str]:
    return {
        name: hashlib.sha256((folder / "data" / name).read_bytes()).hexdigest()
        for name in files(folder / "data")
    }


RUN = _running("run", "run", "weight-decay")
RANKS = _running("run, two ranks a trial", "ranks", "weight-decay", "--gpus", "2")
CATALOGUE = _running("run --all", "all", "--all")
PREPARE = _preparing()
