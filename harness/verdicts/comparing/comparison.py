"""Two sets of evidence, effect by effect: what differs, which verdicts changed, and what cannot be compared.

Evidence from other conditions or other code is compared, and the line says what differed: that is the point
of comparing. Another protocol, other data or another unit make it another effect, without a difference. No
verdict uses any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from harness.contract.effect import Effect
from harness.contract.formatting import count
from harness.effects.statistics.significance import DIRECTION, holm
from harness.paper import papers
from harness.paper.claims import Kind
from harness.verdicts.comparing.effect_rows import EffectRow
from harness.verdicts.verdict import Fails

T = TypeVar("T")

# Columns in which two rows may differ and still be compared, and those in which they may not.
CONDITIONS = (
    "device", "devices", "hardware", "torch", "precision", "threads", "deterministic", "tf32", "decoder",
    "code",
)  # fmt: skip
BARS = ("data", "unit")
COUNTED = "counted, without chance"


@dataclass(frozen=True)
class Difference:
    """One effect on both sides; `contrast` is None where `reason` says why it has no interval.

    `adjusted_p` is Holm's, over the effects that verdicts rest on.
    """

    first: EffectRow
    second: EffectRow
    differs: tuple[str, ...]  # columns of CONDITIONS
    contrast: Effect | None
    reason: str
    adjusted_p: float | None = None

    @property
    def moved(self) -> bool:
        """Whether the effect behind a verdict changed: counts are compared exactly, others by Holm's p."""
        if self.reason == COUNTED:
            return self.first.primary and self.first.estimate != self.second.estimate
        return self.adjusted_p is not None and self.adjusted_p < 1 - DIRECTION


@dataclass(frozen=True)
class Unmatched:
    """An effect that only one side has, and why the other lacks it."""

    row: EffectRow
    first: bool  # whether the first side has it
    reason: str


@dataclass(frozen=True)
class Change:
    """A verdict that changed; `second` is None if the second side has none."""

    first: EffectRow
    second: EffectRow | None

    @property
    def worse(self) -> bool:
        """Whether it supports the claim less than before."""
        return self.second is None or self.second.outcome.says < self.first.outcome.says


@dataclass(frozen=True)
class Comparison:
    """Everything compared between two sides."""

    differences: tuple[Difference, ...]
    unmatched: tuple[Unmatched, ...]
    changes: tuple[Change, ...]

    def failing(self, rule: Fails) -> list[EffectRow]:
        """The rows of the first side that make a pipeline with this rule fail."""
        found = [change.first for change in self.changes if change.worse or rule is Fails.CHANGED]
        moved = [one.first for one in self.differences if one.moved and rule is Fails.CHANGED]
        return list(dict.fromkeys([*found, *moved]))


def compare(
    first: Sequence[EffectRow], second: Sequence[EffectRow], absent: Callable[[EffectRow, bool], str]
) -> Comparison:
    """The comparison; `absent` says why a row of one side (True: the first) has no counterpart."""
    matched = list(pairs(first, second, _same_effect, _unlike))
    differences = [_difference(*pair) for pair in matched]
    met = {id(row) for pair in matched for row in pair}
    alone = [Unmatched(row, True, absent(row, True)) for row in first if id(row) not in met]
    alone += [Unmatched(row, False, absent(row, False)) for row in second if id(row) not in met]
    return Comparison(tuple(_adjusted(differences)), tuple(alone), tuple(_changes(differences, alone)))


def pairs(
    first: Iterable[T],
    second: Iterable[T],
    same: Callable[[T], Hashable],
    unlike: Callable[[T, T], tuple[int, ...]],
) -> Iterator[tuple[T, T]]:
    """Pairs each of the first with the most similar equivalent of the second; each is used once."""
    others: dict[Hashable, list[T]] = {}
    for other in second:
        others.setdefault(same(other), []).append(other)
    groups: dict[Hashable, list[T]] = {}
    for one in first:
        groups.setdefault(same(one), []).append(one)
    for key, ones in groups.items():
        yield from _nearest(ones, others.get(key, []), unlike)


def _nearest(
    first: Sequence[T], second: Sequence[T], unlike: Callable[[T, T], tuple[int, ...]]
) -> Iterator[tuple[T, T]]:
    ranked = sorted((unlike(a, b), i, j) for i, a in enumerate(first) for j, b in enumerate(second))
    left, right = set(range(len(first))), set(range(len(second)))
    for _, i, j in ranked:
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
            yield first[i], second[j]


def differing(first: EffectRow, second: EffectRow, columns: Iterable[str]) -> tuple[str, ...]:
    """The columns in which two rows differ."""
    return tuple(name for name in columns if getattr(first, name) != getattr(second, name))


def _same_effect(row: EffectRow) -> Hashable:
    return row.claim, row.protocol, row.metric


def where(row: EffectRow) -> Hashable:
    """What has a verdict of its own: an experiment on one kind of device, in one precision, on some data."""
    return row.experiment, row.device, row.devices, row.precision, row.data


def _unlike(first: EffectRow, second: EffectRow) -> tuple[int, ...]:
    return len(differing(first, second, BARS)), len(differing(first, second, CONDITIONS))


def _difference(first: EffectRow, second: EffectRow) -> Difference:
    reason = _barred(first, second) or _dependent(first, second) or _unestimated(first, second)
    apart = differing(first, second, CONDITIONS)
    if reason:
        return Difference(first, second, apart, None, reason)
    from harness.effects.statistics.contrast import contrast  # brings scipy, which `list` can do without

    return Difference(first, second, apart, contrast(first.effect, second.effect), "")


def _barred(first: EffectRow, second: EffectRow) -> str:
    apart = differing(first, second, BARS)
    return "; ".join(f"other {name}: {getattr(first, name)}, {getattr(second, name)}" for name in apart)


def _dependent(first: EffectRow, second: EffectRow) -> str:
    """Why these are not two samples: shared runs say nothing about a difference between the sides."""
    ours, theirs = set(first.runs.split(", ")), set(second.runs.split(", "))
    shared, most = len(ours & theirs - {""}), max(len(ours), len(theirs))
    if not shared:
        return ""
    return (
        f"the same {count(shared, 'run')}"
        if shared == most
        else f"{shared} of {most} runs are the same in both"
    )


def _unestimated(first: EffectRow, second: EffectRow) -> str:
    from harness.effects.statistics.contrast import lacking

    if first.kind is Kind.EXACT and None not in (first.estimate, second.estimate):
        return COUNTED
    each = {side: lacking(row.effect) for side, row in (("A", first), ("B", second))}
    why = "; ".join(f"{side}: {said}" for side, said in each.items() if said)
    return why or ("" if first.log == second.log else "only one of them is on logarithms")


def _adjusted(found: Sequence[Difference]) -> list[Difference]:
    """The differences, with Holm's p over those behind verdicts: each paper's are a family of their own."""
    families: dict[str, dict[str, float]] = {}
    for number, one in enumerate(found):
        if one.contrast and one.first.primary and one.contrast.p_student is not None:
            family = families.setdefault(papers.another(papers.claim(one.first.claim)), {})
            family[str(number)] = one.contrast.p_student
    adjusted = {number: p for family in families.values() for number, p in holm(family).items()}
    return [replace(one, adjusted_p=adjusted.get(str(i))) for i, one in enumerate(found)]


def _changes(differences: Sequence[Difference], alone: Sequence[Unmatched]) -> Iterator[Change]:
    """Verdicts that changed, each once, and those that only the first side has."""
    changed: dict[Hashable, Change] = {}
    for one in differences:
        name = (where(one.first), one.first.verdict, one.second.verdict)
        if one.first.primary and one.first.verdict != one.second.verdict:
            changed.setdefault(name, Change(one.first, one.second))
    yield from changed.values()
    met = {where(one.first) for one in differences}
    lost = {where(one.row): one.row for one in alone if one.first and one.row.primary}
    yield from (Change(row, None) for place, row in lost.items() if row.outcome.judged and place not in met)
