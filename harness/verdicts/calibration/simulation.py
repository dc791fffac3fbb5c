"""How often verdicts are wrong: simulated experiments with a known truth, judged by the real code.

    python -m harness.verdicts.calibration [--experiments N] [--json]

Every kind of claim is simulated where the paper's effect is absent (null), at both edges of its band, at
the paper's own figure, far outside and on the other side; with 3, 5 and 10 seeds, and with seeds added at
the looks 3, 5 and 10 until the verdict is decided. Values are normal, on logarithms for ratios. Spreads:
0.26 points between seeds (three published ResNet-50 runs), √2 times that for a pair, and assumed ones of
10 and 15 % for times and their ratios. An experiment that states no interval counts as covering; `off size`
is the share called weaker, stronger, or better than the paper.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from harness.analysis.settings import Ensemble
from harness.contract.device import DeviceKind
from harness.contract.effect import Effect, Interval
from harness.contract.trial import Status, Trial
from harness.effects.statistics.intervals import level, paired_difference
from harness.effects.statistics.significance import LOOKS
from harness.effects.statistics.time_to_event import Time, ratio_of_times
from harness.paper.catalogue import claim
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Plan, Planned, Protocol, Role, Run
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.verdicts.gates import Case
from harness.verdicts.rules import decide, decided
from harness.verdicts.verdict import Outcome, Qualifier, Verdict

EXPERIMENTS = 10_000
LEVEL_SD, PAIR_SD = 0.26, 0.26 * math.sqrt(2)  # points
TIME_SD, RATIO_SD = 0.10, 0.15  # of logarithms
OFF_SIZE = (Qualifier.WEAKER, Qualifier.STRONGER, Qualifier.AUDIT)
EPOCHS, LOOK = 6.0, 0.25  # the faster arm's time to target, and the width of a bracket
# How often any promise may be called broken although each is just kept: Bonferroni divides this by their
# number. Over a hundred rates lie exactly at their bound by construction, so one of them is always slightly
# beyond it, and only this rate says how much is too much.
FALSE_ALARMS = 0.01

Array = NDArray[np.float64]
Sample = NDArray[Any]  # one experiment: (arms, seeds), and further axes if the estimate needs them
Draw = Callable[[float, np.random.Generator, tuple[int, int]], Iterable[Sample]]


@dataclass(frozen=True)
class World:
    """One kind of claim: its truths by name, how runs are drawn, and how they are estimated."""

    kind: str
    claim: Claim
    truths: Mapping[str, float]
    draw: Draw  # (truth, stream, (experiments, seeds)) → a sample for each experiment
    estimate: Callable[[Claim, Sample], Effect]
    exact: bool = True  # coverage is 95 %, not only at least
    scale: str | None = None  # the protocol, if it is not the paper's scale


@dataclass(frozen=True)
class CalibrationRow:
    """Shares of experiments, for one kind, truth and number of seeds."""

    kind: str
    truth: str
    seeds: str
    experiments: int
    coverage: float
    reproduced: float
    directional: float
    not_reproduced: float
    inconclusive: float
    off_size: float  # weaker, stronger, or marked for an audit
    exact: bool


def band_truths(about: Claim, far: float, other_side: float) -> dict[str, float]:
    """The truths at which a claim with a band is simulated."""
    paper, band = about.primary.paper, about.primary.band
    assert paper is not None
    assert band is not None
    null = {} if about.null is None else {"null": about.null}
    edges = {"low edge": band.low, "paper": paper, "high edge": band.high}
    return {**null, **edges, "far": far, "other side": other_side}


def worlds() -> tuple[World, ...]:
    """Every kind of claim, each represented by one from the catalogue."""
    error, lrn, relu, decay = map(claim, ("error-rate", "lrn", "relu-speedup", "weight-decay"))
    ratios = band_truths(relu, 20.0, 0.5)
    directions = {"null": 0.0, "half a point": 0.5, "other side": -0.5}
    return (
        World("level", error, band_truths(error, 40.5, 34.5), levels, mean_level),
        World("difference", lrn, band_truths(lrn, 4.2, -1.4), differences, difference),
        World("ratio", relu, ratios, _times(math.inf), _ratio),
        World("ratio, 1 in 9 censored", relu, ratios, _times(1.22), _ratio, exact=False),
        World("ratio, half censored", relu, ratios, _times(0.0), _ratio, exact=False),
        World("direction", decay, directions, differences, difference),
    )


def calibrate(world: World, truth: str, experiments: int) -> list[CalibrationRow]:
    """Simulated experiments of one kind at one truth: a row for each number of seeds, and one for looks."""
    value = world.truths[truth]
    stream = np.random.default_rng(zlib.crc32(f"{world.kind} {truth}".encode()))
    samples = world.draw(value, stream, (experiments, LOOKS[-1]))
    effects = [[world.estimate(world.claim, sample[:, :n]) for n in LOOKS] for sample in samples]
    designs: dict[str, list[tuple[Verdict, Interval | None]]] = {
        str(n): [_fixed(world, several[i]) for several in effects] for i, n in enumerate(LOOKS)
    }
    designs["looks"] = [_sequential(world, several) for several in effects]
    return [_row(world, truth, seeds, judged) for seeds, judged in designs.items()]


def calibrate_all(experiments: int = EXPERIMENTS) -> list[CalibrationRow]:
    """The whole table."""
    return [row for w in worlds() for truth in w.truths for row in calibrate(w, truth, experiments)]


def violations(rows: Sequence[CalibrationRow]) -> list[str]:
    """Rates worse than promised, beyond Monte-Carlo error; empty if the rules hold.

    A promise is broken if a rate as bad has, by the binomial distribution, a probability below its share
    of FALSE_ALARMS when the promise is just kept.
    """
    return broken(promise for row in rows for promise in promises(row))


def broken(given: Iterable[Promise]) -> list[str]:
    """Messages for the broken promises among all of a page, which share FALSE_ALARMS."""
    family = list(given)
    return [p.broken for p in family if p.probability < FALSE_ALARMS / len(family)]


def markdown(rows: Sequence[CalibrationRow]) -> str:
    """The table, in percent with Monte-Carlo errors."""
    columns = ("coverage", "reproduced", "directional", "not_reproduced", "inconclusive", "off_size")
    head = ["kind", "truth", "seeds", *(c.replace("_", " ") for c in columns)]
    return table(
        head,
        3,
        [[r.kind, r.truth, r.seeds, *(percent(getattr(r, c), r.experiments) for c in columns)] for r in rows],
    )


def table(head: Sequence[str], words: int, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first `words` columns hold words and the others numbers."""
    lines = [head, ["---"] * words + ["---:"] * (len(head) - words), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Promise:
    """A bound on a rate: the message if it is broken, and the probability of a rate as bad if it is kept."""

    broken: str
    probability: float


def promises(row: CalibrationRow) -> Iterator[Promise]:
    """The promises for a row: rates of wrong verdicts, and the coverage of the intervals."""
    inside = row.truth in ("low edge", "paper", "high edge", "inside")
    at_most = {
        "reproduced": 0.0 if row.seeds == "3" else 1.0 if row.truth in ("paper", "inside") else 0.05,
        "not_reproduced": 0.025 if inside else 1.0,
        "off_size": 0.025 if inside else 1.0,
    }
    if row.kind == "level":
        at_most["directional"] = 0.0
    elif row.truth in ("null", "other side"):
        at_most["directional"] = 0.025
    if row.kind.startswith("direction") and row.truth != "other side":
        at_most["not_reproduced"] = 0.025
    where = f"{row.kind}, {row.truth}, {row.seeds} seeds"
    for name, bound in at_most.items():
        if bound < 1.0:
            rate = getattr(row, name)
            said = f"{where}: {name} in {rate:.1%} of experiments, at most {bound:.1%} promised"
            yield Promise(said, at_least(rate, bound, row.experiments))
    said = f"{where}: intervals cover the truth in {row.coverage:.1%} of experiments, 95 % promised"
    yield Promise(said, at_least(1 - row.coverage, 0.05, row.experiments))
    if row.exact and row.seeds != "looks":
        yield Promise(said, at_least(row.coverage, 0.95, row.experiments))


def at_least(rate: float, bound: float, experiments: int) -> float:
    """Probability of that rate or a larger one in `experiments`, if the true rate is the bound."""
    seen = round(rate * experiments)
    return 1.0 if seen == 0 else float(scipy.special.bdtrc(seen - 1, experiments, bound))


def percent(rate: float, experiments: int) -> str:
    """`5.1 ± 0.2`: a rate in percent with its Monte-Carlo error."""
    return f"{100 * rate:.1f} ± {100 * math.sqrt(rate * (1 - rate) / experiments):.1f}"


def _fixed(world: World, effect: Effect) -> tuple[Verdict, Interval | None]:
    return decide(Case(world.claim, evidence(_scale(world), effect.n), effect)), effect.ci95


def _sequential(world: World, effects: Sequence[Effect]) -> tuple[Verdict, Interval | None]:
    """The verdict at the first decisive look, or at the last look."""
    for effect in effects:
        verdict = decide(Case(world.claim, evidence(_scale(world), effect.n), effect, interim=True))
        if decided(verdict):
            break
    return verdict, effect.interim95


def _row(
    world: World, truth: str, seeds: str, judged: Sequence[tuple[Verdict, Interval | None]]
) -> CalibrationRow:
    value, n = world.truths[truth], len(judged)
    covered = sum(i is None or i.low <= value <= i.high for _, i in judged)
    off_size = sum(v.qualifier in OFF_SIZE for v, _ in judged)

    def share(outcome: Outcome) -> float:
        return sum(v.outcome is outcome for v, _ in judged) / n

    return CalibrationRow(
        kind=world.kind,
        truth=truth,
        seeds=seeds,
        experiments=n,
        coverage=covered / n,
        reproduced=share(Outcome.REPRODUCED),
        directional=share(Outcome.DIRECTIONAL),
        not_reproduced=share(Outcome.NOT_REPRODUCED),
        inconclusive=share(Outcome.INCONCLUSIVE),
        off_size=off_size / n,
        exact=world.exact,
    )


SIMULATED = Ensemble(())  # settings that nothing reads


def _scale(world: World) -> str:
    return world.scale or world.claim.paper_scale or ""


@lru_cache(64)
def evidence(scale: str, seeds: int) -> Evidence:
    """Complete evidence at the protocol of that name."""
    protocol = Protocol(scale, "simulated", None, seeds)
    planned = tuple(Planned(Trial(SIMULATED, seed), "arm", Role.FINAL) for seed in range(seeds))
    conditions = Conditions(DeviceKind.CPU, "simulated")
    record = Record("simulated", "", {"settings": {}}, conditions, "", Status.OK)
    return Evidence(protocol, Plan(planned), tuple(Run(p, record) for p in planned))


def levels(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Errors of one arm."""
    return stream.normal(truth, LEVEL_SD, shape)[:, None]


def differences(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Errors of two arms that share seeds."""
    treated = stream.normal(40.0, LEVEL_SD, shape)
    return np.stack([treated + stream.normal(truth, PAIR_SD, shape), treated], axis=1)


def _times(cap: float) -> Draw:
    """Times whose slower arm is cut off `cap` standard deviations above its median: NaN marks a cut."""

    def draw(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Array:
        fast = EPOCHS * np.exp(stream.normal(0, TIME_SD, shape))
        slow = fast * truth * np.exp(stream.normal(0, RATIO_SD, shape))
        limit = EPOCHS * truth * math.exp(cap * math.hypot(TIME_SD, RATIO_SD)) if cap < math.inf else math.inf
        return np.stack([slow, fast, np.full(shape, limit)], axis=1)

    return draw


def mean_level(about: Claim, sample: Array) -> Effect:
    """The effect of a level."""
    return level(about.primary.name, about.primary.unit, sample[0])


def difference(about: Claim, sample: Array) -> Effect:
    """The effect of a pair of arms."""
    return paired_difference(about.primary.name, about.primary.unit, sample[0], sample[1])


def _ratio(about: Claim, sample: Array) -> Effect:
    slow, fast, limit = sample.tolist()
    numerator = [_bracket(time, cap) for time, cap in zip(slow, limit, strict=True)]
    return ratio_of_times(about.primary.name, about.primary.unit, numerator, [_bracket(t) for t in fast])


def _bracket(time: float, cap: float = math.inf) -> Time:
    """The time as seen by evaluations every quarter of an epoch, the last at or before the cap."""
    if time > cap:
        return Time(math.floor(cap / LOOK) * LOOK, None)
    low = math.floor(time / LOOK) * LOOK
    return Time(low, low + LOOK)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, or JSON; status 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m harness.verdicts.calibration", description=__doc__)
    parser.add_argument("--experiments", type=int, default=EXPERIMENTS, help="for each row of the table")
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    options = parser.parse_args(arguments)
    rows = calibrate_all(options.experiments)
    print(json.dumps([asdict(r) for r in rows], indent=1) if options.json else markdown(rows))
    wrong = violations(rows)
    print("\n".join(wrong) or "every promise holds", file=sys.stderr)
    return int(bool(wrong))
