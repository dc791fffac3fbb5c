"""Made-up experiments for tests: two arms, values by arm and seed, and an engine that takes no time."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar

from rich.console import Console

from harness.contract.device import Device, DeviceKind
from harness.contract.trial import Precision, Status, Trial
from harness.effects.statistics.intervals import paired_ratio
from harness.engines.runner import Due
from harness.plans.experiment import (
    Evidence,
    Experiment,
    Finding,
    Lookup,
    Plan,
    Planned,
    Protocol,
    Reproduction,
    Role,
)
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.trials import record_for
from tests.fakes.running.settings import Idle

HERE = Conditions(DeviceKind.CPU, "2.13.0")
REAL = Protocol("cifar10", "made up", None, 5).at(Precision.FP32)
SMOKE = Protocol("smoke", "made up", None, 2).at(Precision.FP32)
ARMS = ("tanh", "relu")
Value = Callable[[str, int], float | None]  # epochs by arm and seed; None: the trial fails


@dataclass(frozen=True)
class Network:
    """Something that costs a million multiply-adds per image."""

    name: str = "tiny"
    multiply_adds: int = 1_000_000


@dataclass(frozen=True)
class Tiny(Idle):
    """Settings of a trial that trains nothing."""

    arm: str
    experiment: str = "relu-speedup"
    count: int = 1000
    network: Network = Network()  # type: ignore[assignment]

    def most_images(self, training_set: int) -> int:
        return self.count


def trial(arm: str, seed: int, experiment: str = "relu-speedup", images: int = 1000) -> Trial:
    return Trial(Tiny(arm, experiment, images), seed)


def reproduction(
    name: str = "relu-speedup", claims: tuple[str, ...] = ("relu-speedup",), images: int = 1000
) -> Reproduction:
    """A reproduction whose plan is known at once: as many final trials per arm as seeds."""

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        return Plan(
            tuple(Planned(trial(a, s, name, images), a, Role.FINAL) for a in ARMS for s in range(seeds))
        )

    def estimate(evidence: Evidence) -> Finding:
        arms = [
            {r.seed: r.record.metrics["epochs"] or 0.0 for r in evidence.final(arm) if r.record.metrics}
            for arm in ARMS
        ]
        paired = sorted(arms[0].keys() & arms[1].keys())
        effect = paired_ratio("epochs", "×", *([arm[s] for s in paired] for arm in arms))
        return Finding(dict.fromkeys(claims, (effect,)))

    return Reproduction(name, claims, (SMOKE, REAL), plan, estimate, manipulated=("arm",))


def experiment(seeds: int, of: Reproduction | None = None) -> Experiment:
    return Experiment(of or reproduction(), REAL, seeds, HERE)


def decisive(arm: str, seed: int) -> float:
    """Values whose ratio is six with little spread: decided at the second look."""
    return 5.0 + 0.01 * seed if arm == "relu" else 30.0


def noisy(arm: str, seed: int) -> float:
    """The same ratio as another laboratory might measure it: no value is one of `decisive`."""
    return decisive(arm, seed) * (1.02 if seed % 2 else 0.99)


def vague(arm: str, seed: int) -> float:
    """Values that decide nothing with any number of seeds."""
    return 5.0 if arm == "relu" else (1.0 + seed % 2 * 40.0) * (1 + 0.01 * seed)


def filled(root: Path, seeds: int, value: Value = decisive) -> Store:
    """A store with all records of the made-up experiment up to a number of seeds."""
    store = Store(root)
    for arm in ARMS:
        for seed in range(seeds):
            store.append(record_for(trial(arm, seed), HERE, epochs=value(arm, seed)))
    return store


class Clock:
    """A clock that advances only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """An engine without processes: a trial takes `each` seconds of a made-up clock."""

    def __init__(self, value: Value = decisive, clock: Clock | None = None, each: float = 1.0) -> None:
        self.value, self.clock, self.each = value, clock or Clock(), each
        self.pending: list[tuple[Trial, Conditions]] = []
        self.order: list[Trial] = []

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        self.pending.append((trial, conditions))

    def finished(self) -> Iterator[Record]:
        one, conditions = self.pending.pop(0)
        self.order.append(one)
        self.clock.now += self.each
        value = self.value(one.settings.arm, one.seed)
        status = Status.FAILED if value is None else Status.OK
        metrics = {} if value is None else {"epochs": value}
        yield record_for(one, conditions, status, **metrics)

    def interrupt(self) -> None:
        self.pending.clear()


class Nobody:
    """A watcher that does not look."""

    def queued(self, due: Due) -> None: ...

    def waiting(self, key: str, reason: str) -> None: ...

    def stored(self, record: Record) -> None: ...

    def stopping(self) -> None: ...

    def so_far(self, key: str) -> None: ...


def local(fake: Fake) -> type:
    """What replaces the local engine where a whole command is tested."""

    class Local(Fake):
        stop = threading.Event()
        messages: SimpleQueue[object] = SimpleQueue()
        closed: ClassVar[list[str]] = []

        def __init__(self, device: Device, workers: int, results: Path) -> None:
            self.__dict__ = fake.__dict__

        def kill(self) -> None: ...

        def close(self) -> None:
            self.closed.append("closed")

    return Local


def console() -> Console:
    """A console that keeps what it prints."""
    return Console(width=200, file=io.StringIO())


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
