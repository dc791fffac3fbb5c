"""Time to a decided Figure 1: what `run relu-speedup` has to train, at the rates of `cifar-trial`.

Nothing is trained to the end here: every time is projected. The work is the declared protocol's. If a store
(the results folder, else a published one) holds all its records, it is the images that those trainings took;
otherwise it is the most that the protocol allows. Ours trains what the plan asks for, each trial on one of
the machine's workers, rung after rung. The textbook script trains every rate of the same grid to the target
or the last epoch, then the same final trials, one after another. Rates that our plan dropped early were not
trained to the end, so the cost of a plain grid has a lower bound (as long as we trained them) and an upper
bound (to the last epoch). Both networks are assumed to be as fast with tanh as with ReLU; checks of the
target, start-up and loading are left out on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import groupby
from pathlib import Path

from harness.bench.workload import Asked, Projection, Unit, WayKind, Workload, WorkloadResult
from harness.bench.workloads.cifar_trial import OURS
from harness.contract.trial import Precision, Status
from harness.plans.experiment import Lookup, Planned, Protocol, Role
from harness.plans.rate_search import Race
from harness.records.keys import canonical
from harness.records.provenance import ROOT
from harness.records.record import Record
from harness.records.schema import Cost, Measured
from harness.records.store import Store
from harness.training.settings import ToTarget
from reproductions.relu_speedup import ARMS, REPRODUCTION, Scale


@dataclass(frozen=True)
class Amount:
    """Images to train on: ours in waves of trials that may run at once; a plain grid's, least and most."""

    waves: tuple[tuple[float, ...], ...]
    least: float
    most: float
    basis: str


def project(asked: Asked, result: WorkloadResult) -> tuple[Projection, ...]:
    """Ours, and the fastest textbook script on a plain grid, at least and at most."""
    ours = result.row(OURS)
    plain = [row for row in result.rows if row.kind is WayKind.STOCK]
    if ours is None or not plain:
        return ()
    best, amount = max(plain, key=result.rate), amount_of_work(asked.results_dir)
    seconds, rate = makespan(amount.waves, asked.workers, result.rate(ours)), result.rate(best)
    least, most = amount.least / rate, amount.most / rate
    how = f"{best.name} at {rate:,.0f} images/s, every rate of the grid"
    work = f"{sum(map(sum, amount.waves)):,.0f} images {amount.basis}"
    here = f"{work}, {result.rate(ours):,.0f} images/s on {asked.workers} workers"
    ends = {"at least": least, "at most": most} if least < most else {"at most": most}
    return (
        Projection("this harness", seconds, here),
        *(
            Projection(f"textbook, plain grid, {name}", end, f"{how}; {end / seconds:.1f} times ours")
            for name, end in ends.items()
        ),
    )


def makespan(waves: Iterable[Sequence[float]], workers: int, rate: float) -> float:
    """Seconds for waves of trials, one after another, in order, on workers of rate ÷ workers each."""
    seconds = 0.0
    for wave in waves:
        ends = [0.0] * workers
        heapify(ends)
        for images in wave:
            heappush(ends, heappop(ends) + images * workers / rate)
        seconds += max(ends)
    return seconds


def amount_of_work(results: Path) -> Amount:
    """From the first store that holds all records, else from what the protocol declares."""
    protocol = next(one for one in REPRODUCTION.protocols if not one.smoke)
    for root in (results, *published(ROOT / "reports")):
        if (root / "records").is_dir() and (found := by_records(protocol, Store(root).records, root)):
            return found
    return declared(protocol)


def published(reports: Path) -> list[Path]:
    """The published stores, the latest first, as their names begin with the date."""
    stores = [folder.parent for folder in reports.glob("**/records")]
    return sorted(stores, key=lambda store: store.name, reverse=True)


def declared(protocol: Protocol) -> Amount:
    """The most that the protocol allows, if the first winner of its grid beats both neighbours."""
    scale: Scale = protocol.settings
    rungs = [[float(images)] * (len(ARMS) * n) for n, images in _rungs(scale.race, scale.images)]
    longest = float(scale.max_epochs * scale.images)
    final = [longest] * (len(ARMS) * protocol.seeds)
    grid = longest * len(ARMS) * len(scale.race.rates) * len(scale.race.seeds) + sum(final)
    return Amount((*map(tuple, rungs), tuple(final)), grid, grid, "at most, as the protocol declares")


def _rungs(race: Race, images: int) -> Iterable[tuple[int, int]]:
    """Trials of a rung, and the images each trains on from where the previous rung ended.

    Last come the winner's two neighbours, which may lie outside the grid and so begin anew.
    """
    rates, before, seeds = len(race.rates), 0, len(race.seeds)
    for budget in race.budgets:
        yield rates * seeds, (budget - before) * images
        rates, before = -(-rates // 2), budget
    yield 2 * seeds, before * images


def by_records(protocol: Protocol, records: Iterable[Record], where: Path) -> Amount | None:
    """What the plan's trainings took according to a store's records; None if they are incomplete."""
    found = _lookup(records)
    plan = REPRODUCTION.plan(protocol, protocol.seeds, found)
    if plan.to_come or any(found(planned.trial) is None for planned in plan.trials):
        return None
    took = {id(planned): _images(found, planned) for planned in plan.trials}
    return Amount(
        tuple(_waves(plan.trials, took)),
        *_plain_grid(plan.trials, took, found),
        f"by the records in {where.name}",
    )


def _lookup(records: Iterable[Record]) -> Lookup:
    """Records by trial only: code, data and conditions do not matter for how long it took."""
    known: Mapping[str, Record] = {
        canonical(record.trial): record for record in records if record.status is not Status.FAILED
    }
    return lambda trial: known.get(canonical(trial))


def _images(found: Lookup, planned: Planned) -> float:
    record = found(planned.trial)
    assert record is not None
    return record.cost[Cost.IMAGES]


def _waves(trials: Sequence[Planned], took: Mapping[int, float]) -> Iterable[tuple[float, ...]]:
    """Rung by rung, then the final trials; a trial continues where a shorter one of its kind ended."""
    done: dict[tuple[str, float, int], float] = {}
    for _, wave in groupby(sorted(trials, key=_place), _place):
        images = []
        for planned in wave:
            before = done.get(_training(planned), 0.0)
            images.append(max(0.0, took[id(planned)] - before))
            done[_training(planned)] = took[id(planned)]
        yield tuple(images)


def _settings(planned: Planned) -> ToTarget:
    settings = planned.trial.settings
    assert isinstance(settings, ToTarget)
    return settings


def _place(planned: Planned) -> tuple[bool, int]:
    return planned.role is Role.FINAL, _settings(planned).max_epochs


def _training(planned: Planned) -> tuple[str, float, int]:
    return planned.arm, _settings(planned).rate, planned.trial.seed


def _plain_grid(trials: Sequence[Planned], took: Mapping[int, float], found: Lookup) -> tuple[float, float]:
    """Images for every rate trained to its end and for the final trials, at least and at most."""
    least: dict[tuple[str, float, int], float] = {}
    most: dict[tuple[str, float, int], float] = {}
    longest = max(_settings(planned).max_epochs for planned in trials)
    for planned in sorted(trials, key=_place):
        name, record, settings = _training(planned), found(planned.trial), _settings(planned)
        assert record is not None
        over = record.metrics.get(Measured.REACHED) or record.status is Status.DIVERGED
        least[name] = took[id(planned)]
        most[name] = took[id(planned)] if over else float(longest * settings.images)
    return sum(least.values()), sum(most.values())


WORKLOAD = Workload(
    "time to a decided Figure 1 (projected)",
    Unit.RATE,
    project=project,
    of="cifar-trial",
    precision=Precision.FP32,
)
