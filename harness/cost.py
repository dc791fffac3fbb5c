"""What trials will cost, from the arithmetic of their networks and the speed of the records at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.trials import Record, Trial, plain

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
    speeds = [s for r in records if r.conditions["device"] == device and (s := _speed(r, trials)) is not None]
    speed = median(speeds) if speeds else ASSUMED[device]
    return Estimate(sum(map(most_multiply_adds, trials)) / speed / max(1, workers), bool(speeds))


def most_multiply_adds(trial: Trial) -> float:
    """The most multiply-adds that a trial may do; 0 for one that trains nothing."""
    settings = trial.settings
    if not hasattr(settings, "most_images"):
        return 0.0
    return float(settings.most_images * settings.network.multiply_adds * PASSES)


def _speed(record: Record, trials: Sequence[Trial]) -> float | None:
    """Multiply-adds per second of a record that trained what one of the trials does, in its precision."""
    alike = (t for t in trials if _trains(t) and plain(t.precision) == record.trial.get("precision"))
    networks = {trial.settings.network.name: trial.settings.network for trial in alike}
    network = networks.get(_network_name(record.trial))
    rate = record.cost.get("images_per_second")
    return rate * network.multiply_adds * PASSES if network and rate else None


def _trains(trial: Trial) -> bool:
    return hasattr(trial.settings, "network")


def _network_name(trial: Any) -> str:
    return str(trial.get("settings", {}).get("network", {}).get("name", ""))


def spoken(seconds: float) -> str:
    """A duration for people: `40 s`, `12 min`, `3.5 h`, `6 days`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}" if unit < 3600 else f"{seconds / unit:.1f} {name}"
    return f"{seconds / 86400:.0f} days"
