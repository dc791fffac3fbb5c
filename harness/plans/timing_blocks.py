"""Timing experiments: arms interleaved in blocks, compared within blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.trial import Precision, Trial
from harness.plans.experiment import Plan, Planned, Role
from harness.training.timing.settings import StepTime


def interleaved(arms: Mapping[str, StepTime], blocks: int, precision: Precision = Precision.FP32) -> Plan:
    """Every arm once a block: A B, then B A, then A B again."""
    return Plan(tuple(_planned(arms, blocks, precision)))


def _planned(arms: Mapping[str, StepTime], blocks: int, precision: Precision) -> Iterator[Planned]:
    for block in range(blocks):
        for arm in list(arms) if block % 2 == 0 else reversed(list(arms)):
            yield Planned(Trial(arms[arm], block, precision), arm, Role.FINAL)
