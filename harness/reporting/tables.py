"""Every table of the report as plain rows of text, so that the page and the Markdown say the same.

Records of any program are taken as they come: what a record lacks is shown as a dash, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from types import MappingProxyType

from harness.contract.effect import Effect
from harness.contract.formatting import NOTHING, decimals, interval, number, p_value, quantity
from harness.contract.once import once
from harness.effects.statistics.significance import DIRECTION as LEVEL
from harness.effects.statistics.significance import MOST_SEEDS
from harness.paper.claims import Claim, Kind
from harness.plans.experiment import Evidence, Role, Run, Table
from harness.records.record import Record
from harness.records.schema import CurveColumn, Measured
from harness.reporting.wording import UNREACHED, numeric, opened, text, words
from harness.verdicts.gates import ever_judged

# Which machine it was is said by its processor and card; its name on a network is nobody's business.
PRIVATE = {"hostname", "host", "user", "is"}


@dataclass(frozen=True)
class Key:
    """A trial's key in a table, which leads to the record of the attempt."""

    key: str
    attempt: int = 1

    def __str__(self) -> str:
        """As much of it as distinguishes trials."""
        return self.key[:12]

    @property
    def file(self) -> str:
        """The record's name in the store."""
        return f"{self.key}-{self.attempt}.json"


@once
def cells(table: Table) -> list[list[str]]:
    """The table's rows as text."""
    return [[text(value) for value in row] for row in table.rows]


def linked(table: Table) -> list[list[tuple[str, str]]]:
    """The table's cells as text, each with the name of the record that it leads to, if to any."""
    return [
        [(said, value.file if isinstance(value, Key) else "") for said, value in zip(line, row, strict=True)]
        for line, row in zip(cells(table), table.rows, strict=True)
    ]


def trimmed(table: Table) -> Table:
    """The table without the columns in which no row says anything."""
    columns = zip(*cells(table), strict=True)
    kept = [i for i, column in enumerate(columns) if i == 0 or any(cell != NOTHING for cell in column)]
    shown = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.title, tuple(table.columns[i] for i in kept), shown, table.note) if shown else table


def kinds(table: Table) -> list[str]:
    """What each column holds: figures, keys, long sentences, names that may be broken, or words."""
    columns = zip(*cells(table), strict=True) if table.rows else [()] * len(table.columns)
    return [_kind(name, column) for name, column in zip(table.columns, columns, strict=True)]


def _kind(name: str, column: Sequence[str]) -> str:
    if name in ("key", "version of the code"):
        return "key"
    widest = max(map(len, column), default=0)
    return "figure" if numeric(column) else "long" if widest > 44 else "name" if widest > 22 else "word"


NO_KEYS: Mapping[int, Key] = MappingProxyType({})
NO_PLACES: Mapping[str, int | None] = MappingProxyType({})
MOST_STALE = 20  # rows: records of years would fill the page
COLUMNS = (
    "metric", "role", "estimate", "paper", "95 % interval", "90 % interval", "n", "censored", "p, Student",
    "p, exact", "p, Holm", "p, Dunnett", "at least", "smallest detectable effect", "n that would decide",
)  # fmt: skip
DIRECTION = "n that would show the direction"  # at another scale than the paper's, where no band applies
PRIMARY, SECONDARY, SHOWN, COUNTED = "primary", "secondary, not judged", "shown, not judged", "judged"
STUDENT = "p, Student: of the intervals' t; p, exact: of sign flips or permutations of seeds."
HOLM = "p, Holm: Student's, adjusted over the primary effects of all claims of this report that are judged."
DUNNETT = "p, Dunnett: over seeds alone, adjusted over the arms that share their control."
MAY_BE_ABSENT = ("censored", "p, exact", "p, Holm", "p, Dunnett")


def effect_table(
    claim: Claim,
    effects: Sequence[Effect],
    adjusted_p: float | None = None,
    proxy: bool = False,
    interim: bool = False,
) -> Table:
    """All that is said of each effect; of a single value, only what one value can say.

    `proxy` says that this is another scale than the paper's, `interim` that seeds are added at looks.
    """
    families = _dunnett(effects)
    rows = [
        _effect_row(claim, e, role(claim, i), None if i else adjusted_p, families.get(i, ""))
        for i, e in enumerate(effects)
    ]
    single = all(e.n <= 1 and not e.censored for e in effects)
    optional = COLUMNS if single else MAY_BE_ABSENT
    kept = [i for i, name in enumerate(COLUMNS) if name not in optional or any(row[i] for row in rows)]
    few = [e for e in effects if 1 < len(e.values) <= 12 and claim.metric(e.metric)]
    resting = "each of these counts" if claim.kind is Kind.EXACT else "the primary effect alone"
    rests = [f"The verdict rests on {resting}."] * (len(effects) > 1 and ever_judged(claim))
    rests += [STUDENT] * any(e.p_student is not None for e in effects)
    rests += [HOLM] * (adjusted_p is not None) + [DUNNETT] * bool(families)
    said = [f"{opened(words(e.metric))}, value by value: {', '.join(map(number, e.values))}." for e in few]
    remarks = [f"{opened(words(e.metric))}: {e.note}" for e in effects if e.note]
    shown = tuple(tuple(row[i] for i in kept) for row in rows)
    note = " ".join(rests + said + remarks + _looks(effects[:1] if interim else ()))
    names = (*COLUMNS[:-1], DIRECTION) if proxy else COLUMNS
    return Table("Effects", tuple(names[i] for i in kept), shown, note)


def counts_table(claim: Claim, effects: Sequence[Effect]) -> Table:
    """What was counted, metric by metric, and whether it agrees: the verdict is that of the worst."""
    rows = tuple(_count_row(claim, effect) for effect in effects)
    columns = ("count", "here", "paper", "agrees")
    return Table("Counts", columns, rows, "All of them must agree: the verdict is that of the worst.")


def _count_row(claim: Claim, effect: Effect) -> tuple[object, ...]:
    metric, count = claim.metric(effect.metric), effect.estimate
    here = None if count is None else quantity(count, effect.unit)
    if metric is None or metric.band is None or count is None:
        return words(effect.metric), here, None, None
    paper = None if metric.paper is None else quantity(metric.paper, metric.unit)
    agrees = metric.band.low <= count <= metric.band.high
    return words(effect.metric), here, paper, agrees


def role(claim: Claim, number: int) -> str:
    """What an effect is for: a verdict rests on the first one of a claim, and on no other but of counts."""
    if not ever_judged(claim):
        return SHOWN
    return COUNTED if claim.kind is Kind.EXACT else SECONDARY if number else PRIMARY


def _effect_row(
    claim: Claim, e: Effect, role: str, adjusted_p: float | None, of_arms: str
) -> tuple[object, ...]:
    metric = claim.metric(e.metric)
    value = None if e.estimate is None else quantity(e.estimate, e.unit, decimals(e.ci95))
    paper = None if metric is None or metric.paper is None else quantity(metric.paper, e.unit)
    intervals = (interval(i) if i else None for i in (e.ci95, e.ci90))
    exact = e.p_value if least_exact_p(e) <= 1 - LEVEL else None  # else it could never have shown anything
    tested = (None if p is None else p_value(p) for p in (e.p_student, exact, adjusted_p))
    beyond = e.n_to_decide is not None and e.n_to_decide > MOST_SEEDS
    decides = f"> {number(MOST_SEEDS)}" if beyond else e.n_to_decide
    n = " against ".join(map(str, e.counts)) or e.n
    least = None if e.minimum_detectable is None else quantity(e.minimum_detectable, e.unit)
    rest = (e.lower_bound, least, decides)
    return words(e.metric), role, value, paper, *intervals, n, e.censored, *tested, of_arms, *rest


def least_exact_p(effect: Effect) -> float:
    """The smallest two-sided p that flipping so many signs, or permuting so many runs, can give."""
    return 2 / (comb(sum(effect.counts), effect.counts[0]) if effect.counts else 2**effect.n)


def _dunnett(effects: Sequence[Effect]) -> dict[int, str]:
    """Dunnett's p of each effect whose arm is one of several that share a control, by the effect's place."""
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


def _looks(effects: Sequence[Effect]) -> list[str]:
    """Intervals at the nominal levels of interim looks."""
    return [
        f"{opened(words(e.metric))}, at the wider levels of interim looks: {interval(e.interim90)} and "
        f"{interval(e.interim95)}."
        for e in effects
        if e.interim95
    ]


def seed_table(evidence: Evidence, keys: Mapping[int, Key] = NO_KEYS, where: str = "") -> Table | None:
    """What each final run measured; `keys` are of its records by their identity.

    `where` distinguishes one experiment's table from another's.
    """
    runs = sorted(evidence.final(), key=lambda r: (_arms(evidence).index(r.arm), r.seed))
    names = list(dict.fromkeys(name for r in runs for name in _measured(r.record)))
    if not runs:
        return None
    places = _places([r.record for r in runs])
    found = [(r, _measured(r.record, places)) for r in runs]
    rows = (
        (r.arm, str(r.seed), *(told.get(n) for n in names), r.record.status, _key(r.record, keys))
        for r, told in found
    )
    brackets = any(name.endswith("_low") for r in runs for name in r.record.metrics)
    note = "A range is the bracket between the last evaluation above the target and the first at or under it."
    columns = ("arm", "seed", *map(words, names), "status", "key")
    return Table(f"Final runs, seed by seed{where}", columns, tuple(rows), note if brackets else "")


def _places(records: Sequence[Record]) -> dict[str, int | None]:
    """The decimals of each metric, by which its largest value has four digits; None where all are whole."""
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.metrics.items():
            if value is not None and math.isfinite(value):
                values.setdefault(name, []).append(abs(value))
    whole = {name: all(value == int(value) for value in found) for name, found in values.items()}
    return {
        name: None if whole[name] else max(0, 3 - math.floor(math.log10(max(found))))
        for name, found in values.items()
    }


def _measured(record: Record, places: Mapping[str, int | None] = NO_PLACES) -> dict[str, str]:
    """A record's metrics as text, with each `x_low` and `x_high` joined to a bracket `x`."""
    found: dict[str, str] = {}
    for name, value in record.metrics.items():
        stem = name.removesuffix("_low").removesuffix("_high")
        if stem == name:
            found[name] = _yes_no(value) if name == Measured.REACHED else _number(value, places.get(name))
        elif f"{stem}_high" not in record.metrics:
            found[name] = _number(value, places.get(name))
        else:
            found[stem] = _bracket(record.metrics.get(f"{stem}_low"), record.metrics.get(f"{stem}_high"))
    return found


def _number(value: float | None, decimals: int | None) -> str:
    return text(None) if value is None else number(value, decimals)


def _bracket(low: float | None, high: float | None) -> str:
    if high is None:
        return UNREACHED if low is None else f"{UNREACHED} in {number(low)}"
    return number(high) if low is None or low == high else f"{number(low)}–{number(high)}"


def _yes_no(value: float | None) -> str:
    return text(None if value is None else bool(value))


def tuning_table(evidence: Evidence) -> Table | None:
    """Every tuning run: which learning rates were tried, and what each came to."""
    runs = [r for r in evidence.runs if r.planned.role is Role.TUNING]
    runs.sort(key=lambda r: (_arms(evidence).index(r.arm), _rate(r) or 0.0, r.seed))
    columns = ("arm", "seed", "learning rate", "epochs budget", "epochs to target", "last error", "status")
    note = "Tuning seeds are not used again: no effect is computed from these runs."
    rows = tuple(_tuning_row(r) for r in runs)
    return Table("How the learning rates were chosen", columns, rows, note) if runs else None


def _tuning_row(run: Run) -> tuple[object, ...]:
    record, settings = run.record, run.record.trial.get("settings", {})
    epochs = _measured(record).get("epochs")
    error = record.metrics.get(Measured.FINAL_RUNNING_ERROR, last_error(record))
    percent = None if error is None else "NaN" if math.isnan(error) else f"{100 * error:.1f} %"
    budget = settings.get("max_epochs")
    return run.arm, str(run.seed), _rate(run), budget, epochs, percent, record.status


def _rate(run: Run) -> float | None:
    settings = run.record.trial.get("settings", {})
    rate = settings.get("rate", settings.get("learning_rate"))
    return float(rate) if isinstance(rate, (int, float)) else None


def last_error(record: Record) -> float | None:
    """The running training error of a curve's last row that has one."""
    errors = [
        row[CurveColumn.RUNNING_ERROR]
        for row in record.curve
        if row.get(CurveColumn.RUNNING_ERROR) is not None
    ]
    return errors[-1] if errors else None


def _arms(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys([p.arm for p in evidence.plan.trials] + [r.arm for r in evidence.runs]))


def _key(record: Record, keys: Mapping[int, Key]) -> Key:
    return keys.get(id(record)) or Key(record.key)


def stale_table(records: Sequence[Record], keys: Mapping[int, Key] = NO_KEYS) -> Table | None:
    """Records made by other code."""
    shown = records[:MOST_STALE]
    rows = tuple((_key(r, keys), r.trial.get("seed"), r.status, r.code[:12], r.started) for r in shown)
    note = "Made by code that computes something else than today's: shown, and never used."
    note += f" So are {len(records) - len(shown):,} more." if len(records) > len(shown) else ""
    columns = ("key", "seed", "status", "version of the code", "started")
    return Table("Stale records", columns, rows, note) if rows else None
