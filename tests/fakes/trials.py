"""Trials small enough to be run in a test, and made-up records that answer for trials. Needs no torch."""

from __future__ import annotations

from harness.contract.device import DeviceKind
from harness.contract.trial import Status, Trial
from harness.data import sources
from harness.models.cifar10 import bare, nineteen
from harness.records.conditions import Conditions
from harness.records.keys import code_version, key_of, lineage_of, plain
from harness.records.record import Record
from harness.training.settings import ToTarget

GRATINGS = sources.stand_in("cifar10").identity
STAND_IN = Conditions(DeviceKind.CPU, "2.13.0", GRATINGS)


def small(rate: float = 0.004, max_epochs: int = 2, **changes: object) -> ToTarget:
    """Settings of a trial that takes a second or two."""
    chosen: dict[str, object] = {"images": 512, "sample": 256, "target": 0.1, "watch_from": 0.9, **changes}
    network = chosen.pop("network", bare(nineteen()))
    return ToTarget(network, rate, max_epochs, **chosen)  # type: ignore[arg-type]


def record_for(
    trial: Trial, conditions: Conditions = STAND_IN, status: Status = Status.OK, **metrics: float | None
) -> Record:
    """A made-up record that answers for a trial."""
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
