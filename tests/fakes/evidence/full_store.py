"""A store as years of use leave it: every protocol, many conditions, more seeds, and records of older code.

    python -m tests.fakes.evidence.full_store FOLDER [COUNT]

fills one, with curves and details as long as those of real programs. No number in it was ever measured.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

import reproductions
from harness.analysis.settings import Kernels, Neighbours
from harness.contract.device import DeviceKind
from harness.contract.trial import Precision, Trial
from harness.data import sources
from harness.plans.experiment import Experiment, Protocol, gather
from harness.records import environment
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.record import Record
from harness.records.store import Store
from harness.testing.records import answer, share
from harness.training.scheduled.recipe import Scheduled
from harness.training.settings import ToTarget
from harness.training.timing.settings import StepTime
from tests.fakes.evidence.runs import ENVIRONMENT

MORE_SEEDS = 10
TORCH = (environment.torch_version(), "2.11.0")
Row = dict[str, float | None]


def fill(root: Path, count: int) -> Store:
    """A store of this many records, each in its own file."""
    store = Store(root)
    for record in islice(records(store), count):
        store.append(record)
    return store


def records(store: Store) -> Iterator[Record]:
    """Endless records: of every experiment, each trial once, every fourth with one of older code."""
    known: dict[str, Record] = {}
    for experiment in experiments():
        begun = len(known)
        lookup = Answers(experiment, known)
        found = gather(experiment.reproduction, experiment.protocol, experiment.seeds, lookup)
        if found.runs:
            experiment.ask(store)
        for number, record in enumerate(list(known.values())[begun:], begun):
            yield record
            if number % 4 == 0:
                yield outdated(record, 1)
    for age in range(2, sys.maxsize):
        yield from (outdated(record, age) for record in known.values())


def experiments() -> Iterator[Experiment]:
    """Every reproduction at every protocol under all conditions, then all of them with more seeds."""
    for more, torch, device, precision in product((False, True), TORCH, DeviceKind, Precision):
        for reproduction in reproductions.every():
            for protocol in reproduction.protocols:
                held = Conditions(device, torch, identity(protocol.dataset), precision)
                if _plausible(protocol, held, more):
                    seeds = MORE_SEEDS if more else protocol.seeds
                    yield Experiment(reproduction, protocol, seeds, held)


def identity(dataset: str | None) -> DataIdentity | None:
    """That of the data set that is here, so that `run` finds its trials' records, or a made-up one."""
    if dataset is None:
        return None
    found = sources.find(dataset, None)
    return found.identity if found else DataIdentity(dataset, Form.PACK, "made up")


def _plausible(protocol: Protocol, held: Conditions, more: bool) -> bool:
    """Whether anybody would run it: the paper's scale only once, on the device that it requires."""
    device = getattr(protocol.settings, "device", None)
    once = (held.torch, held.precision, more) == (TORCH[0], Precision.BF16, False)
    paper = (protocol.dataset or "").startswith("imagenet") and protocol.name == "imagenet"
    return device in (None, held.device) and (not paper or (once and held.device is DeviceKind.CUDA))


class Answers:
    """Finds the record of a trial, or makes it up."""

    def __init__(self, experiment: Experiment, known: dict[str, Record]) -> None:
        self.experiment, self.known = experiment, known

    def __call__(self, trial: Trial) -> Record:
        key = self.experiment.key(trial)
        if key not in self.known:
            self.known[key] = lived(answer(trial, self.experiment.conditions), trial, len(self.known))
        return self.known[key]


def lived(record: Record, trial: Trial, number: int) -> Record:
    """The record with all that a real one has: the curve part by part, details, cost, environment, times."""
    day = f"{2027 + number // 3360}-{number // 280 % 12 + 1:02d}-{number // 10 % 28 + 1:02d}"
    return replace(
        record,
        curve=curve(trial, record.key),
        cost={
            "seconds": 100.0,
            "cpu_seconds": 90.0,
            "images": 4e5,
            "images_per_second": 4000.0 + number % 99,
        },
        environment=ENVIRONMENT,
        details=details(trial, record.key),
        started=f"{day}T0{number % 10}:00:00Z",
        finished=f"{day}T1{number % 10}:00:00Z",
    )


def outdated(record: Record, age: int) -> Record:
    """The same trial as older code ran it."""
    code = f"{age:02d}{record.code[2:]}"
    return replace(record, key=f"{age:06d}{record.key[6:]}", code=code)


def curve(trial: Trial, key: str) -> tuple[Mapping[str, float | None], ...]:
    """As many rows as the trial's program writes."""
    settings = trial.settings
    if isinstance(settings, Scheduled):
        return tuple(
            _row(key, i, settings.parts, "train_error") for i in range(settings.max_epochs * settings.parts)
        )
    if isinstance(settings, ToTarget):
        rows = min(settings.max_epochs, 10) * settings.looks_per_epoch
        return tuple(_row(key, i, settings.looks_per_epoch, "sample_error") for i in range(rows))
    return ()


def _row(key: str, part: int, parts: int, error: str) -> Row:
    noise = share(key, part)
    fallen = 0.9 / (1 + part / parts) + 0.01 * noise
    row: Row = {
        "epoch": (part + 1) / parts, "running_error": fallen, "loss": 2.3 * fallen,
        "seconds": 3.7 * part + noise, "cpu_seconds": 3.6 * part + noise, error: fallen,
    }  # fmt: skip
    scheduled: Row = {
        "rate": 0.01, "train_loss": 2.2 * fallen, "validation_error": None if (part + 1) % parts else fallen,
        "validation_loss": None if (part + 1) % parts else 2.4 * max(fallen, 0.1 + 0.002 * noise),
    }  # fmt: skip
    return row | scheduled if error == "train_error" else row


def details(trial: Trial, key: str) -> dict[str, Any]:
    """As much for tables and figures as the trial's program records."""
    if isinstance(trial.settings, Kernels):
        maps = [[share(key, k, i) for i in range(75)] for k in range(24)]
        return {"kernels": maps, "side": 5, "chroma": [share(key, k) for k in range(24)], "columns": 2}
    if isinstance(trial.settings, Neighbours):
        near = {
            "features": [_image(key, i) for i in range(6)],
            "pixels": [_image(key, 9 + i) for i in range(6)],
        }
        query = {"classes": [3, 5, 1, 2, 0], "probabilities": [0.5, 0.2, 0.1, 0.1, 0.1], **near}
        return {"queries": [{**_image(key, 20 + i), **query} for i in range(5)]}
    if isinstance(trial.settings, StepTime):
        spans = [
            {"rank": 0, "layer": f"conv{i}", "kind": "compute", "start": i / 9, "end": (i + 1) / 9}
            for i in range(20)
        ]
        return {"steps": [share(key, i) for i in range(10)], "timeline": spans, "crowded": False}
    return {}


def _image(key: str, number: int) -> dict[str, Any]:
    from PIL import Image

    small = io.BytesIO()
    noise = bytes(int(255 * share(key, number, i)) for i in range(400))
    Image.frombytes("L", (20, 20), noise).save(small, "PNG")
    return {"image": base64.b64encode(small.getvalue()).decode(), "label": number % 10}


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
