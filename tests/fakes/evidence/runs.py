"""Made-up records for the report's tests alone: no number here was ever measured."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import Any

from harness.contract.device import DeviceKind
from harness.contract.trial import Status, Trial
from harness.plans.experiment import Planned, Role, Run
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.keys import plain
from harness.records.record import Record
from tests.fakes.running.settings import Idle

HOSTILE = "<script>alert('boo')</script> a|b `c` $x$ *d* [e](javascript:f)\nRuntimeError: \"shape\" & more"
CIFAR10 = DataIdentity("cifar10", Form.FILES, "c58f30108f718f92721af3b95e74349a")
ENVIRONMENT = {
    "hostname": "a-name-nobody-needs",
    "cpu": "Imaginary 9000",
    "gpu": "none",
    "cores": 2,
    "python": "3.11.9",
    "torch": "2.11.0",
    "commit": "0123abc",
    "dirty": False,
    "source": "89abcdef",
    "os": "Linux",
}


@dataclass(frozen=True)
class Net:
    name: str
    nonlinearity: str


@dataclass(frozen=True)
class ToTarget(Idle):
    network: Net = field()  # type: ignore[assignment]
    rate: float = field()
    target: float = 0.25
    max_epochs: int = 60
    dataset: str = "cifar10"  # type: ignore[misc]


def curve(speed: float, seed: int, end: float) -> list[dict[str, float | None]]:
    """A learning curve that falls as a power law; `speed` epochs bring it near 25 %."""
    rows: list[dict[str, float | None]] = []
    steps = int(end * 4)
    for i in range(1, steps + 1):
        epoch = i / 4
        noise = 0.006 * math.sin(7 * seed + 3.1 * i) + 0.02 * math.sin(seed) * epoch / speed
        error = 0.9 * (1 + epoch / (0.12 * speed)) ** -0.57 + noise
        rows.append({"epoch": epoch, "running_error": error, "loss": 2.3 * error, "sample_error": None})
    return rows


def record(trial: Trial, rows: list[dict[str, float | None]], high: float | None, **changes: Any) -> Record:
    """A record of the shape that the training loop writes."""
    last = rows[-1]["epoch"] if rows else 0.0
    seconds = 12.0 * (last or 0.0)
    metrics = {
        "epochs_low": None if high is None else high - 0.25,
        "epochs_high": high,
        "reached": float(high is not None),
        "epochs_run": last,
        "seconds_low": None if high is None else seconds - 3,
        "seconds_high": None if high is None else seconds,
    }
    made = Record(
        key=key_for(trial),
        lineage="ab" * 12,
        trial=plain(trial),
        conditions=Conditions(DeviceKind.CPU, "2.11.0", CIFAR10),
        code="cd" * 8,
        status=Status.OK,
        metrics=metrics,
        curve=tuple(rows),
        cost={
            "seconds": seconds,
            "images": 5e4 * (last or 0),
            "images_per_second": 4166.0,
            "peak_memory_bytes": 4e8,
        },
        environment=ENVIRONMENT,
        started=f"2030-01-01T00:{trial.seed:02d}:00Z",
        finished=f"2030-01-01T01:{trial.seed:02d}:00Z",
    )
    return replace(made, **changes)


def key_for(trial: Trial) -> str:
    """A key that differs between trials and not between runs."""
    return hashlib.sha256(repr(trial).encode()).hexdigest()[:24]


def run(arm: str, seed: int, rate: float, end: float, role: Role = Role.FINAL, reached: bool = True) -> Run:
    """One planned trial with its record; `end` is the epoch at which it stops."""
    trial = Trial(settings=ToTarget(Net("19pct", arm), rate), seed=seed)
    speed = end if reached else 2.5 * end
    return Run(Planned(trial, arm, role), record(trial, curve(speed, seed, end), end if reached else None))


def figure_one(seeds: int = 5, slowest: float = 34.0) -> list[Run]:
    """Tuning and final runs of both arms."""
    arms = (("relu", 5.75), ("tanh", slowest))
    return [one for arm, end in arms for one in (*tuned(arm, end), *finals(arm, end, 0.25, seeds))]


def tuned(arm: str, end: float) -> list[Run]:
    """Four learning rates from one tuning seed; the highest never reaches the target."""
    rates = (0.0005, 0.001, 0.002, 0.004)
    return [run(arm, 100, r, end + 2000 * abs(r - 0.002), Role.TUNING, r < 0.004) for r in rates]


def finals(arm: str, end: float, spread: float, seeds: int) -> list[Run]:
    """Final runs that reach the target at slightly different times."""
    return [run(arm, seed, 0.002, end + spread * (seed % 3)) for seed in range(seeds)]
