"""Where laboratories disagree on an effect, by Cochran's Q and I², and on trials that several repeated.

Q treats standard errors as known, though they rest on few seeds: where laboratories with three seeds each
agree, its own p is below .05 for 12 % of two and for 33 % of five. So p is that of Welch's test, with which
it is 4 and 6 % (200,000 simulations each).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.records.record import Record
from harness.verdicts.comparing.effect_rows import EffectRow, measurement
from harness.verdicts.replication import Heterogeneity, Study, heterogeneity

Group = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Agreement:
    """One effect in several laboratories; `heterogeneity` is None if `reason` says why there is no Q."""

    rows: Mapping[str, EffectRow]  # by laboratory, with conditions where it has several
    heterogeneity: Heterogeneity | None
    reason: str = ""


@dataclass(frozen=True)
class Repeats:
    """Trials that several laboratories ran under the same key, and in how many all found the same."""

    trials: int
    alike: int


def agreements(rows: Mapping[str, Sequence[EffectRow]]) -> Iterator[Agreement]:
    """Every effect that two or more laboratories measured on the same data, in the first one's order."""
    groups: dict[Group, list[tuple[str, EffectRow]]] = {}
    for name, own in rows.items():
        for row in own:
            if row.runs and row.n:  # what needs no run is the same everywhere
                key = (row.claim, row.protocol, row.metric, row.unit, row.data)
                groups.setdefault(key, []).append((name, row))
    for group in groups.values():
        if len({name for name, _ in group}) > 1:
            yield _agreement(dict(_told_apart(group)))


def repeats(records: Mapping[str, Iterable[Record]]) -> Repeats:
    """How often laboratories ran the same trial under the same conditions, and found the same."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, own in records.items():
        for record in own:
            found.setdefault(record.key, {}).setdefault(name, set()).add(measurement(record))
    several = [list(by_name.values()) for by_name in found.values() if len(by_name) > 1]
    return Repeats(len(several), sum(bool(set.intersection(*those)) for those in several))


def _told_apart(group: Sequence[tuple[str, EffectRow]]) -> Iterator[tuple[str, EffectRow]]:
    """Laboratories by name, with what was run and where if one has the effect under several conditions."""
    names = [name for name, _ in group]
    for name, row in group:
        held = (
            f"{row.precision} on {row.devices} {row.device}",
            f"torch {row.torch}",
            f"{row.threads} threads",
            "TF32" if row.tf32 else "",
            "" if row.deterministic else "not deterministic",
            row.decoder,
        )
        yield f"{name} ({', '.join(filter(None, held))})" if names.count(name) > 1 else name, row


def _agreement(rows: Mapping[str, EffectRow]) -> Agreement:
    from harness.effects.statistics.contrast import lacking

    for (one, first), (other, second) in combinations(rows.items(), 2):
        if set(first.runs.split(", ")) & set(second.runs.split(", ")):
            return Agreement(rows, None, f"{one} and {other} have runs in common")
    for name, row in rows.items():
        if why := lacking(row.effect):
            return Agreement(rows, None, f"{name}: {why}")
    studies = [_study(name, row) for name, row in rows.items()]
    p = welch_p(studies, [row.effect.df or 0.0 for row in rows.values()])
    return Agreement(rows, replace(heterogeneity(studies), p=p))


def welch_p(studies: Sequence[Study], df: Sequence[float]) -> float:
    """The p-value of Welch (1951) for effects that are all the same, with each standard error's own df."""
    import scipy.special  # which `merge` of one laboratory can do without

    k, weights = len(studies), [study.se**-2 for study in studies]
    whole = sum(weights)
    mean = sum(w * s.estimate for w, s in zip(weights, studies, strict=True)) / whole
    spread = sum(w * (s.estimate - mean) ** 2 for w, s in zip(weights, studies, strict=True)) / (k - 1)
    unsure = sum((1 - w / whole) ** 2 / n for w, n in zip(weights, df, strict=True))
    f = spread / (1 + 2 * (k - 2) / (k**2 - 1) * unsure)
    return float(scipy.special.fdtrc(k - 1, (k**2 - 1) / (3 * unsure), f))


def _study(name: str, row: EffectRow) -> Study:
    """On logarithms where the effect is a ratio."""
    assert row.estimate is not None
    assert row.standard_error is not None
    return Study(name, math.log(row.estimate) if row.log else row.estimate, row.standard_error)
