"""Learning rates over time as data: each layer's rate, and whether colours are noisy. Needs no torch.

A schedule gives the setting once `epoch` epochs and `iteration` batches are complete and `errors` are the
validation errors after each epoch so far. It keeps no state, so an interrupted training can resume anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Setting:
    """The setting at one moment; the biases' rate is before their group's factor (`update.groups`)."""

    rate: float
    bias_rate: float
    layers: tuple[tuple[str, float], ...] = ()  # weights' rates that differ
    frozen: tuple[str, ...] = ()  # layers whose weights and biases do not change
    colour: bool = True
    finished: bool = False

    def rate_of(self, layer: str, bias: bool) -> float:
        """The rate of a layer's weights, or of its biases before the factor."""
        if layer in self.frozen:
            return 0.0
        return self.bias_rate if bias else dict(self.layers).get(layer, self.rate)


class Schedule(Protocol):
    """What all schedules answer."""

    def at(self, epoch: int, iteration: int, errors: Sequence[float]) -> Setting:
        """The setting after this many epochs and iterations, and these validation errors."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """The layers that are treated differently from the others."""
        ...


@dataclass(frozen=True)
class Plateau:
    """§5: divided by 10 when the validation error stops improving at this rate, three times before the end.

    The text does not say when an error has stopped improving. Here: when `patience` epochs in a row were not
    at least `least` below the best at this rate. Training ends the fourth time, or after `max_epochs`.
    """

    rate: float = 0.01
    divisor: float = 10.0
    drops: int = 3
    patience: int = 5
    least: float = 0.001
    max_epochs: int = 90

    def at(self, epoch: int, iteration: int, errors: Sequence[float]) -> Setting:
        """The setting; depends on the errors alone, except for the end."""
        seen = _plateaus(errors, self.patience, self.least)
        rate = self.rate / self.divisor ** min(seen, self.drops)
        return Setting(rate, rate, finished=seen > self.drops or epoch >= self.max_epochs)

    @property
    def names(self) -> frozenset[str]:
        """None."""
        return frozenset()


def _plateaus(errors: Sequence[float], patience: int, least: float) -> int:
    """How often the error has stopped improving; NaN is no improvement."""
    count, best, waited = 0, math.inf, 0
    for error in errors:
        if error <= best - least:
            best, waited = error, 0
        else:
            waited += 1
        if waited == patience:
            count, best, waited = count + 1, math.inf, 0
    return count


@dataclass(frozen=True)
class Drops:
    """A plateau schedule fixed beforehand: divided by `divisor` at the end of each of these epochs."""

    rate: float
    epochs: tuple[int, ...]
    end: int
    divisor: float = 10.0

    def at(self, epoch: int, iteration: int, errors: Sequence[float]) -> Setting:
        """The setting; depends on the epoch alone, and is the same for weights and biases."""
        rate = self.rate / self.divisor ** sum(drop <= epoch for drop in self.epochs)
        return Setting(rate, rate, finished=epoch >= self.end)

    @property
    def names(self) -> frozenset[str]:
        """None."""
        return frozenset()


@dataclass(frozen=True)
class Stage:
    """The setting from the end of `epoch` epochs onwards."""

    epoch: int
    rate: float
    layers: tuple[tuple[str, float], ...] = ()
    frozen: tuple[str, ...] = ()
    colour: bool = True


@dataclass(frozen=True)
class Stages:
    """A schedule fixed beforehand, or logged; the biases' rate stays fixed while the weights' is lowered."""

    stages: tuple[Stage, ...]
    bias_rate: float
    end: int  # epochs

    def __post_init__(self) -> None:
        """ValueError where the stages are not in order from epoch 0 to before the end."""
        epochs = [stage.epoch for stage in self.stages]
        if epochs[:1] != [0] or sorted(set(epochs)) != epochs or epochs[-1] >= self.end:
            raise ValueError(f"stages at epochs {epochs} must ascend from 0 to before {self.end}")

    def at(self, epoch: int, iteration: int, errors: Sequence[float]) -> Setting:
        """The setting; depends on the epoch alone."""
        now = next(stage for stage in reversed(self.stages) if stage.epoch <= epoch)
        return Setting(now.rate, self.bias_rate, now.layers, now.frozen, now.colour, epoch >= self.end)

    @property
    def names(self) -> frozenset[str]:
        """Every layer with a rate of its own, or frozen, in some stage."""
        own = (name for stage in self.stages for name, _ in stage.layers)
        return frozenset(own) | {name for stage in self.stages for name in stage.frozen}


@dataclass(frozen=True)
class Steps:
    """Caffe's: divided by 10 every 100,000 of 450,000 iterations, for weights and biases."""

    rate: float = 0.01
    divisor: float = 10.0
    every: int = 100_000
    iterations: int = 450_000

    def at(self, epoch: int, iteration: int, errors: Sequence[float]) -> Setting:
        """The setting; depends on the iteration alone."""
        rate = self.rate / self.divisor ** (iteration // self.every)
        return Setting(rate, rate, finished=iteration >= self.iterations)

    @property
    def names(self) -> frozenset[str]:
        """None."""
        return frozenset()


_CONV1 = ("conv1",)
# The log of run 145-2010 (CLAIMS.md §3.6); its epochs are taken to be complete ones.
LOGGED = Stages(
    (
        Stage(0, 0.01),
        Stage(23, 0.001),
        Stage(51, 1e-4),
        Stage(68, 1e-4, layers=(("conv1", 1e-5),), colour=False),
        Stage(72, 1e-4, frozen=_CONV1, colour=False),
        Stage(78, 1e-5, frozen=_CONV1, colour=False),
    ),
    bias_rate=0.01,
    end=93,
)
