"""What trials will cost, from the arithmetic of their networks and the speed of the records at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.contract.trial import Trial
from harness.models.description import Network
from harness.records.keys import plain
from harness.records.record import Record

# Assumed where no record tells: useful arithmetic per second of one worker, in multiply-adds.
ASSUMED = {"cpu": 50e9, "cuda": 2e12}
# A training step is one forward and two backward passes of about the same arithmetic.
PASSES = 3


@dataclass(frozen=True)
class Estimate:
    """Seconds that trials take at most, and where the speed is from."""

    seconds: float
    measured: bool


def estimate(trials: Sequence[Trial], device: str, workers: int, records: Iterable[Record]) -> Estimate:
    """The most that the trials take on this many workers, at the speed of earlier records if any."""
    trained = {(t.precision, t.settings.network) for t in trials if hasattr(t.settings, "network")}
    known = [(plain(precision), plain(network), network) for precision, network in trained]
    speeds = [s for r in records if r.conditions["device"] == device and (s := _speed(r, known))]
    speed = median(speeds) if speeds else ASSUMED[device]
    return Estimate(sum(map(most_multiply_adds, trials)) / speed / max(1, workers), bool(speeds))


def most_multiply_adds(trial: Trial) -> float:
    """The most multiply-adds that a trial may do; 0 for one that trains nothing."""
    settings = trial.settings
    if not hasattr(settings, "most_images"):
        return 0.0
    return float(settings.most_images * settings.network.multiply_adds * PASSES)


def _speed(record: Record, known: Sequence[tuple[Any, Any, Network]]) -> float | None:
    """Multiply-adds per second of a record that trained a `known` network in the precision beside it."""
    settings, rate = record.trial.get("settings", {}), record.cost.get("images_per_second")
    mine = record.trial.get("precision"), settings.get("network")
    found = (network for *described, network in known if mine == tuple(described))
    network = next(found, None)
    return rate * network.multiply_adds * PASSES if network and rate else None
