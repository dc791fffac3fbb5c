"""The runner's order: trials that must be alone come last, one at a time, as planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from harness.contract.trial import Trial
from harness.engines.runner import Limits, run
from harness.plans.experiment import Experiment, Finding, Lookup, Plan, Planned, Protocol, Reproduction, Role
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.experiments import Nobody
from tests.fakes.evidence.trials import STAND_IN, record_for
from tests.fakes.running.settings import Idle


@dataclass(frozen=True)
class Shared(Idle):
    """A trial that may run beside others."""

    arm: str


@dataclass(frozen=True)
class Alone(Idle):
    """A trial that must be alone."""

    arm: str
    exclusive: ClassVar[bool] = True


class Several:
    """An engine that answers one trial at a time and notes which trials are in progress together."""

    def __init__(self) -> None:
        self.pending: list[Trial] = []
        self.together: list[list[str]] = []

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        self.pending.append(trial)

    def finished(self) -> Iterator[Record]:
        self.together.append([f"{t.settings.arm}{t.seed}" for t in self.pending])
        yield record_for(self.pending.pop(0))


def experiment(*trials: Trial, later: Trial | None = None) -> Experiment:
    """The trials in this order; `later` once the last of them has a record."""
    protocol = Protocol("smoke", "", None, 2)

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        known = list(trials)
        if later is not None and lookup(trials[-1]) is not None:
            known.append(later)
        return Plan(tuple(Planned(t, t.settings.arm, Role.FINAL) for t in known))

    return Experiment(Reproduction("test", (), (protocol,), plan, lambda e: Finding()), protocol, 2, STAND_IN)


INTERLEAVED = [Trial(Alone(arm), seed) for seed, arm in ((0, "a"), (0, "b"), (1, "b"), (1, "a"))]
ORDINARY = [Trial(Shared("s"), seed) for seed in (0, 1)]


@pytest.mark.parametrize("most", [1, 2, 8])
def test_alone_last_and_as_planned(tmp_path: Path, most: int) -> None:
    engine = Several()
    mixed = [INTERLEAVED[0], ORDINARY[0], *INTERLEAVED[1:], ORDINARY[1]]
    run([experiment(*mixed), experiment(*mixed)], engine, Store(tmp_path), Nobody(), Limits(under_way=most))
    ordinary = [["s0"], ["s1"]] if most == 1 else [["s0", "s1"], ["s1"]]
    assert engine.together == [*ordinary, ["a0"], ["b0"], ["b1"], ["a1"]]


def test_ordinary_trials_that_follow_go_before_the_next_one_alone(tmp_path: Path) -> None:
    engine = Several()
    experiments = [experiment(INTERLEAVED[0], later=ORDINARY[0]), experiment(INTERLEAVED[1])]
    run(experiments, engine, Store(tmp_path), Nobody())
    assert engine.together == [["a0"], ["s0"], ["b0"]]
