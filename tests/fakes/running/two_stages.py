"""An experiment that trains for real in seconds, and whose plan grows: final trials follow a tuning trial."""

from __future__ import annotations

from harness.contract.trial import Trial
from harness.engines.runner import Due
from harness.plans.experiment import (
    Experiment,
    Finding,
    Lookup,
    Plan,
    Planned,
    Protocol,
    Reproduction,
    Role,
)
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN, small

FEW = {"images": 256, "sample": 128}


class Collected:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.reasons: list[str] = []
        self.records: list[Record] = []

    def queued(self, due: Due) -> None:
        self.names.append(due.name)

    def waiting(self, key: str, reason: str) -> None:
        self.reasons.append(reason)

    def stored(self, record: Record) -> None:
        self.records.append(record)

    def stopping(self) -> None: ...

    def so_far(self, key: str) -> None: ...


def in_two_stages(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    """Final trials once the tuning trial has a record."""
    tuning = Planned(Trial(small(max_epochs=1, **FEW), 99), "a", Role.TUNING)
    if lookup(tuning.trial) is None:
        return Plan((tuning,), to_come="final trials")
    return Plan((tuning, *(Planned(Trial(small(**FEW), seed), "a", Role.FINAL) for seed in range(seeds))))


def experiment(seeds: int = 2) -> Experiment:
    protocol = Protocol("smoke", "", "cifar10", seeds)
    nothing = lambda evidence: Finding()  # noqa: E731
    return Experiment(
        Reproduction("test", (), (protocol,), in_two_stages, nothing), protocol, seeds, STAND_IN
    )
