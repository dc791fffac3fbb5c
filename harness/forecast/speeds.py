"""The speeds at which trials are priced: those of records, else of this machine, else assumed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import median

from harness.contract.device import Device
from harness.contract.once import once
from harness.contract.trial import Precision, Trial
from harness.forecast import cost, kept_speeds
from harness.forecast.cost import Speed
from harness.records.keys import canonical, spelled
from harness.records.record import Record
from harness.records.schema import Cost
from harness.records.store import Store

Timed = tuple[float, float]  # multiply-adds per second, and for how many seconds


def known(store: Store, trials: Sequence[Trial], device: Device) -> Mapping[Precision, Speed]:
    """The speed of each of the trials' precisions."""
    return cost.speeds(trials, device, recorded(store, trials, device), kept_speeds.kept(store.root, device))


def unknown(store: Store, trials: Sequence[Trial], device: Device) -> set[Precision]:
    """Precisions of training trials whose speed no record gives."""
    needed = {trial.precision for trial in trials if cost.most_multiply_adds(trial)}
    return needed - recorded(store, trials, device).keys()


def recorded(store: Store, trials: Sequence[Trial], device: Device) -> Mapping[Precision, float]:
    """Multiply-adds per second, by precision, of records that trained one of the trials' networks.

    Timing trials do other work than training, and the same every time: they take as long as the longest of
    their records.
    """
    if any(trial.settings.exclusive for trial in trials):
        return _slowest_of_the_same(store, trials, device)
    found: dict[Precision, list[Timed]] = {}
    by_network = _by("network", Cost.IMAGES_PER_SECOND, store, len(store.records))
    networks = {id(trial.settings.network): trial.settings.network for trial in trials}.values()
    for name, network in {canonical(one): one for one in networks if one is not None}.items():
        of_one = cost.training_speed(1.0, network)  # at one image per second
        for record in by_network.get(name, ()):
            if record.conditions.on(device):
                speed = of_one * record.cost[Cost.IMAGES_PER_SECOND]
                found.setdefault(record.precision, []).append((speed, record.cost.get(Cost.SECONDS, 0.0)))
    return {precision: _typical(timed, device) for precision, timed in found.items()}


def _slowest_of_the_same(store: Store, trials: Sequence[Trial], device: Device) -> Mapping[Precision, float]:
    """The least speed, by precision, of records with the settings of one of the trials."""
    by_settings, found = _by("", Cost.SECONDS, store, len(store.records)), dict[Precision, list[float]]()
    for trial in {id(trial.settings): trial for trial in trials}.values():
        for record in by_settings.get(canonical(trial.settings), ()):
            if record.conditions.on(device):
                speed = cost.most_multiply_adds(trial) / record.cost[Cost.SECONDS]
                found.setdefault(record.precision, []).append(speed)
    return {precision: min(of_each) for precision, of_each in found.items()}


def _typical(timed: Sequence[Timed], device: Device) -> float:
    """The median; on a GPU all work ÷ all seconds, since each trial first compiles, chooses and captures.

    That takes seconds, most of a short trial: the median of short ones would say little about longer ones.
    """
    total = sum(seconds for _, seconds in timed)
    if device.cuda and total > 0:
        return sum(speed * seconds for speed, seconds in timed) / total
    return median(speed for speed, _ in timed)


@lru_cache(maxsize=2)
def _by(part: str, known: Cost, store: Store, count: int) -> Mapping[str, list[Record]]:
    """The store's records, now `count`, that have this cost: by a part of their settings, or by all."""
    found: dict[str, list[Record]] = {}
    for record in store.records:
        value = record.settings.get(part) if part else record.settings
        if value and record.cost.get(known):
            found.setdefault(_spelled(value), []).append(record)
    return found


_spelled = once(spelled)
