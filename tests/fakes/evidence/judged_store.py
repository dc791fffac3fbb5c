"""A store with complete evidence on every claim: values around an arm's own, bits, curves, censored runs.

No number in it was ever measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import reproductions
from harness.analysis.settings import Ensemble, Kernels, Neighbours
from harness.contract.device import DeviceKind
from harness.contract.trial import Precision, Trial
from harness.plans.experiment import Experiment, Protocol, Reproduction
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.image_bits import packed
from harness.records.keys import canonical
from harness.records.record import Record
from harness.records.store import Store
from harness.testing.records import share
from harness.training.scheduled.recipe import Scheduled
from harness.training.settings import ToTarget
from harness.training.timing.settings import StepTime
from tests.fakes.evidence.trials import record_for

IMAGES = 250
QUERIES = 40
SEEN = {"ten": "images", "centre": "images", "train": "train_images"}
Row = dict[str, float | None]


def fill(root: Path) -> Store:
    """A store with the evidence of every experiment of `experiments`."""
    store, known = Store(root), set[str]()
    for experiment in experiments():
        experiment.ask(store)
        answers: dict[str, Record] = {}

        def lookup(trial: Trial, of: Experiment = experiment, made: dict[str, Record] = answers) -> Record:
            name = canonical(trial)
            if name not in made:
                made[name] = answer(trial, of.conditions)
            return made[name]

        experiment.reproduction.plan(experiment.protocol, experiment.seeds, lookup)
        plan = experiment.reproduction.plan(experiment.protocol, experiment.seeds, lookup)
        for record in map(lookup, (planned.trial for planned in plan.trials)):
            if record.key not in known:
                known.add(record.key)
                store.append(record)
    return Store(root)


def experiments() -> Iterator[Experiment]:
    """Each reproduction at the paper's scale, or else its largest; dropout also at a proxy that tunes."""
    for reproduction in reproductions.every():
        protocols = {p.name: p for p in reproduction.protocols if not p.smoke}
        yield experiment(reproduction, protocols.get("imagenet", next(iter(protocols.values()))))
    dropout = reproductions.named("dropout")
    yield experiment(dropout, dropout.protocol("cifar10-scarce"))


def experiment(reproduction: Reproduction, protocol: Protocol) -> Experiment:
    """The protocol with its seeds, except where that would take hundreds of networks."""
    device = getattr(protocol.settings, "device", None) or DeviceKind.CPU
    data = protocol.dataset and DataIdentity(protocol.dataset, Form.PACK, "made up")
    held = Conditions(device, "2.13.0", data or None, Precision.FP32)
    return Experiment(reproduction, protocol, min(protocol.seeds, 7), held)


def answer(trial: Trial, conditions: Conditions) -> Record:
    """A finished run whose numbers vary about as much from seed to seed as they do between some arms."""
    own = canonical(trial.settings)
    stream = np.random.default_rng([int(2**32 * share(own)), trial.seed])
    level = 1 + 0.15 * share(own) + 0.03 * float(stream.normal())
    settings = trial.settings
    if isinstance(settings, Scheduled):
        return trained(record_for(trial, conditions), settings, level, stream)
    if isinstance(settings, Neighbours):
        return neighbours(record_for(trial, conditions), level, stream)
    metrics = MEASURED[type(settings)](level, stream)
    record = record_for(trial, conditions, **metrics)
    return replace(record, curve=raced(metrics)) if isinstance(settings, ToTarget) else record


def trained(record: Record, settings: Scheduled, level: float, stream: np.random.Generator) -> Record:
    """A training with its curve, and one bit per image for every error."""
    top1 = {"ten": 0.40 * level, "centre": 0.42 * level, "train": 0.25 * level}
    hard = np.random.default_rng(5).normal(0, 0.15, IMAGES)  # the same images are hard for all
    wrong = {
        f"{view}_{k}": stream.random(IMAGES) < rate / part + hard
        for view, rate in top1.items()
        for k, part in (("top1", 1), ("top5", 2))
    }
    errors: Row = {name: 100 * float(bits.mean()) for name, bits in wrong.items()}
    losses: Row = {"train_loss": level, "test_loss": 1.4 * level, "ten_loss": 1.3 * level}
    details = {
        "wrong": {**{n: packed(bits) for n, bits in wrong.items()}, **dict.fromkeys(SEEN.values(), IMAGES)}
    }
    metrics = {**errors, **losses, "shifted_top1": 45 * level}
    return replace(record, metrics=metrics, details=details, curve=learned(settings.max_epochs, level))


def learned(epochs: int, level: float) -> tuple[Mapping[str, float | None], ...]:
    """Losses that fall to a plateau, sooner for some than for others."""
    fallen = [0.4 + 1.8 * math.exp(-epoch / (2 + 6 * (level - 0.9))) for epoch in range(1, epochs + 1)]
    return tuple(
        {
            "epoch": float(epoch), "rate": 0.01, "running_error": x / 4, "loss": x, "train_error": x / 4,
            "train_loss": x, "validation_error": x / 4, "validation_loss": x + 0.1,
            "seconds": float(epoch), "cpu_seconds": float(epoch),
        }
        for epoch, x in enumerate(fallen, 1)
    )  # fmt: skip


def to_target(level: float, stream: np.random.Generator) -> Row:
    """Most runs reach the target; one in eight does not."""
    reached = stream.random() > 0.1
    ends = {"epochs": 4.0, "seconds": 50.0, "cpu_seconds": 45.0}
    low: Row = {f"{name}_low": level**4 * x for name, x in ends.items()}
    high: Row = {f"{name}_high": level**4 * x * 1.05 if reached else None for name, x in ends.items()}
    return {**low, **high, "reached": float(reached), "final_running_error": 0.2 * level}


def raced(metrics: Row) -> tuple[Mapping[str, float | None], ...]:
    """Looks at the error, which falls until it reaches the target."""
    end = metrics["epochs_low"] or 0.0
    epochs = [end * part / 16 for part in range(1, 17)]
    return tuple(
        {"epoch": e, "sample_error": 0.9 - 0.65 * e / end, "running_error": 0.9 - 0.65 * e / end, "loss": 1.0,
         "seconds": e, "cpu_seconds": e}
        for e in epochs
    )  # fmt: skip


def kernels(level: float, stream: np.random.Generator) -> Row:
    """Some networks specialise and some do not."""
    p = float(stream.random() ** 4)
    rest = dict.fromkeys(("observed", "chroma_first", "chroma_second"), level / 2)
    return {"ratio": level, "permutation_p": p, "energy_p": p / 2, **rest}


def neighbours(record: Record, level: float, stream: np.random.Generator) -> Record:
    """Whether each neighbour has its query's class; some queries are hard for all."""
    hard = np.random.default_rng(6).normal(0, 0.1, (QUERIES, 1))
    rates = {"features": 0.3, "untrained": 0.25, "pixels": 0.2}
    same = {name: stream.random((QUERIES, 6)) < rate * level + hard for name, rate in rates.items()}
    shares: Row = {name: 100 * float(flags.mean()) for name, flags in same.items()}
    more: Row = {"pixel_rank": 20 * level, "queries": float(QUERIES), "searched": 10_000.0}
    kept = {"queries": QUERIES, "nearest": 6, **{name: packed(flags.ravel()) for name, flags in same.items()}}
    return replace(record, metrics={**shares, **more}, details={"same_class": kept})


def ensemble(level: float, stream: np.random.Generator) -> Row:
    """Errors of single networks and of their average."""
    average = {f"average_top{k}": x * level - float(stream.random()) for k, x in ((1, 38.0), (5, 16.0))}
    return {"single_top1": 40 * level, "single_top5": 18 * level, **average}


def step_time(level: float, stream: np.random.Generator) -> Row:
    """Seconds per step."""
    parts = {"compute_seconds": 0.8 * level, "exchange_seconds": 0.2 * level, "bytes_exchanged": 1e6}
    return {"step_seconds": level, "images_per_second": 128 / level, "peak_memory_bytes": 1e9, **parts}


MEASURED = {
    ToTarget: to_target,
    Kernels: kernels,
    Ensemble: ensemble,
    StepTime: step_time,
}
