"""What all tests share: where the real images are, and small settings that train in seconds."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
import torch

from harness.contract.device import DeviceKind
from harness.contract.trial import Status, Trial
from harness.data import sources
from harness.models.cifar10 import bare, nineteen
from harness.records.conditions import Conditions
from harness.records.keys import code_version, key_of, lineage_of, plain
from harness.records.record import Record
from harness.training.settings import ToTarget

# A machine that does other work too must fail no property test by the clock.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

GRATINGS = sources.stand_in("cifar10").identity
STAND_IN = Conditions(DeviceKind.CPU, "2.13.0", GRATINGS)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def images_place() -> Path | None:
    """The folder of real CIFAR-10, or None for the stand-in: for tests that any images will do for."""
    source = sources.find("cifar10", None)
    return None if source is None or source.place is None else source.place.resolve()


@pytest.fixture(scope="session")
def cifar_root() -> Path:
    """The folder of real CIFAR-10; the test is skipped where there is none."""
    source = sources.find("cifar10", None)
    if source is None or source.place is None:
        pytest.skip("needs CIFAR-10: './repro.py data fetch', or name its parent folder in $REPRO_DATA")
    return source.place.resolve()


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
        code=code_version(trial),
        status=status,
        metrics=metrics,
        error="it broke" if status is Status.FAILED else "",
    )
