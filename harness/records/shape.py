"""The shape that a record must have: everything that tables, figures and estimates rely on.

A record may come from anyone. What passes here can be shown and computed with; what does not is rejected on
reading. Fields not named here are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from harness.contract.trial import Precision, Status
from harness.records.conditions import Conditions
from harness.records.image_bits import held
from harness.records.schema import impossible

LARGEST = 3.5e38  # fp32 holds no larger number, and its powers are still numbers in fp64
DEEPEST = 24  # nested containers; an average of measured networks has 10
Number = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=LARGEST)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Some = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Scalar = str | int | float | bool | None
Curve = list[dict[str, Number | None]]


class Stored(msgspec.Struct):
    """A record's text: what many records share is decoded once, what few readers need is decoded later."""

    key: str
    lineage: str
    trial: dict[str, msgspec.Raw]
    conditions: msgspec.Raw
    code: str
    status: Status
    metrics: dict[str, Number | None] = {}
    curve: msgspec.Raw = msgspec.Raw(b"[]")
    cost: dict[str, Amount] = {}
    environment: msgspec.Raw = msgspec.Raw(b"{}")
    details: msgspec.Raw = msgspec.Raw(b"{}")
    started: str = ""
    finished: str = ""
    error: str = ""
    format: Any = 1
    digest: Any = None

    def __post_init__(self) -> None:
        """ValueError for a metric with an impossible value."""
        if said := impossible(self.metrics):
            raise ValueError(said)


class TrialPart(msgspec.Struct):
    """What every trial's description must have."""

    settings: dict[str, Any]
    seed: Seed
    precision: Precision = Precision.FP32


class EnvironmentPart(msgspec.Struct):
    """What a machine's description must have, besides being only strings and numbers."""

    commit: str | None = None
    dirty: bool | None = None
    source: str = ""


class Wrong(msgspec.Struct):
    """Which images were wrong, one bit each."""

    images: Count = 0
    train_images: Count = 0
    ten_top1: str | None = None
    ten_top5: str | None = None
    centre_top1: str | None = None
    train_top1: str | None = None

    def __post_init__(self) -> None:
        """ValueError unless there are as many bits as images."""
        for bits in (self.ten_top1, self.ten_top5, self.centre_top1):
            held(bits or "", self.images if bits else 0)
        held(self.train_top1 or "", self.train_images if self.train_top1 else 0)


class SameClass(msgspec.Struct):
    """Whether each query's nearest images have its class, one bit each, query by query."""

    queries: Some = 1
    nearest: Some = 1
    features: str | None = None
    pixels: str | None = None
    untrained: str | None = None

    def __post_init__(self) -> None:
        """ValueError unless there is a bit for each neighbour of each query."""
        for bits in (self.features, self.pixels, self.untrained):
            held(bits or "", self.queries * self.nearest if bits else 0)


class Norm(msgspec.Struct):
    """The effect of a norm."""

    load: Number
    factor: Number
    spread: Number


class Span(msgspec.Struct):
    """A section of a step's timeline."""

    rank: Count = 0
    layer: str | None = None
    kind: str | None = None
    start: Number | None = None
    end: Number | None = None


class Picture(msgspec.Struct):
    """An image and its class."""

    label: Count
    image: str | None = None


class Query(msgspec.Struct):
    """An image with its most probable classes, and the nearest ones."""

    label: Count
    classes: list[Count]
    probabilities: list[Number]
    image: str | None = None
    features: list[Picture] = []
    pixels: list[Picture] = []


class Details(msgspec.Struct):
    """What programs keep for tables and figures."""

    wrong: Wrong | None = None
    same_class: SameClass | None = None
    norms: list[Norm] = []
    kernels: list[list[Number]] = []
    side: Some = 1
    chroma: list[Number] = []
    columns: Some = 1
    queries: list[Query] = []
    timeline: list[Span] = []
    steps: list[Number] = []
    crowded: bool = False
    ranks: Some = 1


_CURVE, _DETAILS = msgspec.json.Decoder(Curve), msgspec.json.Decoder(Details)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def check(stored: Stored) -> None:
    """ValidationError if a curve or details, which are decoded on demand, would be invalid."""
    with _named("curve"):
        _CURVE.decode(stored.curve)
    with _named("details"):
        _DETAILS.decode(stored.details)
        for name, raw in _PARTS.decode(stored.details).items():
            if name not in Details.__struct_fields__:
                _check_depth(msgspec.json.decode(raw))


def trial(parts: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """A trial's description, whose settings many records share; ValidationError for another shape."""
    with _named("trial"):
        found = {name: _shared(bytes(raw)) for name, raw in parts.items()}
        msgspec.convert(found, TrialPart)
    return found


@lru_cache(maxsize=20_000)
def conditions(raw: bytes) -> Conditions:
    """What a trial ran under, which many records share; ValidationError for another shape."""
    with _named("conditions"):
        return msgspec.json.decode(raw, type=Conditions)


@lru_cache(maxsize=20_000)
def environment(raw: bytes) -> dict[str, Scalar]:
    """A machine's description, which many records share; ValidationError for another shape."""
    with _named("environment"):
        msgspec.json.decode(raw, type=EnvironmentPart)
        return msgspec.json.decode(raw, type=dict[str, Scalar])


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Adds to errors which part of the record has another shape."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{error}, of {part}") from None


@lru_cache(maxsize=20_000)
def _shared(raw: bytes) -> Any:
    """The value of a text that many records have in common, as all seeds have their settings."""
    value = msgspec.json.decode(raw)
    _check_depth(value)
    return value


def _check_depth(value: Any, left: int = DEEPEST) -> None:
    """ValidationError for containers nested so deep that walking through them would overflow."""
    if not isinstance(value, (dict, list)):
        return
    if not left:
        raise msgspec.ValidationError(f"it nests deeper than {DEEPEST} levels")
    for below in value.values() if isinstance(value, dict) else value:
        _check_depth(below, left - 1)
