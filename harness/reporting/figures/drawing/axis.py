"""A horizontal axis of a hand-made drawing: its ends, its round ticks, and where a value lies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.contract.formatting import number
from harness.reporting.figures.drawing import pictures
from harness.reporting.figures.drawing.frame import FRAME, MUTED

# Mantissas of round ticks, from coarse to fine: a linear axis takes steps of 1, 2 or 5.
STEPS = (1.0, 2.0, 5.0)
MANTISSAS = (
    (1.0,),
    (1, 3),
    (1, 2, 5),
    (1, 2, 3, 4, 6, 8),
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
)
MOST_TICKS = 7
LARGE = 'text-anchor="middle" font-size="10"'  # to be read on a phone
ROOM = 0.06  # beyond the outermost points


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high`, drawn from `left` to `right`."""

    low: float
    high: float
    left: float
    right: float
    log: bool = False

    @classmethod
    def over(cls, points: Sequence[float], left: float, right: float, log: bool = False) -> Axis:
        """An axis that covers the finite points and a little more."""
        known = [p for p in points if math.isfinite(p) and (p > 0 or not log)] or [1.0]
        low, high = min(known), max(known)
        if log:
            room = (high / low) ** ROOM if high > low else 1.2
            return cls(low / room, high * room, left, right, True)
        wide = ROOM * (high - low) or 0.1 * abs(high) or 1.0
        return cls(low - wide, high + wide, left, right)

    def at(self, value: float) -> float:
        """Where a value is drawn; at an end of the axis if it lies beyond."""
        held = min(max(value, self.low), self.high)
        share = (
            math.log(held / self.low) / math.log(self.high / self.low)
            if self.log
            else (held - self.low) / (self.high - self.low)
        )
        return round(self.left + share * (self.right - self.left), 2)

    def holds(self, value: float) -> bool:
        """Whether the value lies between the ends."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[float]:
        """At most seven round numbers between the ends."""
        found = self._powers() if self.log else []
        return found if len(found) > 2 else self._steps()

    def _steps(self) -> list[float]:
        least = (self.high - self.low) / MOST_TICKS
        power = 10.0 ** math.floor(math.log10(least))
        step = next(s * power for s in (*STEPS, 10.0) if s * power >= least)
        first = math.ceil(self.low / step)
        return [i * step for i in range(first, math.floor(self.high / step) + 1)]

    def _powers(self) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found: list[float] = []
        for mantissas in MANTISSAS:
            found = [m * 10.0**d for d in decades for m in mantissas if self.holds(m * 10.0**d)]
            if len(found) >= 4:
                break
        return found[:: math.ceil(len(found) / MOST_TICKS)] if found else []

    def drawn(self, y: float, name: str) -> Iterator[str]:
        """The line of the axis at height y, its ticks with numbers, and its name below."""
        yield line((self.left, y), (self.right, y), f'stroke="{FRAME}"')
        ticks = self.ticks
        for tick in ticks:
            x = self.at(tick)
            yield line((x, y), (x, y + 3), f'stroke="{FRAME}"')
            yield pictures.words(x, y + 13, _label(tick, ticks), MUTED, LARGE)
        yield pictures.words((self.left + self.right) / 2, y + 27, name, MUTED, LARGE)


def _label(tick: float, ticks: Sequence[float]) -> str:
    """The tick's number, with as many decimals as distinguish it from its neighbours."""
    least = min((b - a for a, b in pairwise(ticks)), default=abs(tick))
    return number(round(tick, 9)) if least > abs(tick) / 1e3 else number(tick, -math.floor(math.log10(least)))


def line(start: tuple[float, float], end: tuple[float, float], more: str) -> str:
    """A straight line with further attributes such as its colour."""
    return f'<line x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}" {more}/>'


def circle(x: float, y: float, radius: float, more: str) -> str:
    """A dot with further attributes such as its colour."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" {more}/>'


def diamond(x: float, y: float, colour: str) -> str:
    """A filled diamond: a result of others."""
    return f'<path d="M{x:g},{y - 4.5:g} l4.5,4.5 l-4.5,4.5 l-4.5,-4.5 z" fill="{colour}"/>'
