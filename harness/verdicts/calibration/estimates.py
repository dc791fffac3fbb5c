"""How often verdicts and adjusted p-values are wrong for each way to estimate: simulations with known truth.

    python -m harness.verdicts.calibration.estimates [--experiments N]

Three tables beside that of `calibration`. The first judges, with the same code and the same promises, arms
compared with all runs of a baseline, the smallest of four effects ("any layer"), and errors of runs × images
with per-image bits as in records. The second counts families of claims in which any true null is rejected.
The third promises nothing: it shows the cost of a pooled variance if spreads differ.
"""

from __future__ import annotations

import argparse
import math
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from harness.contract.effect import Effect
from harness.effects.statistics.dunnett import dunnett
from harness.effects.statistics.intervals import level, paired_difference, pooled, smallest, student_p
from harness.effects.statistics.significance import INTERIM_DIRECTION, LOOKS, holm, over_looks
from harness.effects.statistics.two_way import of_sets
from harness.paper.catalogue import claim
from harness.paper.claims import Claim
from harness.verdicts.calibration import simulation
from harness.verdicts.calibration.simulation import (
    LEVEL_SD,
    Draw,
    Sample,
    World,
    band_truths,
    calibrate,
)

BASELINE = 15  # runs that all arms share
FIXED = 5  # runs of an arm without looks
MORE = 3.0  # points by which the other layers cost more than the least costly one
IMAGES = 2000
HARD, TASTE, LUCK = 1.0, 0.3, 0.02  # spreads of images, of images within an arm, and of runs; else 1
NETWORK = 0.16  # the share of images that a network gets wrong

Array = NDArray[np.float64]


def worlds() -> tuple[World, ...]:
    """Every way to estimate, each on one claim of the catalogue."""
    names = ("lrn", "weight-decay", "depth", "error-rate", "ten-view", "crop-flip")
    lrn, decay, depth, rate, views, crops = map(claim, names)
    directions = {"null": 0.0, "half a point": 0.5, "other side": -0.5}
    fall, any_layer = band_truths(lrn, 4.2, -1.4), band_truths(depth, 6.0, -2.0)
    return (
        World("pooled, as many in the baseline", lrn, fall, _arms((0.0,)), _grown),
        World("pooled, 15 in the baseline", lrn, fall, _arms((0.0,)), _fixed),
        World("direction, 15 in the baseline", decay, directions, _arms((0.0,)), _fixed),
        World("any of four, one costs least", depth, any_layer, _arms((0.0, *[MORE] * 3)), _any, exact=False),
        World("any of four, all alike", depth, any_layer, _arms((0.0,) * 4), _any, exact=False),
        World("images, 15 in the baseline", lrn, fall, _pair, _images_apart, exact=False),
        World("images, level", rate, band_truths(rate, 43.0, 32.0), _one, _images_level, exact=False),
        World(
            "images, same weights", views, band_truths(views, 4.5, -1.5), _views, _images_paired, exact=False
        ),
        World("direction, images, gap", crops, directions, _gaps, _images_gap, exact=False),
    )


def _arms(more: Sequence[float]) -> Draw:
    """Arms above the baseline by the truth and `more`, then 15 runs of the baseline, three in a row."""

    def draw(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Iterable[Sample]:
        experiments, seeds = shape
        for _ in range(experiments):
            arms = stream.normal(40.0 + truth, LEVEL_SD, (len(more), seeds)) + np.array(more)[:, None]
            yield np.concatenate([arms, stream.normal(40.0, LEVEL_SD, (BASELINE // 3, seeds))])

    return draw


def _named(about: Claim) -> tuple[str, str]:
    return about.primary.name, about.primary.unit


def _baseline(sample: Sample) -> Sample:
    """The 15 runs, available from the first look on."""
    rows = sample[-BASELINE // 3 :, :3]
    return rows.reshape(BASELINE, *rows.shape[2:])


def _fixed(about: Claim, sample: Sample) -> Effect:
    return pooled(*_named(about), sample[0], _baseline(sample))


def _grown(about: Claim, sample: Sample) -> Effect:
    return pooled(*_named(about), sample[0], sample[1])


def _any(about: Claim, sample: Sample) -> Effect:
    base = _baseline(sample)
    return smallest([pooled(*_named(about), arm, base) for arm in sample[: -BASELINE // 3]])


def _pair(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Iterable[Sample]:
    """An arm wrong of `truth` points more, and of 15 runs of the baseline, three a row."""
    for _ in range(shape[0]):
        arm, base = _outcomes(stream, (NETWORK + truth / 100, NETWORK), BASELINE)
        rows = np.zeros((BASELINE // 3, *arm[: shape[1]].shape), np.int8)
        rows[:, :3] = base.reshape(BASELINE // 3, 3, IMAGES)
        yield np.concatenate([arm[None, : shape[1]], rows])


def _one(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Iterable[Sample]:
    for _ in range(shape[0]):
        yield _outcomes(stream, (truth / 100,), shape[1])


def _views(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Iterable[Sample]:
    """The same weights with one view and with ten: a run's outcomes on an image are nearly the same."""
    for _ in range(shape[0]):
        yield _outcomes(stream, (NETWORK + truth / 100, NETWORK), shape[1], alike=0.9)


def _gaps(truth: float, stream: np.random.Generator, shape: tuple[int, int]) -> Iterable[Sample]:
    """Two arms on test images, and then on training images: the first one's gap is wider by `truth`."""
    half = truth / 200
    for _ in range(shape[0]):
        test = _outcomes(stream, (NETWORK + half, NETWORK), shape[1], IMAGES // 2)
        train = _outcomes(stream, (NETWORK / 2 - half, NETWORK / 2), shape[1], IMAGES // 2)
        yield np.concatenate([test, train])


def _outcomes(
    stream: np.random.Generator,
    wrong: Sequence[float],
    seeds: int,
    images: int = IMAGES,
    alike: float = 0.0,
) -> Sample:
    """Which images each run of each arm gets wrong, 0 or 1 (arms, seeds, images), with these overall shares.

    An image is hard for all, harder for one arm than for another, and the rest is chance: the arms share the
    part `alike` of its variance, like two ways to test the same weights.
    """
    arms, scale = len(wrong), math.sqrt(HARD**2 + TASTE**2 + LUCK**2 + 1)

    def normal(*shape: int) -> Sample:
        return stream.standard_normal(shape, dtype=np.float32)

    latent = normal(arms, seeds, images) * np.float32(math.sqrt(1 - alike))
    if alike:
        latent += normal(1, seeds, images) * np.float32(math.sqrt(alike))
    latent += HARD * normal(1, 1, images) + TASTE * normal(arms, 1, images) + LUCK * normal(arms, seeds, 1)
    limits = scale * scipy.special.ndtri(np.array(wrong))
    wrong_of: Sample = latent < limits[:, None, None].astype(np.float32)
    return wrong_of.astype(np.int8)


def _errors(cells: Sample) -> Array:
    """Each run's error in percent (seeds,)."""
    return np.asarray(100 * cells.mean(1, dtype=np.float64))


def _images_apart(about: Claim, sample: Sample) -> Effect:
    arm, base = sample[0], _baseline(sample)
    return pooled(*_named(about), _errors(arm), _errors(base), of_sets([[arm, base]]))


def _images_level(about: Claim, sample: Sample) -> Effect:
    return level(*_named(about), _errors(sample[0]), of_sets([list(sample)]))


def _images_paired(about: Claim, sample: Sample) -> Effect:
    one, ten = map(_errors, sample)
    return paired_difference(*_named(about), one, ten, of_sets([[sample[0] - sample[1]]]))


def _images_gap(about: Claim, sample: Sample) -> Effect:
    test, train = sample[:2], sample[2:]
    first, second = (_errors(unseen) - _errors(seen) for unseen, seen in zip(test, train, strict=True))
    return pooled(*_named(about), first, second, of_sets([list(test), list(train)]))


@dataclass(frozen=True)
class FamilyRow:
    """Shares of families in which any true null has p < .05, raw and adjusted."""

    kind: str
    nulls: str
    experiments: int
    raw: float
    adjusted: float


Adjust = Callable[[Array, list[Array]], tuple[list[float], list[float]]]


def family_rows(experiments: int) -> Iterator[FamilyRow]:
    """Families of 17 claims by Holm and of four arms by Dunnett, each against the same 15 runs."""
    for kind, size, adjust in (
        ("Holm, 17 claims", 17, _by_holm),
        ("Holm, 17 claims at looks", 17, _by_holm_at_looks),
        ("Dunnett, 4 arms", 4, _by_dunnett),
    ):
        for true in (size, size // 2, 1):
            yield _family(kind, size, true, adjust, experiments)


def _family(kind: str, size: int, true: int, adjust: Adjust, experiments: int) -> FamilyRow:
    stream = np.random.default_rng(zlib.crc32(f"{kind} {true}".encode()))
    raw = adjusted = 0
    for _ in range(experiments):
        shifts = [0.0] * true + [2 * LEVEL_SD] * (size - true)
        arms = [stream.normal(shift, LEVEL_SD, LOOKS[-1]) for shift in shifts]
        found = adjust(stream.normal(0.0, LEVEL_SD, BASELINE), arms)
        wrong = [min(p[:true]) < 0.05 for p in found]
        raw, adjusted = raw + wrong[0], adjusted + wrong[1]
    return FamilyRow(kind, f"{true} of {size}", experiments, raw / experiments, adjusted / experiments)


def _raw(baseline: Array, arm: Array, n: int = FIXED) -> float:
    return student_p(pooled("", "", arm[:n], baseline)) or 0.0


def _holm(p: Sequence[float]) -> list[float]:
    return list(holm(dict(zip(map(str, range(len(p))), p, strict=True))).values())


def _by_holm(baseline: Array, arms: list[Array]) -> tuple[list[float], list[float]]:
    p = [_raw(baseline, arm) for arm in arms]
    return p, _holm(p)


def _by_holm_at_looks(baseline: Array, arms: list[Array]) -> tuple[list[float], list[float]]:
    """Each claim's p-value at the first look where it is decided, or at the last."""
    looks = [[_raw(baseline, arm, n) for n in LOOKS] for arm in arms]
    p = [next((p for p in at if p < 1 - INTERIM_DIRECTION), at[-1]) for at in looks]
    return p, _holm([over_looks(one) for one in p])


def _by_dunnett(baseline: Array, arms: list[Array]) -> tuple[list[float], list[float]]:
    p = [_raw(baseline, arm) for arm in arms]
    return p, dunnett(baseline, [arm[:FIXED] for arm in arms]) or p


def violations(rows: Sequence[simulation.CalibrationRow], families: Sequence[FamilyRow]) -> list[str]:
    """Rates worse than promised in either table, by `simulation`'s measure and all as one page."""
    return simulation.broken(
        [*(promise for row in rows for promise in simulation.promises(row)), *map(_promise, families)]
    )


def _promise(one: FamilyRow) -> simulation.Promise:
    said = f"an adjusted p errs in {one.adjusted:.1%} of families, at most 5.0% promised"
    chance = simulation.at_least(one.adjusted, 0.05, one.experiments)
    return simulation.Promise(f"{one.kind}, {one.nulls} null: {said}", chance)


@dataclass(frozen=True)
class SpreadRow:
    """The performance of a pooled variance if spreads differ: nothing is promised."""

    runs: str
    spread: float
    experiments: int
    coverage: float
    above: float  # shares of intervals that lie above a true 0


def spread_rows(experiments: int) -> Iterator[SpreadRow]:
    """Arms of 5 and 10 runs, as noisy as the baseline, less noisy and noisier."""
    for n, many in ((5, 5), (5, 15), (10, 15)):
        for spread in (0.67, 1.0, 1.5, 2.0):
            stream = np.random.default_rng(zlib.crc32(f"{n} {many} {spread}".encode()))
            held = above = 0
            for _ in range(experiments):
                found = pooled("", "", stream.normal(0, spread, n), stream.normal(0, 1, many)).ci95
                assert found is not None
                held, above = held + (found.low <= 0 <= found.high), above + (found.low > 0)
            yield SpreadRow(
                f"{n} against {many}", spread, experiments, held / experiments, above / experiments
            )


def family_table(rows: Sequence[FamilyRow]) -> str:
    """Families as a table, in percent with Monte-Carlo errors."""
    return simulation.table(
        ["family", "true nulls", "any raw p < .05", "any adjusted p < .05"],
        2,
        [
            [r.kind, r.nulls, *(simulation.percent(x, r.experiments) for x in (r.raw, r.adjusted))]
            for r in rows
        ],
    )


def spread_table(rows: Sequence[SpreadRow]) -> str:
    """Spreads as a table, in percent with Monte-Carlo errors."""
    return simulation.table(
        ["runs", "arm's spread ÷ baseline's", "coverage", "wholly above a true 0"],
        2,
        [
            [r.runs, f"{r.spread:g}", *(simulation.percent(x, r.experiments) for x in (r.coverage, r.above))]
            for r in rows
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the three tables; status 1 if a promise is broken."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.verdicts.calibration.estimates", description=__doc__
    )
    parser.add_argument("--experiments", type=int, default=simulation.EXPERIMENTS, help="for each row")
    experiments: int = parser.parse_args(arguments).experiments
    rows = [row for w in worlds() for truth in w.truths for row in calibrate(w, truth, experiments)]
    families = list(family_rows(experiments))
    spreads = list(spread_rows(experiments))
    parts = simulation.markdown(rows), family_table(families), spread_table(spreads)
    print("\n\n".join(parts))
    broken = violations(rows, families)
    print("\n".join(broken) or "every promise holds", file=sys.stderr)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
