"""Figure 4's counterpart: test images with their most probable classes and their nearest training images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from harness.effects.from_runs import metric
from harness.plans.experiment import Evidence, Run
from harness.records.schema import Measured
from harness.reporting.figures.drawing import pictures
from harness.reporting.figures.drawing.frame import ARMS, FRAME, INK, MUTED, Drawing

# Repeated from `harness.data.datasets`, which imports torch.
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ROWS = {"features": "the last hidden layer", "pixels": "pixels"}
ALIKE, OTHER = ARMS[2], MUTED
WIDTH, LEFT = 720.0, 10.0
QUERY, BARS, NEAR = 84.0, 108.0, 390.0  # the query's side, and where the bars and the neighbours begin
NAMES, BAR = 62.0, 80.0  # widths of a class' name beside its bar, and of a bar of 100 %
SIDE, STEP, ROW = 40.0, 53.0, 58.0  # a neighbour's side, and the distances of neighbours and of their rows


@dataclass(frozen=True)
class Near:
    """A training image and its class."""

    image: str | None
    label: int


@dataclass(frozen=True)
class QueryImage:
    """A test image, its class, its most probable classes, and its nearest images by each of the measures."""

    image: str | None
    label: int
    classes: tuple[tuple[int, float], ...]  # with their probabilities
    near: Mapping[str, tuple[Near, ...]]

    def alike(self, measure: str) -> int:
        """How many of the nearest have the query's class."""
        return sum(one.label == self.label for one in self.near[measure])


def neighbours(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """The queries of the first network that a record shows; empty if none does."""
    for run in evidence.final():
        queries = [q for q in map(read, run.record.details.get("queries") or ()) if q]
        if queries:
            return [draw(name, queries, run, overall(evidence), heading, caveat)]
    return []


def read(found: Any) -> QueryImage | None:
    """What a record says about one query, None if that is incomplete."""
    try:
        pairs = zip(found["classes"], found["probabilities"], strict=True)
        near = {measure: tuple(map(_near, found.get(measure) or ())) for measure in ROWS}
        classes = tuple((int(c), min(1.0, max(0.0, float(p)))) for c, p in pairs)
        return QueryImage(pictures.stored(found.get("image")), int(found["label"]), classes, near)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _near(found: Mapping[str, Any]) -> Near:
    return Near(pictures.stored(found.get("image")), int(found["label"]))


def overall(evidence: Evidence) -> str:
    """The share of nearest images with the query's class, over all queries and runs: what is judged."""
    runs, name = evidence.final(), {"features": Measured.FEATURES, "pixels": Measured.PIXELS}
    found = {m: [v for run in runs if (v := metric(name[m])(run)) is not None] for m in ROWS}
    if not all(found.values()):
        return ""
    asked = {int(count) for run in runs if (count := metric(Measured.QUERIES)(run))}
    queries = f"all {max(asked):,} queries" if asked else "all queries"
    shares = " and ".join(f"{fmean(found[m]):.1f} % by {said}" for m, said in ROWS.items())
    return f"Over {queries} (mean of {len(found['features'])} networks): {shares}"


def draw(
    name: str, queries: Sequence[QueryImage], run: Run, whole: str, heading: str, caveat: str
) -> Drawing:
    """One strip per query: the image and its classes on the left, its neighbours on the right."""
    dataset = run.planned.trial.settings.dataset
    names = CIFAR10 if dataset == "cifar10" else ()
    lines = [*pictures.wrapped(heading, WIDTH), *pictures.wrapped(whole, WIDTH)]
    top, strip = 24.0 + pictures.HEADING * len(lines), len(ROWS) * ROW + 14
    parts = [
        *pictures.caveat(WIDTH, caveat),
        *pictures.heading(LEFT, WIDTH, heading, whole),
        *_heads(top - 10),
    ]
    for i, query in enumerate(queries):
        parts += _strip(query, names, top + i * strip)
    title = f"The nearest training images of {len(queries)} test images, network of seed {run.seed}"
    return pictures.drawing(
        name, (WIDTH, top + len(queries) * strip), title, describe(queries, whole), parts, True
    )


def _heads(y: float) -> Iterator[str]:
    heads = ((LEFT, "test image"), (BARS, "most probable classes"), (NEAR, "nearest training images"))
    for x, said in heads:
        yield pictures.words(x, y, said, INK, 'font-weight="bold" font-size="10"')


def _strip(query: QueryImage, names: Sequence[str], y: float) -> Iterator[str]:
    yield from _picture(query.image, (LEFT, y), QUERY, class_name(query.label, names), FRAME, 1.0)
    yield from _bars(query, names, y)
    for row, (measure, said) in enumerate(ROWS.items()):
        top = y + row * ROW
        label = 'text-anchor="end" font-size="9.5"'
        yield pictures.words(NEAR - 10, top + SIDE / 2 + 3, f"by {said}", MUTED, label)
        for i, one in enumerate(query.near[measure]):
            alike = one.label == query.label
            frame = (ALIKE, 3.0) if alike else (OTHER, 1.0)
            place = NEAR + 2 + i * STEP, top
            yield from _picture(one.image, place, SIDE, class_name(one.label, names), *frame)


def _picture(
    source: str | None, place: tuple[float, float], side: float, said: str, colour: str, width: float
) -> Iterator[str]:
    """An image in its frame, which is thicker if green, with its class below."""
    x, y = place
    if source:
        yield pictures.image(x, y, side, source, said)
    out = width / 2
    frame = f'fill="none" stroke="{colour}" stroke-width="{width:g}"'
    yield pictures.box(x - out, y - out, side + width, side + width, frame)
    yield pictures.words(x + side / 2, y + side + 11.5, said, INK, 'text-anchor="middle"')


def _bars(query: QueryImage, names: Sequence[str], y: float) -> Iterator[str]:
    for i, (number, probability) in enumerate(query.classes):
        top, right = y + i * 17, number == query.label
        said = class_name(number, names)
        weight = 'text-anchor="end"' + (' font-weight="bold"' if right else "")
        yield pictures.words(BARS + NAMES, top + 10, said, INK, weight)
        colour = ALIKE if right else ARMS[0]
        left, length = BARS + NAMES + 6, round(BAR * probability, 2)
        yield pictures.box(left, top + 1.5, length, 11, f'class="bar" fill="{colour}"')
        yield pictures.words(left + 4 + length, top + 10, f"{probability:.0%}", MUTED)


def class_name(number: int, names: Sequence[str]) -> str:
    """A class' name, or its number if the names are unknown."""
    return names[number] if 0 <= number < len(names) else f"class {number}"


def describe(queries: Sequence[QueryImage], whole: str) -> str:
    """How to read the picture, its counts, and the shares over all queries."""
    alike = {m: sum(q.alike(m) for q in queries) for m in ROWS}
    shown = {m: sum(len(q.near[m]) for q in queries) for m in ROWS}
    counts = [f"{alike[m]} of {shown[m]} by {said}" for m, said in ROWS.items()]
    return (
        "Left: each test image with its most probable classes, its own in green. Right: its nearest training "
        "images by Euclidean distance between outputs of the last hidden layer, and between pixels; a thick "
        f"green frame marks the query's class: here {', '.join(counts)}. {whole}{'.' * bool(whole)} "
        "These test images lie at even distances in the test set; none was picked by hand."
    )
