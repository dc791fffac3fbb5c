"""The same for rules that `calibration` does not cover: bounds, directions, other scales, counts and gates.

    python -m harness.verdicts.calibration.rules [--experiments N]

prints two tables. The first has the form of `calibration`'s: a claim whose band has one end, directions of
ratios (on either side of one) and of measures without a figure, and a difference at a scale other than the
paper's. The second has rates that are not a verdict on an effect: levels at four seeds, which no look has,
counts, costs, and the gates of `gates.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from harness.contract.effect import Effect, Interval
from harness.effects.statistics.intervals import paired_ratio, pooled
from harness.paper.catalogue import claim
from harness.paper.claims import Claim, Kind, Side
from harness.verdicts.calibration import gates as calibrated_gates
from harness.verdicts.calibration.gates import ELSEWHERE, Rate, SimulatedGate
from harness.verdicts.calibration.simulation import (
    EXPERIMENTS,
    LEVEL_SD,
    RATIO_SD,
    TIME_SD,
    Array,
    CalibrationRow,
    Promise,
    World,
    at_least,
    broken,
    calibrate,
    difference,
    differences,
    evidence,
    levels,
    markdown,
    mean_level,
    percent,
    promises,
    table,
)
from harness.verdicts.gates import Case
from harness.verdicts.rules import decide
from harness.verdicts.verdict import Outcome


def rule_of(about: Claim) -> str:
    """The kind of row, here or in `calibration`, that covers the rule that judges the claim."""
    if about.kind in (Kind.DIRECTION, Kind.QUALITATIVE):
        below = ", below one" if about.side is Side.BELOW else ""
        return f"direction of a ratio{below}" if about.null == 1.0 else "direction"
    if about.kind is Kind.DIFFERENCE and about.primary.bounded:
        return "difference, band with one end"
    return {Kind.EXACT: "counts", Kind.COST: "costs"}.get(about.kind, str(about.kind))


def worlds() -> tuple[World, ...]:
    """What is simulated in the manner of `calibration`."""
    colour, time, bias, lrn, decay = map(
        claim, ("colour-augmentation", "two-gpu-time", "bias-init", "lrn", "weight-decay")
    )
    bound = {"null": 0.0, "low edge": 1.0, "inside": 2.0, "other side": -1.0}
    small = {"null": 0.0, "half a point": 0.5, "other side": -0.5}
    return (
        World("difference, band with one end", colour, bound, differences, difference),
        World("direction of a ratio", bias, {"null": 1.0, "claimed": 1.2, "other side": 0.8}, ratios, ratio),
        World(
            "direction of a ratio, below one", time, {"null": 1.0, "claimed": 0.8, "other side": 1.2},
            ratios, ratio,
        ),
        World("direction, a difference elsewhere", lrn, small, differences, difference, scale=ELSEWHERE),
        World("direction, elsewhere", decay, small, differences, difference, scale=ELSEWHERE),
        World(
            "direction of a ratio, elsewhere", claim("relu-speedup"),
            {"null": 1.0, "claimed": 1.2, "other side": 0.8}, ratios, ratio, scale=ELSEWHERE,
        ),
    )  # fmt: skip


def ratios(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Times of two arms that share seeds."""
    first = np.exp(stream.normal(0, TIME_SD, shape))
    return np.stack([first * truth * np.exp(stream.normal(0, RATIO_SD, shape)), first], axis=1)


def ratio(about: Claim, sample: Array) -> Effect:
    """The effect of their ratio."""
    return paired_ratio(about.primary.name, about.primary.unit, sample[0].tolist(), sample[1].tolist())


def questions() -> list[SimulatedGate]:
    """What the second table covers."""
    return [*_levels_at_four(), *_negligible(), *_counts(), *_costs(), *calibrated_gates.questions()]


def _levels_at_four() -> Iterator[SimulatedGate]:
    about = claim("error-rate")
    band = about.primary.band
    assert band is not None

    def said(outcome: Outcome, truth: float) -> Callable[[np.random.Generator], bool]:
        def happens(stream: np.random.Generator) -> bool:
            effect = mean_level(about, levels(truth, stream, (1, 4))[0])
            return decide(Case(about, evidence(about.paper_scale or "", 4), effect)).outcome is outcome

        return happens

    promised = {Outcome.REPRODUCED: 0.0, Outcome.DIRECTIONAL: 0.0, Outcome.NOT_REPRODUCED: 0.025}
    for truth, value in {"low edge": band.low, "paper": about.primary.paper, "high edge": band.high}.items():
        for outcome, most in promised.items():
            yield SimulatedGate("level", truth, "4", str(outcome), most, said(outcome, value or 0.0))


def _negligible() -> Iterator[SimulatedGate]:
    """A difference at an end of the negligible band, between two arms as noisy as the simulated errors."""
    about = claim("overlapping-pooling").judged(at_paper_scale=False)
    unsure = Effect(about.primary.name, about.primary.unit, 5, 0.0, None, Interval(-1.0, 1.0, 0.95))

    def said(truth: float, seeds: int) -> Callable[[np.random.Generator], bool]:
        def happens(stream: np.random.Generator) -> bool:
            arm, base = stream.normal(truth, LEVEL_SD, seeds), stream.normal(0.0, LEVEL_SD, 3 * seeds)
            effects = [unsure, pooled("top-1 error", "points", arm, base)]
            found = decide(Case(about, evidence(ELSEWHERE, seeds), unsure, effects=effects))
            return any("as good as no difference" in reason for reason in found.reasons)

        return happens

    for seeds in (5, 10):
        for truth, most in {"1 point": 0.05, "−1 point": 0.05, "null": None}.items():
            value = {"1 point": 1.0, "−1 point": -1.0}.get(truth, 0.0)
            rule, of = "negligible difference, elsewhere", f"{seeds}"
            yield SimulatedGate(rule, truth, of, "as good as none", most, said(value, seeds))


def _counts() -> Iterator[SimulatedGate]:
    """Counts at random places in their bands, then a random one of them outside."""
    about = claim("architecture")

    def said(outcome: Outcome, wrong: int) -> Callable[[np.random.Generator], bool]:
        def happens(stream: np.random.Generator) -> bool:
            off = set(stream.permutation(len(about.metrics))[:wrong].tolist())
            effects = []
            for i, metric in enumerate(about.metrics):
                assert metric.band is not None
                place = stream.uniform(max(metric.band.low, 0.0), metric.band.high)  # none is negative
                estimate = metric.band.high * stream.uniform(1.001, 2) if i in off else float(place)
                effects.append(Effect(metric.name, metric.unit, 1, estimate, None, None))
            found = decide(Case(about, evidence("exact", 0), effects[0], effects=effects))
            return found.outcome is outcome

        return happens

    yield SimulatedGate("counts", "all inside", "–", "not reproduced", 0.0, said(Outcome.NOT_REPRODUCED, 0))
    yield SimulatedGate("counts", "one outside", "–", "reproduced", 0.0, said(Outcome.REPRODUCED, 1))


def _costs() -> Iterator[SimulatedGate]:
    about = claim("augmentation-cost")

    def happens(stream: np.random.Generator) -> bool:
        effect = ratio(about, ratios(1.0, stream, (1, 5))[0])
        return decide(Case(about, evidence("imagenet", 5), effect)).outcome.judged

    yield SimulatedGate("costs", "null", "5", "judged", 0.0, happens)


def violations(rows: Sequence[CalibrationRow], found: Sequence[Rate]) -> list[str]:
    """Rates worse than promised in either table, by `calibration`'s measure and in one family."""
    return broken(
        [*(promise for row in rows for promise in promises(row)), *map(_promise, filter(_bound, found))]
    )


def _bound(rate: Rate) -> bool:
    return rate.at_most is not None


def _promise(one: Rate) -> Promise:
    bound = one.at_most or 0.0
    where = f"{one.rule}, {one.truth}, {one.seeds} seeds"
    said = f"{where}: {one.said} in {one.rate:.1%} of experiments, at most {bound:.1%} promised"
    return Promise(said, at_least(one.rate, bound, one.experiments))


def second_table(found: Sequence[Rate]) -> str:
    """The rates, in percent with Monte-Carlo errors."""
    head = ["rule", "truth", "seeds", "said", "in % of experiments", "promised"]
    return table(
        head,
        4,
        [[r.rule, r.truth, r.seeds, r.said, percent(r.rate, r.experiments), _promised(r)] for r in found],
    )


def _promised(one: Rate) -> str:
    return "–" if one.at_most is None else "never" if not one.at_most else f"≤ {100 * one.at_most:g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints both tables; status 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m harness.verdicts.calibration.rules", description=__doc__)
    parser.add_argument("--experiments", type=int, default=EXPERIMENTS, help="for each row of the tables")
    count = parser.parse_args(arguments).experiments
    rows = [row for world in worlds() for truth in world.truths for row in calibrate(world, truth, count)]
    found = [question.rate(count) for question in questions()]
    print(f"{markdown(rows)}\n\n{second_table(found)}")
    wrong = violations(rows, found)
    print("\n".join(wrong) or "every promise holds", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
