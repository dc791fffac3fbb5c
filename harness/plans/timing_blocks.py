"""Timing experiments: arms interleaved in blocks, compared within blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.contract.device import DeviceKind
from harness.contract.once import once
from harness.models.alexnet import alexnet
from harness.plans.experiment import Lookup, Plan, Planned, Protocol, Role
from harness.training.timing.settings import StepTime


@dataclass(frozen=True)
class Scale:
    """What a protocol fixes: the device, the size of the nets and batches, and the length of a block."""

    device: DeviceKind | None
    side: int = 224
    width: float = 1.0
    classes: int = 1000
    batch: int = 128
    steps: int = 20
    warm_up: int = 5

    def timed(self, name: str = "paper", **how: Any) -> StepTime:
        """Steps of the named net, arranged and fed as the arm says."""
        network = alexnet(name, side=self.side, width=self.width, classes=self.classes)
        return StepTime(
            network, batch=self.batch, steps=self.steps, warm_up=self.warm_up, device=self.device, **how
        )


def plan_of(arms: Callable[[Any], Mapping[str, StepTime]]) -> Callable[[Protocol, int, Lookup], Plan]:
    """The plan that times every arm of a scale once per block: A B, then B A, then A B again."""
    known = once(arms)

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        return Plan(tuple(_planned(protocol, known(protocol.settings), seeds)))

    return plan


def _planned(protocol: Protocol, arms: Mapping[str, StepTime], blocks: int) -> Iterator[Planned]:
    for block in range(blocks):
        for arm in list(arms) if block % 2 == 0 else reversed(list(arms)):
            yield Planned(protocol.trial(arms[arm], block), arm, Role.FINAL)
