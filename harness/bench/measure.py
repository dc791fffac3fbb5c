"""Turns: every way once per round, for as many rounds as time allows, after a warm-up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from harness.bench.machine import Others
from harness.bench.players import PATIENCE, Done, Failed, Seat, Turn, seconds_an_image
from harness.bench.statistics import ratios, shares, spread
from harness.bench.workload import (
    Asked,
    Player,
    Unit,
    Way,
    WayKind,
    WayResult,
    Ways,
    Workload,
    WorkloadResult,
)
from harness.contract.errors import EngineError
from harness.contract.progress import Advance, Tracker

LEAST, MOST = 3, 15  # rounds
PATIENT, SHORT = 1.5, 40.0  # on a GPU: multiples of the requested seconds, and at least so many seconds
FEWEST, OVER = 2, 1.3  # rounds, once they have taken that multiple of the requested seconds
Take = Callable[[Way, Turn], list[Done]]
Round = Mapping[str, float]  # seconds per image, by way


@dataclass(frozen=True)
class Turns:
    """The time of every way in every round, in seconds per image; and why some ways dropped out."""

    batch: int
    seconds: Mapping[str, Sequence[float]]
    failed: Mapping[str, str]


class RoundTable:
    """The ways of a plan; one that fails gets no more turns."""

    def __init__(self, plan: Ways, asked: Asked, take: Take) -> None:
        """`take` does one turn of a way; it raises Failed if the way cannot do it."""
        self.plan, self.asked, self.take = plan, asked, take
        self.failed: dict[str, str] = {}

    @property
    def able(self) -> list[Way]:
        """The ways that have not failed."""
        return [way for way in self.plan.ways if way.name not in self.failed]

    def round(self, batch: int, advance: Advance = lambda count: None, warm: bool = False) -> Round:
        """A turn of every way, each with its share of the time; a warm-up is as short as possible."""
        share = 0.0 if warm else self.asked.seconds / (self.asked.rounds + 1) / len(self.plan.ways)
        found: dict[str, float] = {}
        for way in self.able:
            try:
                turn = Turn(way.name, batch, share, way.lead, warm and not way.many_steps)
                done = self.take(way, turn)
                found[way.name] = seconds_an_image(done)
            except Failed as failure:
                self.failed[way.name] = str(failure)
            advance(1)
        return found

    def batch(self) -> int:
        """The largest batch for which enough rounds fit into the time, from two rounds of the smallest."""
        smallest = min(self.plan.batches)
        if len(self.plan.batches) == 1:
            return smallest
        self.round(smallest, warm=True)
        spent = smallest * sum(self.round(smallest, warm=True).values())
        rounds = 1 + min(LEAST, self.asked.rounds)
        fit = (b for b in self.plan.batches if rounds * spent * b / smallest <= self.asked.seconds)
        return max(fit, default=smallest)


def take_turns(plan: Ways, asked: Asked, take: Take, tracker: Tracker, name: str) -> Turns:
    """Rounds until the time is spent; their number follows from the duration of the first one."""
    table, ways, begun = RoundTable(plan, asked, take), len(plan.ways), time.perf_counter()
    with tracker.task(f"{name}: how long a turn takes"):
        batch = table.batch()
        if batch != min(plan.batches) or len(plan.batches) == 1:
            table.round(batch, warm=True)
        start = time.perf_counter()
        kept = [table.round(batch)]
    lasted = time.perf_counter() - start
    left = asked.seconds - (time.perf_counter() - begun)
    rounds = max(min(LEAST, asked.rounds), min(MOST, 1 + int(left / lasted)))
    with tracker.task(f"{name}: turns", rounds * ways, ways, "turns") as advance:
        while len(kept) < FEWEST or (len(kept) < rounds and not _over(begun, asked)):
            kept.append(table.round(batch, advance))
    return Turns(batch, {way.name: [one[way.name] for one in kept] for way in table.able}, table.failed)


def _over(begun: float, asked: Asked) -> bool:
    return time.perf_counter() - begun > OVER * asked.seconds


def measure(name: str, workload: Workload, asked: Asked, tracker: Tracker) -> WorkloadResult:
    """Measures a workload that has its own ways; EngineError if every one fails."""
    assert workload.plan is not None
    begun, others = time.perf_counter(), Others()
    with tracker.task(f"{name}: getting ready"):
        plan = workload.plan(asked)
    with seated(plan, asked, tracker, name) as take:
        turns = take_turns(plan, asked, take, tracker, name)
        profiles, failed = _profiles(plan, turns, take, tracker, name) if asked.profile else ({}, {})
    ours = plan.ways[0].name
    if not turns.seconds:
        raise EngineError(f"{name}: {ours}: {turns.failed[ours]}")
    rows = tuple(
        replace(_row(way, turns, ours, workload.unit), profile=profiles.get(way.name, {}))
        for way in plan.ways
        if way.name in turns.seconds
    )
    return WorkloadResult(
        workload=name,
        title=workload.title,
        unit=workload.unit,
        batch=turns.batch,
        precision=asked.precision,
        rounds=rows[0].value.n,
        seconds=time.perf_counter() - begun,
        others=others.cores(),
        rows=rows,
        failed={**turns.failed, **failed},
        notes=plan.notes,
        facts=plan.facts,
    )


def patience(asked: Asked) -> float:
    """Seconds that a process may take for a turn: with little time on a GPU, one that hangs costs little."""
    return min(PATIENCE, max(SHORT, asked.seconds * PATIENT)) if asked.device.cuda else PATIENCE


@contextmanager
def seated(plan: Ways, asked: Asked, tracker: Tracker, name: str) -> Iterator[Take]:
    """Runs the plan's processes while the block lasts; yields the function that takes a turn."""
    seats: dict[Player, Seat] = {}
    try:
        for player in dict.fromkeys(way.player for way in plan.ways):
            seats[player] = Seat(player, asked.device, patience(asked))
        with tracker.task(f"{name}: starting processes", len(seats)) as advance:
            for seat in seats.values():
                seat.ready()
                advance(1)
        yield lambda way, turn: seats[way.player].take(turn)
    except KeyboardInterrupt:
        for seat in seats.values():
            seat.kill()
        raise
    finally:
        for seat in seats.values():
            seat.dismiss()
        for seat in seats.values():
            seat.close()


def _profiles(
    plan: Ways, turns: Turns, take: Take, tracker: Tracker, name: str
) -> tuple[dict[str, Mapping[str, float]], dict[str, str]]:
    """For each way except ceilings, the operators' shares of one more run; and why some have none."""
    ways = [way for way in plan.ways if way.name in turns.seconds and way.kind is not WayKind.CEILING]
    found: dict[str, Mapping[str, float]] = {}
    failed: dict[str, str] = {}
    with tracker.task(f"{name}: profiles", len(ways)) as advance:
        for way in ways:
            try:
                first, *_ = take(way, Turn(way.name, turns.batch, 0.0, way.lead, profiled=True))
                found[way.name] = shares(first.operators)
            except Failed as failure:
                failed[f"{way.name}, profiled"] = str(failure)
            advance(1)
    return found, failed


def _row(way: Way, turns: Turns, ours: str, unit: Unit) -> WayResult:
    seconds = turns.seconds[way.name]
    values = tuple(1 / s if unit is Unit.RATE else 1e3 * turns.batch * s for s in seconds)
    limit = turns.seconds.get(way.ceiling)
    return WayResult(
        name=way.name,
        kind=way.kind,
        value=spread(values),
        values=values,
        ratio=spread(ratios(seconds, turns.seconds[ours])) if ours in turns.seconds else None,
        ceiling=way.ceiling,
        share=spread(ratios(limit, seconds)) if limit and way.kind is not WayKind.CEILING else None,
    )
