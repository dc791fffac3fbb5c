"""Timing experiments: arms interleaved in blocks, compared within blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.plans.experiment import Plan, Planned, Protocol, Role
from harness.training.timing.settings import StepTime


def interleaved(protocol: Protocol, arms: Mapping[str, StepTime], blocks: int) -> Plan:
    """Every arm once per block: A B, then B A, then A B again."""
    return Plan(tuple(_planned(protocol, arms, blocks)))


def _planned(protocol: Protocol, arms: Mapping[str, StepTime], blocks: int) -> Iterator[Planned]:
    for block in range(blocks):
        for arm in list(arms) if block % 2 == 0 else reversed(list(arms)):
            yield Planned(protocol.trial(arms[arm], block), arm, Role.FINAL)
