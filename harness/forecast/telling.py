"""The records that tell how fast networks train, indexed by network, since a report asks often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from harness.contract.device import Device
from harness.contract.once import once
from harness.contract.trial import Precision, Trial
from harness.records.keys import canonical, spelled
from harness.records.record import Record
from harness.records.schema import Cost
from harness.records.store import Store

Timed = tuple[float, Record]  # multiply-adds per second, up to a factor, and the record that gives it


def telling(store: Store, trials: Sequence[Trial], device: Device) -> list[Record]:
    """The few records from which `cost` computes the same speeds as from all the store's records."""
    return list(_middle(_by_network(store, len(store.records)), trials, device))


@lru_cache(maxsize=1)
def _by_network(store: Store, count: int) -> Mapping[str, list[Record]]:
    """The store's records, of which there are now `count`, by the network they trained."""
    found: dict[str, list[Record]] = {}
    for record in store.records:
        network = record.settings.get("network")
        if network and record.cost.get(Cost.IMAGES_PER_SECOND):
            found.setdefault(_spelled(network), []).append(record)
    return found


def _middle(known: Mapping[str, list[Record]], trials: Sequence[Trial], device: Device) -> Iterator[Record]:
    """For each precision, the one or two middle records, whose median is the median of all."""
    timed: dict[Precision, list[Timed]] = {}
    networks = {id(trial.settings.network): trial.settings.network for trial in trials}.values()
    for name, network in {canonical(one): one for one in networks if one is not None}.items():
        arithmetic = network.multiply_adds
        for record in known.get(name, ()):
            if record.conditions.on(device):
                speed = record.cost[Cost.IMAGES_PER_SECOND] * arithmetic
                timed.setdefault(record.precision, []).append((speed, record))
    for found in timed.values():
        found.sort(key=lambda one: one[0])
        yield from (record for _, record in found[(len(found) - 1) // 2 : len(found) // 2 + 1])


_spelled = once(spelled)
