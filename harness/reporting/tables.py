"""Every table of the report as plain rows of text, so that the page and the Markdown say the same.

Records of any program are taken as they come: what a record lacks is shown as a dash, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.contract.effect import Effect
from harness.contract.formatting import number, p_value, quantity, span
from harness.contract.once import once
from harness.effects.significance import MOST_SEEDS
from harness.paper.claims import Claim, Kind
from harness.plans.experiment import Evidence, Role, Run, Table
from harness.records.record import Record
from harness.records.schema import CurveColumn, Measured
from harness.reporting.wording import UNREACHED, numeric, opened, text, words
from harness.verdicts.gates import ever_judged

# Which machine it was is said by its processor and card; its name on a network is nobody's business.
PRIVATE = {"hostname", "host", "user", "is"}


@once
def cells(table: Table) -> list[list[str]]:
    """The table's rows as text."""
    return [[text(value) for value in row] for row in table.rows]


def kinds(table: Table) -> list[str]:
    """What each column holds: figures, keys, long sentences, names that may be broken, or words."""
    columns = zip(*cells(table), strict=True) if table.rows else [()] * len(table.columns)
    return [_kind(name, column) for name, column in zip(table.columns, columns, strict=True)]


def _kind(name: str, column: Sequence[str]) -> str:
    if name in ("key", "version of the code"):
        return "key"
    widest = max(map(len, column), default=0)
    return "figure" if numeric(column) else "long" if widest > 44 else "name" if widest > 22 else "word"


COLUMNS = (
    "metric", "role", "estimate", "paper", "95 % interval", "90 % interval", "n", "censored", "p, Student",
    "p, exact", "p, Holm", "p, Dunnett", "at least", "smallest detectable effect", "n that would decide",
)  # fmt: skip
DIRECTION = "n that would show the direction"  # at another scale than the paper's, where no band applies
PRIMARY, SECONDARY, SHOWN, COUNTED = "primary", "secondary, not judged", "shown, not judged", "judged"
STUDENT = "p, Student: of the intervals' t; p, exact: of sign flips or permutations of seeds."
HOLM = "p, Holm: Student's, adjusted over the primary effects of all claims of this report that are judged."
DUNNETT = "p, Dunnett: over seeds alone, adjusted over the arms that share their control."
MAY_BE_ABSENT = ("p, exact", "p, Holm", "p, Dunnett")


def effect_table(
    claim: Claim, effects: Sequence[Effect], adjusted_p: float | None = None, proxy: bool = False
) -> Table:
    """All that is said of each effect; of a single value, only what one value can say.

    `proxy` says that this is another scale than the paper's.
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
    note = " ".join(rests + said + remarks + _looks(effects[:1]))
    names = (*COLUMNS[:-1], DIRECTION) if proxy else COLUMNS
    return Table("Effects", tuple(names[i] for i in kept), shown, note)


def role(claim: Claim, number: int) -> str:
    """What an effect is for: a verdict rests on the first one of a claim, and on no other but of counts."""
    if not ever_judged(claim):
        return SHOWN
    return COUNTED if claim.kind is Kind.EXACT else SECONDARY if number else PRIMARY


def _effect_row(
    claim: Claim, e: Effect, role: str, adjusted_p: float | None, of_arms: str
) -> tuple[object, ...]:
    metric, value = claim.metric(e.metric), None if e.estimate is None else quantity(e.estimate, e.unit)
    paper = metric and metric.paper
    intervals = (span(i) if i else None for i in (e.ci95, e.ci90))
    tested = (None if p is None else p_value(p) for p in (e.p_student, e.p_value, adjusted_p))
    beyond = e.n_to_decide is not None and e.n_to_decide > MOST_SEEDS
    decides = f"> {number(MOST_SEEDS)}" if beyond else e.n_to_decide
    n = " against ".join(map(str, e.counts)) or e.n
    rest = (e.lower_bound, e.minimum_detectable, decides)
    return words(e.metric), role, value, paper, *intervals, n, e.censored, *tested, of_arms, *rest


def _dunnett(effects: Sequence[Effect]) -> dict[int, str]:
    """Dunnett's p of each effect whose arm is one of several that share a control, by the effect's place."""
    families: dict[tuple[int, tuple[float, ...]], dict[int, tuple[float, ...]]] = {}
    for place, effect in enumerate(effects):
        for side, control in enumerate(effect.arms):
            families.setdefault((side, control), {})[place] = effect.arms[1 - side]
    found: dict[int, str] = {}
    for (_, control), arms in families.items():
        if len(arms) > 1:
            from harness.effects.dunnett import dunnett  # brings scipy

            adjusted = dunnett(control, list(arms.values())) or []
            found |= {at: f"{p_value(p)} ({len(arms)} arms)" for at, p in zip(arms, adjusted, strict=False)}
    return found


def _looks(effects: Sequence[Effect]) -> list[str]:
    """Intervals at the nominal levels of interim looks."""
    return [
        f"{opened(words(e.metric))}, widened for looks: {span(e.interim90)} and {span(e.interim95)}."
        for e in effects
        if e.interim95
    ]


def seed_table(evidence: Evidence) -> Table | None:
    """What each final run measured."""
    runs = sorted(evidence.final(), key=lambda r: (_arms(evidence).index(r.arm), r.seed))
    names = list(dict.fromkeys(name for r in runs for name in _measured(r.record)))
    if not runs:
        return None
    rows = ((r.arm, str(r.seed), *(_measured(r.record).get(n) for n in names), r.record.status) for r in runs)
    brackets = any(name.endswith("_low") for r in runs for name in r.record.metrics)
    note = "A range is the bracket between the last evaluation above the target and the first at or under it."
    columns = ("arm", "seed", *map(words, names), "status")
    return Table("Final runs, seed by seed", columns, tuple(rows), note if brackets else "")


def _measured(record: Record) -> dict[str, str]:
    """A record's metrics as text, with each `x_low` and `x_high` joined to a bracket `x`."""
    found: dict[str, str] = {}
    for name, value in record.metrics.items():
        stem = name.removesuffix("_low").removesuffix("_high")
        if stem == name:
            found[name] = _yes_no(value) if name == Measured.REACHED else text(value)
        elif f"{stem}_high" not in record.metrics:
            found[name] = text(value)
        else:
            found[stem] = _bracket(record.metrics.get(f"{stem}_low"), record.metrics[f"{stem}_high"])
    return found


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


def arms_table(evidence: Evidence) -> Table | None:
    """The settings in which the final arms differ, read from what was run and not from what was meant."""
    first = {run.arm: run for run in reversed(evidence.final())}
    arms = [arm for arm in _arms(evidence) if arm in first]
    flat = {arm: dict(_flat(first[arm].record.trial.get("settings", {}))) for arm in arms}
    names = dict.fromkeys(name for arm in arms for name in flat[arm])
    rows = [(name, *(flat[arm].get(name) for arm in arms)) for name in names]
    differing = tuple(row for row in rows if len({text(v) for v in row[1:]}) > 1)
    if len(arms) < 2 or not differing:
        return None
    return Table("Where the arms differ", ("setting", *arms), differing, "Every other setting is the same.")


def _flat(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as dotted paths; layers by their names, so that one that is missing moves no other."""
    if isinstance(value, (Mapping, list)) and value:
        pairs = value.items() if isinstance(value, Mapping) else zip(_names(value), value, strict=True)
        for name, part in pairs:
            yield from _flat(part, f"{at}.{name}" if at else str(name))
    else:
        yield at, value


def _names(parts: Sequence[Any]) -> list[str]:
    """What to call each part of a list: layers by name, or by kind behind the last one that has a name."""
    if not any(isinstance(part, Mapping) and "name" in part for part in parts):
        return list(map(str, range(len(parts))))
    names: list[str] = []
    last = ""
    for part in parts:
        last = part.get("name", last)
        name = last if "name" in part else f"{last}/{part.get('is', 'part')}"
        count = sum(n.partition("#")[0] == name for n in names)
        names.append(f"{name}#{count + 1}" if count else name)
    return names


def _arms(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys([p.arm for p in evidence.plan.trials] + [r.arm for r in evidence.runs]))


def stale_table(records: Sequence[Record]) -> Table | None:
    """Records made by other code."""
    rows = tuple((r.key[:12], r.trial.get("seed"), r.status, r.code, r.started) for r in records)
    note = "Made by code that computes something else than today's: shown, and never used."
    columns = ("key", "seed", "status", "version of the code", "started")
    return Table("Stale records", columns, rows, note) if rows else None


def environment_table(records: Sequence[Record]) -> Table | None:
    """The environments the records were made in, a column each."""
    from harness.records.frames import environments  # brings pandas

    found = environments(records, without=PRIVATE)
    if found.empty:
        return None
    counts = found.pop("records").tolist()
    columns = ("", *(f"{count} records" if count > 1 else "1 record" for count in counts))
    rows = tuple((words(name), *map(text, found[name])) for name in sorted(found.columns))
    return Table("Where the records were made", columns, rows)


def key_values(title: str, values: Mapping[str, Any]) -> Table | None:
    """A mapping as a table of two columns."""
    rows = tuple((words(name), value) for name, value in _public(values).items())
    return Table(title, ("", "value"), rows) if rows else None


def _public(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): text(value) for name, value in values.items() if name not in PRIVATE}
