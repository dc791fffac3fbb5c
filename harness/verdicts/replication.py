"""The paper's difference and ours as original and replication: beside a verdict, never changing it.

The paper's standard error is that of two single runs by the authors' own log (`paper/run_log.py`), under both
of its spreads. All formulas treat estimates as normal with known standard errors, though ours rests on few
seeds, so they are slightly overconfident.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import scipy

from harness.contract.effect import Interval
from harness.effects.statistics.significance import DIRECTION
from harness.paper import run_log
from harness.paper.others import differences
from harness.verdicts.gates import GATES, Case

BARELY = 1 / 3  # the power of Simonsohn's small telescope
LARGEST_LOG = 700.0  # beyond this a Bayes factor overflows a double


@dataclass(frozen=True)
class Study:
    """An estimate of the effect in points with its standard error, and whose it is."""

    name: str
    estimate: float
    se: float


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's Q with its degrees of freedom and p, and I², the share of variation not due to chance."""

    q: float
    df: int
    p: float
    i2: float


@dataclass(frozen=True)
class ReplicationMeasures:
    """Everything compared if single runs have this standard deviation; in points, except ratios and p."""

    sd: float
    original_se: float
    predicted: Interval  # where 95 % of replications like ours would fall
    as_predicted: bool
    detectable: float  # the effect that the original had a power of a third to find
    too_small: bool  # our 90 % interval ends below that
    bayes_factor: float  # above 1: for the original's effect, below: for none
    sceptical_p: float  # one-sided, not recalibrated
    heterogeneity: Heterogeneity
    studies: tuple[Study, ...]  # the studies behind `heterogeneity`, the original first and ours last


@dataclass(frozen=True)
class Replication:
    """The original's and our estimate in points, compared under each spread of the authors' log."""

    original: float
    ours: float
    se: float
    n: int
    comparisons: tuple[ReplicationMeasures, ...]  # the smaller spread first


def replication(case: Case) -> Replication | None:
    """The comparison; None for a claim without a standard error, and if any gate stops the case.

    The last gate asks for the paper's scale: at a proxy only the sign of an effect may be compared.
    """
    original, effect = run_log.original(case.claim), case.effect
    if original is None or effect is None or any(gate.stopped(case) for gate in GATES):
        return None
    if effect.estimate is None or effect.ci90 is None or effect.standard_error is None or effect.censored:
        return None
    ours = Study("ours", effect.estimate, effect.standard_error)
    spreads = run_log.SPREADS
    compared = (_compared(case.claim.id, original, ours, effect.ci90.high, spread) for spread in spreads)
    return Replication(original, ours.estimate, ours.se, effect.n, tuple(compared))


def _compared(
    claim: str, original: float, ours: Study, upper90: float, spread: run_log.RepeatedRuns
) -> ReplicationMeasures:
    paper = Study("original", original, spread.standard_error)
    predicted = prediction_interval(paper.estimate, paper.se, ours.se)
    zo, zr, c = paper.estimate / paper.se, ours.estimate / ours.se, (paper.se / ours.se) ** 2
    studies = (paper, *others(claim, paper.se), ours)
    return ReplicationMeasures(
        spread.sd,
        paper.se,
        predicted,
        predicted.low <= ours.estimate <= predicted.high,
        barely_detectable(paper.se),
        upper90 < barely_detectable(paper.se),
        bayes_factor(paper.estimate, paper.se, ours.estimate, ours.se),
        sceptical_p(zo, zr, c),
        heterogeneity(studies),
        studies,
    )


def others(claim: str, se: float) -> tuple[Study, ...]:
    """Further differences of two single runs, which have the same kind of standard error.

    The pair of runs behind the paper's figure is not among them: it is the original, which the paper rounds,
    and counting it twice would make results look more alike than they are.
    """
    return tuple(Study(name, found, se) for name, found in differences(claim))


def prediction_interval(original: float, so: float, sr: float) -> Interval:
    """Where 95 % of replications with standard error `sr` fall (Patil, Peng & Leek 2016)."""
    half = _quantile((1 + DIRECTION) / 2) * math.hypot(so, sr)
    return Interval(original - half, original + half, DIRECTION)


def barely_detectable(so: float) -> float:
    """d33 of Simonsohn (2015): what a two-sided .05 test finds with power 1/3; 1.53 standard errors.

    Power on the wrong side, .0002, is neglected.
    """
    return (_quantile((1 + DIRECTION) / 2) + _quantile(BARELY)) * so


def bayes_factor(original: float, so: float, ours: float, sr: float) -> float:
    """How much better the original's posterior predicts our estimate than no effect does.

    The replication Bayes factor of Verhagen & Wagenmakers (2014) for normal estimates: the marginal
    N(ours; original, so² + sr²) ÷ N(ours; 0, sr²). Infinite if it overflows a double.
    """
    wide = math.hypot(so, sr)
    log = math.log(sr / wide) + ((ours / sr) ** 2 - ((ours - original) / wide) ** 2) / 2
    return math.exp(log) if log < LARGEST_LOG else math.inf


def sceptical_p(zo: float, zr: float, c: float) -> float:
    """The one-sided sceptical p-value of Held (2020), from both z and c = so² ÷ sr².

    This is the nominal p of the article. The R package ReplicationSuccess has the golden one of Micheloud,
    Balabdaoui & Held (2023) as its default, which is recalibrated and smaller.
    """
    z = sceptical_z(zo, zr, c)
    return _below(-z) if zo * zr > 0 else _below(z)


def sceptical_z(zo: float, zr: float, c: float) -> float:
    """The root z² of (zo² ÷ z² − 1)(zr² ÷ z² − 1) = c that is below both squares (Held 2020).

    Written so that c = 1 is no special case: there it is half the harmonic mean of the squares.
    """
    mean, product = (zo**2 + zr**2) / 2, (zo * zr) ** 2
    root = math.sqrt(max(0.0, mean**2 + (c - 1) * product))  # below 0 only by rounding
    return math.sqrt(product / (mean + root)) if product else 0.0


def heterogeneity(studies: Sequence[Study]) -> Heterogeneity:
    """Q about the mean weighted by precision (Cochran 1954), and I² (Higgins & Thompson 2002)."""
    weights = [study.se**-2 for study in studies]
    mean = sum(w * s.estimate for w, s in zip(weights, studies, strict=True)) / sum(weights)
    q = sum(w * (s.estimate - mean) ** 2 for w, s in zip(weights, studies, strict=True))
    df = len(studies) - 1
    return Heterogeneity(q, df, float(scipy.special.chdtrc(df, q)), max(0.0, (q - df) / q) if q else 0.0)


def _below(z: float) -> float:
    return float(scipy.special.ndtr(z))


def _quantile(p: float) -> float:
    return float(scipy.special.ndtri(p))
