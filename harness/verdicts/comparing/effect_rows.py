"""Effects as flat rows: one per effect of each experiment, with its conditions and its verdict.

A row is all that a comparison, an export or a script needs to know about an effect, and what `export --to
json` writes is read back as the same row. docs/export.md describes every column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import msgspec

from harness.contract.device import DeviceKind
from harness.contract.effect import Effect, Interval
from harness.contract.trial import Precision
from harness.effects.statistics.significance import DIRECTION, EQUIVALENCE
from harness.paper.claims import Claim, Kind
from harness.paper.papers import claim
from harness.records.keys import spelled, spelled_trial
from harness.records.record import Record
from harness.verdicts.assessment import Assessment
from harness.verdicts.verdict import Outcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EffectRow:
    """An effect with its origin; `primary`: the verdict rests on it (all counts are primary)."""

    claim: str
    reproduction: str
    protocol: str
    metric: str
    unit: str
    kind: Kind
    primary: bool
    log: bool
    estimate: float | None
    standard_error: float | None
    df: float | None
    ci90_low: float | None
    ci90_high: float | None
    ci95_low: float | None
    ci95_high: float | None
    lower_bound: float | None
    p_student: float | None
    p_exact: float | None
    n: int
    censored: int
    seeds: int
    outcome: Outcome
    verdict: str
    device: DeviceKind
    devices: int
    torch: str
    precision: Precision
    data: str
    decoder: str
    threads: int
    deterministic: bool
    tf32: bool
    hardware: str
    code: str
    made_by: str
    runs: str
    note: str

    @property
    def effect(self) -> Effect:
        """The effect, as far as the row has it."""
        return Effect(
            self.metric,
            self.unit,
            self.n,
            self.estimate,
            _interval(self.ci90_low, self.ci90_high, EQUIVALENCE),
            _interval(self.ci95_low, self.ci95_high, DIRECTION),
            self.p_exact,
            self.censored,
            self.lower_bound,
            note=self.note,
            p_student=self.p_student,
            standard_error=self.standard_error,
            df=self.df,
            log=self.log,
        )

    @property
    def experiment(self) -> str:
        """`relu-speedup at cifar10`."""
        return f"{self.claim} at {self.protocol}"


def rows(assessment: Assessment) -> Iterator[EffectRow]:
    """A row for each effect of each of the experiment's claims, or one for a verdict without an effect."""
    for name in assessment.experiment.reproduction.claims:
        about = claim(name)
        nothing = Effect(about.primary.name, about.primary.unit, 0, None, None, None, note="no estimate")
        for number, effect in enumerate(assessment.effects(about) or (nothing,)):
            yield _row(assessment, about, effect, primary=not number or about.kind is Kind.EXACT)


def measurement(record: Record) -> str:
    """What was measured for which trial, in 16 hexadecimal digits; without seconds, if anything else was.

    A trial repeated on one machine gives the same digits, whatever code version is in its key: such runs are
    one measurement, not two.
    """
    unclocked = {name: value for name, value in record.metrics.items() if "seconds" not in name}
    content = f"{spelled_trial(record.trial)}\n{spelled(unclocked or dict(record.metrics))}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def read(text: bytes) -> list[EffectRow]:
    """The rows that `export --to json` wrote; ValueError if the text is something else."""
    return msgspec.json.decode(text, type=list[EffectRow])


def frame(found: Iterable[EffectRow]) -> pd.DataFrame:
    """One row per effect, one column per field."""
    import pandas as pd

    columns = [field.name for field in fields(EffectRow)]
    return pd.DataFrame([msgspec.to_builtins(row) for row in found], columns=columns)


def _row(assessment: Assessment, about: Claim, effect: Effect, primary: bool) -> EffectRow:
    experiment, verdict = assessment.experiment, assessment.verdict(about)
    place = {
        "claim": about.id,
        "reproduction": experiment.reproduction.name,
        "protocol": experiment.protocol.name,
        "kind": about.kind,
        "primary": primary,
        "seeds": experiment.seeds,
        "outcome": verdict.outcome,
        "verdict": verdict.headline,
    }
    final = [run.record for run in assessment.evidence.final()]
    columns = {**place, **_estimated(effect), **experiment.conditions.columns, **_origin(final)}
    return msgspec.convert(columns, EffectRow)


def _estimated(effect: Effect) -> dict[str, object]:
    return {
        "metric": effect.metric,
        "unit": effect.unit,
        "log": effect.log,
        "estimate": effect.estimate,
        "standard_error": effect.standard_error,
        "df": effect.df,
        **_ends("ci90", effect.ci90),
        **_ends("ci95", effect.ci95),
        "lower_bound": effect.lower_bound,
        "p_student": effect.p_student,
        "p_exact": effect.p_value,
        "n": effect.n,
        "censored": effect.censored,
        "note": effect.note,
    }


def _ends(name: str, interval: Interval | None) -> dict[str, object]:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _origin(final: Sequence[Record]) -> dict[str, object]:
    return {
        "hardware": _joined(str(record.processor or "") for record in final),
        "code": _joined(record.code for record in final),
        "made_by": _joined(record.made_by for record in final),
        "runs": _joined(map(measurement, final)),
    }


def _joined(texts: Iterable[str]) -> str:
    """Distinct texts in one cell, sorted."""
    return ", ".join(sorted(set(texts) - {""}))


def _interval(low: float | None, high: float | None, level: float) -> Interval | None:
    return None if low is None or high is None else Interval(low, high, level)
