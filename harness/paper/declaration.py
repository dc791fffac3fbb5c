"""What a paper must declare before its claims can be judged: a claim that leaves it open is refused.

Without a side or a point of no effect, every result would count as being in the paper's direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from harness.contract.errors import BadValue
from harness.paper.claims import Band, Claim, Fit, Kind, Side

if TYPE_CHECKING:
    from harness.paper.papers import Paper

SIDED = (Kind.RATIO, Kind.DIFFERENCE, Kind.DIRECTION, Kind.QUALITATIVE)


def check(paper: Paper) -> None:
    """BadValue, naming the claim and the fix, if anything is missing or of the wrong type."""
    for claim in paper.claims:
        if not isinstance(claim, Claim):
            raise BadValue(
                f"its claims hold a {type(claim).__name__}: make each a harness.paper.claims.Claim"
            )
        if fault := next(_faults(claim), ""):
            raise BadValue(f"its claim '{claim.id}' {fault}")
    for name in ("titles", "measured"):
        texts = getattr(paper, name)
        if not isinstance(texts, Mapping) or not all(isinstance(text, str) for text in texts.values()):
            raise BadValue(f"its {name} are not texts by the claims' ids: make them a dict of str")
    for name, text in paper.measured.items():
        try:
            text.format("", "")
        except (LookupError, ValueError) as error:
            raise BadValue(
                f"its text of what was measured for '{name}' has other braces than {{}} for the estimate and "
                "{} for the metric: write no further ones"
            ) from error


def _faults(claim: Claim) -> Iterator[str]:
    try:
        msgspec.convert(asdict(claim), type=Claim)
    except msgspec.ValidationError as error:
        yield f"has a value of the wrong type: {error}"
        return
    if not claim.metrics:
        yield "has no metric: name what is judged"
    for name, kind in (("kind", Kind), ("side", Side), ("fit", Fit)):
        value = getattr(claim, name)
        if isinstance(value, str) and not isinstance(value, kind):
            yield f"has {name}={value!r}, a text: use a harness.paper.claims.{kind.__name__}"
    yield from _undirected(claim)
    for metric in claim.metrics:
        if metric.paper is not None and metric.band and not metric.band.holds(metric.paper):
            yield f"has the paper's {metric.name} of {metric.paper:g} outside its own band: correct either"


def _undirected(claim: Claim) -> Iterator[str]:
    """What is missing for telling the paper's direction from the other one."""
    null, side, unit = claim.null, claim.side, claim.primary.unit
    if claim.kind not in SIDED:
        if side is not None:
            yield f"is a {claim.kind}, which has no side: leave side out, or name another kind"
        return
    if null is None or side is None:
        yield f"is a {claim.kind} without {'null' if null is None else 'side'}: declare both"
    elif (claim.kind is Kind.RATIO or unit == "×") and null <= 0:
        yield f"is a ratio with null={null:g}: no effect is 1"
    elif (band := claim.primary.band) and not _beyond(band, null, side):
        yield f"has a band that reaches beyond null={null:g} to the other side: correct band, null or side"


def _beyond(band: Band, null: float, side: Side) -> bool:
    return band.low >= null if side is Side.ABOVE else band.high <= null
