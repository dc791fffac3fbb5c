"""The original's own uncertainty in words, and the replication panel: beside a verdict, never in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.contract.formatting import number, p_value, quantity, span
from harness.paper import run_log
from harness.paper.claims import Claim
from harness.plans.experiment import Table
from harness.verdicts.assessment import Assessment

if TYPE_CHECKING:
    from harness.verdicts.replication import Heterogeneity, Replication, ReplicationMeasures, Study

TITLE = "Replication: beside the verdict, never changing it"
SIGN_ALONE = "At a proxy only the sign may be compared, so there is no replication panel here."
APPROXIMATION = (
    "Estimates are treated as normal with known standard errors, though ours rests on few seeds. Prediction "
    "interval: Patil, Peng & Leek 2016; small telescopes: Simonsohn 2015; Bayes factor, above 1 for the "
    "paper's difference and below for none: Verhagen & Wagenmakers 2014; sceptical p, not recalibrated: "
    "Held 2020."
)
LUCKY = 1.96  # fewer standard errors than this can easily be luck
MOST, LEAST = 1e4, 1e-4  # a Bayes factor beyond these is given only as a bound
ROWS = (
    "standard error of the paper's difference",
    "95 % prediction interval for ours",
    "small telescopes: found with 33 % power",
    "replication Bayes factor",
    "sceptical p, one-sided",
    "Q over all estimates",
    "I²",
)


def own_uncertainty(claim: Claim, assessment: Assessment | None) -> str:
    """How far the paper's difference is from zero by the authors' log; empty if that is unknown."""
    distances, paper = run_log.distances(claim), claim.primary.paper
    if distances is None or paper is None:
        return ""
    low, high = distances
    verb, least = "is" if paper == 1 else "are", "at least " if claim.primary.bounded else ""
    amount = "1 point" if paper == 1 else quantity(paper, "points")
    lucky = ": indistinguishable from one lucky run" if low < LUCKY else ""
    said = f"the paper's {amount} {verb} {least}{low:.1f} to {high:.1f} standard errors from zero{lucky}"
    sds = " or ".join(number(spread.sd) for spread in run_log.SPREADS)
    spread = f"In that log a single run's standard deviation is {sds} points, by two sets of runs."
    return " ".join([f"By the authors' own log, {said}.", spread] + [SIGN_ALONE] * _proxy(claim, assessment))


def _proxy(claim: Claim, assessment: Assessment | None) -> bool:
    """Whether the claim was judged at a scale other than the paper's."""
    if assessment is None or not assessment.verdict(claim).outcome.judged:
        return False
    return not assessment.case(claim).at_paper_scale


def uncertainty_data(claim: Claim) -> dict[str, Any] | None:
    """The same as JSON values, in points and standard errors; None if the log gives no standard error."""
    distances = run_log.distances(claim)
    if distances is None:
        return None
    spreads = [
        {"runs": s.runs, "sd": s.sd, "standard error of a difference": s.standard_error}
        for s in run_log.SPREADS
    ]
    return {
        "difference": run_log.original(claim),
        "standard errors from nothing": distances,
        "spreads": spreads,
        "said": own_uncertainty(claim, None),
    }


def compared(claim: Claim, assessment: Assessment | None) -> Replication | None:
    """The replication comparison, if the claim and the evidence allow one."""
    if assessment is None or run_log.original(claim) is None or not assessment.case(claim).at_paper_scale:
        return None
    from harness.verdicts.replication import replication  # brings scipy, which `list` can do without

    return replication(assessment.case(claim))


def panel(claim: Claim, assessment: Assessment | None) -> Table | None:
    """The comparison as a table, with one column for each spread of the authors' log."""
    found = compared(claim, assessment)
    if found is None:
        return None
    columns = ("if a single run's SD is", *(f"{number(c.sd)} points" for c in found.comparisons))
    cells = zip(*map(_column, found.comparisons), strict=True)
    rows = tuple((name, *row) for name, row in zip(ROWS, cells, strict=True))
    return Table(TITLE, columns, rows, _note(claim, found))


def _column(one: ReplicationMeasures) -> tuple[str, ...]:
    end = "below" if one.too_small else "above"
    return (
        quantity(one.original_se, "points"),
        f"{span(one.predicted, 'points')}: {'contains' if one.as_predicted else 'does not contain'} ours",
        f"{quantity(one.detectable, 'points')}; our 90 % interval ends {end} it",
        _factor(one.bayes_factor),
        p_value(one.sceptical_p),
        _q(one.heterogeneity),
        f"{100 * one.heterogeneity.i2:.0f} %",
    )


def _factor(value: float) -> str:
    if not LEAST <= value <= MOST:
        return f"> {number(MOST)}" if value > MOST else f"< {LEAST:.4f}"
    return number(value)


def _q(found: Heterogeneity) -> str:
    p = p_value(found.p)
    return f"{number(found.q)}, df {found.df}, p {p if p.startswith('<') else f'= {p}'}"


def _note(claim: Claim, found: Replication) -> str:
    paper = number(found.original) + (" (a lower bound)" if claim.primary.bounded else "")
    ours = f"ours {number(found.ours)} with a standard error of {number(found.se)} (n = {found.n})"
    _, *others, _ = found.comparisons[0].studies
    return f"In points, the paper's difference is {paper}; {ours}. {_others(others)}{APPROXIMATION}"


def _others(studies: Sequence[Study]) -> str:
    """What Q covers besides the paper's difference and ours."""
    if not studies:
        return ""
    listed = "; ".join(f"{s.name}: {number(s.estimate)}" for s in studies)
    return (
        f"Q also covers {listed}. These are single runs too, and are given the paper's standard error; any "
        "other difference between them and the paper counts as heterogeneity. "
    )
