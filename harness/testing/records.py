"""Plausible made-up records for each kind of settings: for tests of plans, estimates and verdicts.

A package whose trials have their own settings adds what these measure: `METRICS[Mine] = function`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

from harness.analysis.settings import Ensemble, Kernels, Neighbours
from harness.contract.device import DeviceKind
from harness.contract.once import once
from harness.contract.trial import Settings, Status, Trial
from harness.data import sources
from harness.plans.experiment import Evidence, Protocol, Reproduction, gather
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.keys import canonical, code_version, key_of, lineage_of, plain
from harness.records.record import Record
from harness.training.scheduled.recipe import Scheduled
from harness.training.settings import ToTarget
from harness.training.timing.settings import StepTime

GRATINGS = sources.stand_in("cifar10").identity
STAND_IN = Conditions(DeviceKind.CPU, "2.13.0", GRATINGS)
REAL = Conditions(DeviceKind.CPU, "2.13.0", DataIdentity("cifar10", Form.FILES, "made up"))
Metrics = dict[str, float | None]


def record_for(
    trial: Trial, conditions: Conditions = STAND_IN, status: Status = Status.OK, **metrics: float | None
) -> Record:
    """A made-up record for a trial."""
    return Record(
        key=key_of(trial, conditions),
        lineage=lineage_of(trial, conditions),
        trial=plain(trial),
        conditions=conditions,
        code=code_version(trial, conditions.device),
        status=status,
        metrics=metrics,
        error="it broke" if status is Status.FAILED else "",
    )


def share(*parts: object) -> float:
    """A number in [0, 1) that depends on all of `parts` and on nothing else."""
    text = "/".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def answer(trial: Trial, conditions: Conditions = REAL, status: Status = Status.OK) -> Record:
    """A record whose numbers differ much between settings and little between seeds."""
    own = canonical(trial.settings)
    level = 1 + share(own) + 0.02 * share(own, trial.seed)
    metrics = _metrics(trial.settings)(level)
    if status is not Status.OK:
        late = status is Status.DIVERGED and isinstance(trial.settings, ToTarget)
        metrics = _never(metrics) if late else {}
    record = record_for(trial, conditions, status, **metrics)
    if not isinstance(trial.settings, Scheduled) or status is Status.FAILED:
        return record
    return replace(record, curve=learning(trial.settings.max_epochs, level))


def finished(
    reproduction: Reproduction, protocol: Protocol, seeds: int | None = None, status: Status = Status.OK
) -> Evidence:
    """The experiment with a record for every trial; gathered once, since many tests use the same."""
    return _finished(reproduction)(protocol)(seeds or protocol.seeds, status)


@once
def _finished(reproduction: Reproduction) -> Callable[[Protocol], Callable[[int, Status], Evidence]]:
    def at(protocol: Protocol, seeds: int, status: Status) -> Evidence:
        return gather(reproduction, protocol, seeds, lambda trial: answer(trial, REAL, status))

    return once(lambda protocol: cache(partial(at, protocol)))


def learning(epochs: int, speed: float) -> tuple[dict[str, float | None], ...]:
    """A curve with one row per epoch: error and loss fall exponentially to almost zero."""
    left = [math.exp(-4 * speed * epoch / epochs) for epoch in range(1, epochs + 1)]
    return tuple(
        {
            "epoch": float(epoch), "rate": 0.01, "running_error": error, "loss": 7 * error,
            "train_error": error, "train_loss": 2.3 * error, "validation_error": error,
            "validation_loss": 2.3 * error + 0.2,
            "seconds": float(epoch), "cpu_seconds": float(epoch),
        }
        for epoch, error in enumerate(left, 1)
    )  # fmt: skip


def _metrics(settings: Settings) -> Callable[[float], Metrics]:
    """What such trials measure; LookupError, with the fix, if that is not declared."""
    kinds = (kind for kind in type(settings).__mro__ if kind in METRICS)
    if (kind := next(kinds, None)) is None:
        name = type(settings).__name__
        raise LookupError(
            f"it is not declared what trials of {name} measure: set harness.testing.records.METRICS[{name}]"
        )
    return METRICS[kind]


def _trained(level: float) -> Metrics:
    """Errors in percent: higher for one view than for ten, and lower on the training set."""
    top1 = {"train": 15 * level, "centre": 22 * level, "ten": 20 * level}
    errors = {f"{n}_{k}": e / (1 if k == "top1" else 4) for n, e in top1.items() for k in ("top1", "top5")}
    losses = {"train_loss": level / 2, "test_loss": level, "ten_loss": 0.9 * level}
    return {**errors, **losses, "shifted_top1": 25 * level}


def _to_target(level: float) -> Metrics:
    ends = {f"{unit}_{end}": level * x for unit in UNITS for end, x in (("low", 3.0), ("high", 4.0))}
    return {**ends, "reached": 1.0, "final_running_error": level / 10}


def _never(metrics: Metrics) -> Metrics:
    """The metrics of a diverged race: the target was not reached."""
    open_ended = {name: None for name in metrics if name.endswith("_high")}
    return {**metrics, **open_ended, "reached": 0.0, "final_running_error": None}


def _kernels(level: float) -> Metrics:
    names = ("observed", "permutation_p", "energy_p", "chroma_first", "chroma_second")
    return {"ratio": level, **dict.fromkeys(names, level / 3)}


def _neighbours(level: float) -> Metrics:
    shares = {"features": 30 * level, "pixels": 15 * level, "untrained": 16 * level, "pixel_rank": 20 * level}
    return {**shares, "queries": 1000.0, "searched": 10_000.0}


def _ensemble(level: float) -> Metrics:
    single = {"single_top1": 20 * level, "single_top5": 5 * level}
    return {**single, "average_top1": 18 * level, "average_top5": 4 * level}


def _step_time(level: float) -> Metrics:
    parts = {"compute_seconds": 0.8 * level, "exchange_seconds": 0.2 * level}
    sizes = {"bytes_exchanged": 1e6, "peak_memory_bytes": 1e9}
    return {"step_seconds": level, **parts, **sizes, "images_per_second": 128 / level}


UNITS = ("epochs", "seconds", "cpu_seconds")
METRICS: dict[type, Callable[[float], Metrics]] = {  # by class of settings; each takes a level near 1.5
    Scheduled: _trained,
    ToTarget: _to_target,
    Kernels: _kernels,
    Neighbours: _neighbours,
    Ensemble: _ensemble,
    StepTime: _step_time,
}
