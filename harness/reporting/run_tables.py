"""Tables of runs: what each measured, how learning rates were chosen, and what older code left.

Records of any program are accepted: what a record lacks is shown as a dash, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from harness.contract.formatting import number
from harness.plans.experiment import Evidence, Role, Run, Table
from harness.records.record import Record
from harness.records.schema import CurveColumn, Measured
from harness.reporting.tables import Key, trimmed
from harness.reporting.wording import UNREACHED, text, words
from harness.verdicts.assessment import Assessment

NO_KEYS: Mapping[int, Key] = MappingProxyType({})
NO_PLACES: Mapping[str, int | None] = MappingProxyType({})
MOST_STALE = 20  # rows: years of records would fill the page
CLOCKS = {"seconds": "seconds by the clock", "cpu_seconds": "CPU seconds"}
HELD_OUT = (
    "The held-out error is by ten views, on training images set aside for this: the rate with the lowest "
    "mean is chosen. The running error, of augmented images in passing, decides nothing."
)
RACED = (
    "Rates are compared by how many seeds missed the target, then by the epochs to it; where all missed, by "
    "their largest final running error. The better half continues at the next budget of epochs, and at the "
    "last the best is compared with its neighbours."
)
BRACKETED = (
    "A range is the bracket between the last evaluation above the target and the first at or under it."
)
AVERAGED = (
    "The final running error is averaged over batches while the weights change, so it may lie above the "
    "target in a run that has reached it."
)
MOST_UNFOLDED = 2  # further experiments on a claim or question whose runs are listed one by one


def seed_table(evidence: Evidence, keys: Mapping[int, Key] = NO_KEYS, where: str = "") -> Table | None:
    """What each final run measured; `keys` has the records' keys by their `id()`.

    `where` distinguishes one experiment's table from another's.
    """
    place = _places_of_arms(evidence)
    runs = sorted(evidence.final(), key=lambda r: (place[r.arm], r.seed))
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
    averaged = any(Measured.FINAL_RUNNING_ERROR in r.record.metrics for r in runs)
    note = " ".join([BRACKETED] * brackets + [AVERAGED] * (brackets and averaged))
    columns = ("arm", "seed", *(CLOCKS.get(name) or words(name) for name in names), "status", "key")
    return Table(f"Final runs, seed by seed{where}", columns, tuple(rows), note)


def _places(records: Sequence[Record]) -> dict[str, int | None]:
    """The decimals of each metric that give its largest value four digits; None if all are whole."""
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
    """Every tuning run: which learning rates were tried, what each came to, and which rate was chosen."""
    place = _places_of_arms(evidence)
    runs = sorted(filter(_tunes, evidence.runs), key=lambda r: (place[r.arm], _rate(r) or 0.0, r.seed))
    if not runs:
        return None
    chosen = {arm: _rate(of[0]) for arm, of in evidence.by_arm.items()}
    columns = (
        "arm", "seed", "learning rate", "chosen", "epochs budget", "epochs to target",
        "running training error", "held-out error", "status",
    )  # fmt: skip
    told = {name for r in runs for name in r.record.metrics}
    rules = [HELD_OUT] * (Measured.TEN_TOP1 in told) + [RACED] * (Measured.REACHED in told)
    note = " ".join(["Tuning seeds are not used again: no effect is computed from these runs.", *rules])
    return trimmed(
        Table(
            "How the learning rates were chosen", columns, tuple(_tuning_row(r, chosen) for r in runs), note
        )
    )


def scale(assessment: Assessment) -> str:
    """The protocol, and on what kind of device and in which precision it ran: `cifar10 on cuda, bf16`."""
    held = assessment.experiment.conditions
    on = f" on {held.device}, {held.precision}" if assessment.evidence.plan.trials else ""
    return f"{assessment.evidence.protocol.name}{on}"


def deviations(assessment: Assessment) -> tuple[str, ...]:
    """Where an experiment departs from the paper: as declared, as found, and by its learning rates."""
    protocol, found = assessment.evidence.protocol, assessment.finding.deviations
    edge = () if protocol.smoke else at_edge(assessment.evidence)
    return tuple(dict.fromkeys((*protocol.deviations, *found, *edge)))


def at_edge(evidence: Evidence) -> tuple[str, ...]:
    """Which arms were given the lowest or the highest of the learning rates tried for them."""
    found: dict[str, list[str]] = {}
    tried: dict[str, set[float]] = {}
    for run in filter(_tunes, evidence.runs):
        if (rate := _rate(run)) is not None:
            tried.setdefault(run.arm, set()).add(rate)
    for arm, runs in evidence.by_arm.items():
        rates, own = tried.get(arm, set()), _rate(runs[0])
        if len(rates) > 1 and own in (min(rates), max(rates)):
            found.setdefault("lowest" if own == min(rates) else "highest", []).append(arm)
    return tuple(
        f"The {end} learning rate tried was chosen for {'; '.join(arms)}: a better one may lie beyond."
        for end, arms in found.items()
    )


def _tunes(run: Run) -> bool:
    return run.planned.role is Role.TUNING


def _tuning_row(run: Run, chosen: Mapping[str, float | None]) -> tuple[object, ...]:
    record, rate = run.record, _rate(run)
    epochs, budget = _measured(record).get("epochs"), record.trial.get("settings", {}).get("max_epochs")
    measured = Measured.FINAL_RUNNING_ERROR in record.metrics
    running = record.metrics[Measured.FINAL_RUNNING_ERROR] if measured else last_error(record)
    held_out = record.metrics.get(Measured.TEN_TOP1)  # already in percent
    errors = _percent(None if running is None else 100 * running), _percent(held_out)
    took = (rate == chosen[run.arm] or None) if run.arm in chosen else None
    return run.arm, str(run.seed), rate, took, budget, epochs, *errors, record.status


def _percent(error: float | None) -> str | None:
    return None if error is None else "NaN" if math.isnan(error) else f"{error:.1f} %"


def _rate(run: Run) -> float | None:
    return learning_rate(run.record.trial.get("settings", {}))


def learning_rate(settings: Mapping[str, Any]) -> float | None:
    """The rate in a trial's settings, or the first of its schedule; of a measurement, its network's."""
    if isinstance(trained := settings.get("of"), Mapping):
        return learning_rate(trained.get("settings", {}))
    schedule = settings.get("schedule")
    rate = settings.get("rate", schedule.get("rate") if isinstance(schedule, Mapping) else None)
    return float(rate) if isinstance(rate, (int, float)) else None


def last_error(record: Record) -> float | None:
    """The running training error of a curve's last row that has one."""
    errors = [
        row[CurveColumn.RUNNING_ERROR]
        for row in record.curve
        if row.get(CurveColumn.RUNNING_ERROR) is not None
    ]
    return errors[-1] if errors else None


def _places_of_arms(evidence: Evidence) -> Mapping[str, int]:
    """Each arm's place in the plan's order."""
    return {arm: place for place, arm in enumerate(evidence.arms)}


def _key(record: Record, keys: Mapping[int, Key]) -> Key:
    return keys.get(id(record)) or Key(record.key)


def stale_table(records: Sequence[Record], keys: Mapping[int, Key] = NO_KEYS) -> Table | None:
    """Records made by other code."""
    shown = records[:MOST_STALE]
    rows = tuple((_key(r, keys), r.trial.get("seed"), r.status, r.code[:12], r.started) for r in shown)
    note = "Made by code that computes something other than today's: shown but never used."
    note += f" {len(records) - len(shown):,} more are not listed." if len(records) > len(shown) else ""
    columns = ("key", "seed", "status", "version of the code", "started")
    return Table("Stale records", columns, rows, note) if rows else None
