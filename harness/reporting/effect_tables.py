"""Tables of effects: everything known about each, and counts beside the paper's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb

from harness.contract.effect import Effect
from harness.contract.formatting import decimals, interval, number, p_value, quantity
from harness.effects.statistics.significance import DIRECTION as LEVEL
from harness.effects.statistics.significance import INTERIM_DIRECTION, LOOKS, most_seeds
from harness.paper.claims import Claim, Kind, Metric
from harness.plans.experiment import Table
from harness.reporting.wording import opened, words
from harness.verdicts.gates import ever_judged

COLUMNS = (
    "metric", "role", "estimate", "paper", "95 % interval", "90 % interval", "n", "censored", "p, Student",
    "p, exact", "p, Holm", "p, Dunnett", "at least", "smallest detectable effect", "n that would decide",
)  # fmt: skip
DIRECTION = "n that would show the direction"  # at a scale other than the paper's, where no band applies
PRIMARY, SECONDARY, SHOWN, COUNTED = "primary", "secondary, not judged", "shown, not judged", "judged"
STUDENT = "p, Student: from the intervals' t."
ASKED = f"{1 - INTERIM_DIRECTION:.4f}".removeprefix("0")  # of p at a look
STUDENT_AT_LOOKS = f"p, Student: of this look alone; a look asks for {ASKED}."
EXACT = "p, exact: from sign flips or permutations of seeds."
HOLM = "p, Holm: Student's, adjusted over the primary effects of the paper's judged claims in this report"
LOOKED = "; first multiplied by {}, the number of looks"
AT_LOOKS = (
    "Intervals have the wider levels of interim looks, so that they are as often right as 95 and 90 % ones."
)
DUNNETT = "p, Dunnett: over seeds alone, adjusted over the arms that share a control."
DETECTABLE = "Smallest detectable effect: that with 80 % power to exclude no effect{}."
MAY_BE_ABSENT = (
    "censored", "p, exact", "p, Holm", "p, Dunnett", "at least", "smallest detectable effect",
    "n that would decide",
)  # fmt: skip


def effect_table(
    claim: Claim,
    effects: Sequence[Effect],
    adjusted_p: float | None = None,
    proxy: bool = False,
    interim: bool = False,
) -> Table:
    """Everything known about each effect; for a single value, only what one value can tell.

    `proxy` says that this is a scale other than the paper's, `interim` that seeds are added at looks, so that
    the effects have the intervals that count there.
    """
    families = _dunnett(effects)
    rows = [
        _effect_row(claim, e, role(claim, i), None if i else adjusted_p, families.get(i, ""), interim)
        for i, e in enumerate(effects)
    ]
    single = all(e.n <= 1 and not e.censored for e in effects)
    optional = COLUMNS if single else MAY_BE_ABSENT
    kept = [i for i, name in enumerate(COLUMNS) if name not in optional or any(row[i] for row in rows)]
    exact = any(row[COLUMNS.index("p, exact")] for row in rows)
    tested = " ".join(_tested(claim, effects, adjusted_p, interim, exact, bool(families)))
    few = [e for e in effects if 1 < len(e.values) <= 12 and claim.metric(e.metric)]
    said = [f"{opened(words(e.metric))}, value by value: {', '.join(map(number, e.values))}." for e in few]
    remarks = [f"{opened(words(e.metric))}: {e.note}" for e in effects if e.note]
    shown = tuple(tuple(row[i] for i in kept) for row in rows)
    notes = (tested, AT_LOOKS if interim else "", *said, *remarks)
    names = (*COLUMNS[:-1], DIRECTION) if proxy else COLUMNS
    return Table("Effects", tuple(names[i] for i in kept), shown, "\n".join(filter(None, notes)))


def _tested(
    claim: Claim,
    effects: Sequence[Effect],
    adjusted_p: float | None,
    interim: bool,
    exact: bool,
    dunnett: bool,
) -> Iterator[str]:
    """What the verdict rests on, and what each p-value in the table means."""
    if len(effects) > 1 and ever_judged(claim):
        resting = "each of these counts" if claim.kind is Kind.EXACT else "the primary effect alone"
        yield f"The verdict rests on {resting}."
    if any(e.p_student is not None for e in effects):
        yield STUDENT_AT_LOOKS if interim else STUDENT
    if exact:
        yield EXACT
    for e in effects[:1]:
        if e.p_value is not None and least_exact_p(e) > 1 - LEVEL:
            yield f"With so few seeds no exact p can be below {number(least_exact_p(e))}."
    if any(_detectable(claim, e) is not None for e in effects):
        yield DETECTABLE.format(" at this look" if interim else " by the 95 % interval")
    if adjusted_p is not None:
        yield f"{HOLM}{LOOKED.format(len(LOOKS)) if interim else ''}."
    if dunnett:
        yield DUNNETT


def counts_table(claim: Claim, effects: Sequence[Effect]) -> Table:
    """Each count and whether it agrees: the worst decides the verdict."""
    rows = tuple(_count_row(claim, effect) for effect in effects)
    columns = ("count", "here", "paper", "agrees")
    remarks = [f"{opened(words(e.metric))}: {e.note}." for e in effects if e.note]
    note = "All counts must agree: the worst decides the verdict. A bound is not rounded."
    return Table("Counts", columns, rows, "\n".join([note, *remarks]))


def _count_row(claim: Claim, effect: Effect) -> tuple[object, ...]:
    metric, count = claim.metric(effect.metric), effect.estimate
    here = None if count is None else quantity(count, effect.unit)
    return words(effect.metric), here, _paper(metric), metric and metric.agrees(count)


def _paper(metric: Metric | None) -> str | None:
    """The paper's figure, if the metric is declared and has one."""
    return (metric.stated if metric else "") or None


def role(claim: Claim, number: int) -> str:
    """What an effect is for: a verdict rests on a claim's first effect alone, or on all counts."""
    if not ever_judged(claim):
        return SHOWN
    return COUNTED if claim.kind is Kind.EXACT else SECONDARY if number else PRIMARY


def _effect_row(
    claim: Claim, e: Effect, role: str, adjusted_p: float | None, of_arms: str, interim: bool
) -> tuple[object, ...]:
    metric = claim.metric(e.metric)
    value = None if e.estimate is None else quantity(e.estimate, e.unit, decimals(e.ci95))
    intervals = (interval(i) if i else None for i in (e.ci95, e.ci90))
    exact = e.p_value if least_exact_p(e) <= 1 - LEVEL else None  # otherwise it could never reach the level
    tested = (None if p is None else p_value(p) for p in (e.p_student, exact, adjusted_p))
    most = most_seeds(interim)
    needed = e.n_to_decide if role == PRIMARY and (e.n_to_decide or 0) > e.n else None  # else it is decided
    decides = f"> {number(most)}" if needed and needed > most else needed
    n = " against ".join(map(str, e.counts)) or e.n
    least = _detectable(claim, e)
    rest = (e.lower_bound, None if least is None else quantity(least, e.unit), decides)
    return words(e.metric), role, value, _paper(metric), *intervals, n, e.censored, *tested, of_arms, *rest


def _detectable(claim: Claim, e: Effect) -> float | None:
    """The smallest effect that so many seeds detect; None for a level, which is no effect."""
    return None if claim.null is None else e.minimum_detectable


def least_exact_p(effect: Effect) -> float:
    """The smallest two-sided p that this number of sign flips or permutations can give.

    With arms of different sizes no other arrangement mirrors the most extreme one.
    """
    if not effect.counts:
        return 2.0 ** (1 - effect.n)
    mirrored = 2 if len(set(effect.counts)) == 1 else 1
    return mirrored / comb(sum(effect.counts), effect.counts[0])


def _dunnett(effects: Sequence[Effect]) -> dict[int, str]:
    """Dunnett's p of each effect whose arm shares its control with others, by the effect's position."""
    families: dict[tuple[int, tuple[float, ...]], dict[int, tuple[float, ...]]] = {}
    for place, effect in enumerate(effects):
        for side, control in enumerate(effect.arms):
            families.setdefault((side, control), {})[place] = effect.arms[1 - side]
    found: dict[int, str] = {}
    for (_, control), arms in families.items():
        if len(arms) > 1:
            from harness.effects.statistics.dunnett import dunnett  # brings scipy

            adjusted = dunnett(control, list(arms.values())) or []
            found |= {at: f"{p_value(p)} ({len(arms)} arms)" for at, p in zip(arms, adjusted, strict=False)}
    return found
