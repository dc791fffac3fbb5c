"""A report's results as typed values for programs: `results.json`, and from it CSV and LaTeX.

docs/results-format.md explains each field. `FORMAT` increases when a field is changed or removed.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.contract.effect import Effect, Interval
from harness.contract.formatting import NOTHING
from harness.paper.claims import Band, Claim
from harness.paper.papers import of, title
from harness.reporting.claims import phrases
from harness.reporting.claims.sections import Section, leading
from harness.reporting.effect_tables import role
from harness.reporting.front import overview
from harness.reporting.front.origin import EvidenceOrigin
from harness.reporting.latex import latex

FORMAT = 1
PAPER = (
    "Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks (2012)"
)
Ends = tuple[float | None, float | None]  # None: unbounded on that side


@dataclass(frozen=True)
class EffectResult:
    """One estimate, unrounded."""

    metric: str
    unit: str
    role: str
    paper: float | None
    band: Ends | None
    estimate: float | None
    ci90: Ends | None
    ci95: Ends | None
    ci90_at_looks: Ends | None
    ci95_at_looks: Ends | None
    lower_bound: float | None
    n: int
    censored: int
    p_student: float | None
    p_exact: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class ExperimentRun:
    """The experiment that was run."""

    protocol: str
    paper_scale: bool
    seeds: int
    at_looks: bool
    device: str
    precision: str
    torch: str
    data: str


@dataclass(frozen=True)
class ClaimResult:
    """One experiment's evidence for a claim and its verdict; without an experiment nothing was run."""

    claim: str
    title: str
    of_paper: str
    section: str
    figure: str
    leading: bool
    experiment: ExperimentRun | None
    outcome: str
    qualifier: str
    audit: bool
    reasons: tuple[str, ...]
    p_holm: float | None
    effects: tuple[EffectResult, ...]
    deviations: tuple[str, ...]
    records: tuple[str, ...]
    stale_records: int
    command: str


@dataclass(frozen=True)
class Results:
    """All results of a report."""

    format: int
    paper: str
    origin: EvidenceOrigin
    results: tuple[ClaimResult, ...]


def results(sections: Sequence[Section], origin: EvidenceOrigin) -> Results:
    """The sections' results in order; smoke runs are listed without numbers."""
    first = set(map(id, leading(sections)))
    return Results(FORMAT, PAPER, origin, tuple(_result(s, id(s) in first) for s in sections))


def _result(section: Section, first: bool) -> ClaimResult:
    claim, verdict = section.claim, section.verdict
    return ClaimResult(
        claim.id, title(claim), of(claim).paper.name, claim.section, claim.figure, first,
        _experiment(section), str(verdict.outcome), verdict.qualifier, verdict.audit, verdict.sentences,
        section.adjusted_p,
        tuple(_effect(claim, e, i) for i, e in enumerate(_effects(section))),
        section.deviations, tuple(dict.fromkeys(r.key for r in section.records)), len(section.stale),
        section.command,
    )  # fmt: skip


def _effects(section: Section) -> tuple[Effect, ...]:
    """With both kinds of intervals; none of smoke runs."""
    return section.assessment.effects(section.claim) if section.assessment and not section.smoke else ()


def _experiment(section: Section) -> ExperimentRun | None:
    if section.assessment is None:
        return None
    found = section.assessment.experiment
    held = found.conditions
    where = (str(held.device), str(held.precision), held.torch, str(held.data or ""))
    return ExperimentRun(found.protocol.name, not section.proxy, found.seeds, section.interim, *where)


def _effect(claim: Claim, e: Effect, place: int) -> EffectResult:
    metric = claim.metric(e.metric)
    paper, band = (metric.paper, metric.band) if metric else (None, None)
    return EffectResult(
        e.metric, e.unit, role(claim, place), paper, _ends(band),
        _finite(e.estimate), _ends(e.ci90), _ends(e.ci95), _ends(e.interim90), _ends(e.interim95),
        _finite(e.lower_bound), e.n, e.censored, _finite(e.p_student), _finite(e.p_value),
        tuple(map(_finite, e.values)),
    )  # fmt: skip


def _ends(ends: Interval | Band | None) -> Ends | None:
    return None if ends is None else (_finite(ends.low), _finite(ends.high))


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def as_json(found: Results) -> str:
    """The results as JSON, in ASCII."""
    return json.dumps(asdict(found), indent=1, allow_nan=False) + "\n"


OF_RESULT = ("claim", "leading", "outcome", "qualifier")
OF_EXPERIMENT = tuple(ExperimentRun.__dataclass_fields__)
OF_EFFECT = (
    "metric", "unit", "role", "paper", "estimate", "lower_bound", "n", "censored", "p_student", "p_exact",
)  # fmt: skip
PAIRS = ("band", "ci90", "ci95", "ci90_at_looks", "ci95_at_looks")
COLUMNS = (
    *OF_RESULT,
    *OF_EXPERIMENT,
    *OF_EFFECT,
    *(f"{name}_{end}" for name in PAIRS for end in ("low", "high")),
)


def as_csv(found: Results) -> str:
    """One row per effect, or one for a result without any; a cell without a value is empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in found.results:
        held: dict[str, Any] = vars(one.experiment) if one.experiment else {}
        head = [*(vars(one)[name] for name in OF_RESULT), *map(held.get, OF_EXPERIMENT)]
        for effect in one.effects or (None,):
            rows.writerow([*head, *_cells(effect)])
    return text.getvalue()


def _cells(effect: EffectResult | None) -> list[object]:
    values: dict[str, Any] = vars(effect) if effect else {}
    ends = [end for name in PAIRS for end in values.get(name) or (None, None)]
    return [*map(values.get, OF_EFFECT), *ends]


TEX_HEAD = r"""% needs \usepackage{booktabs}
\begin{tabular}{lllllll}
\toprule
Claim & Section & Paper & Ours & 95\,\% interval, $n$ & Protocol & Verdict \\
\midrule"""


def as_tex(sections: Sequence[Section]) -> str:
    """A table of every claim's best evidence."""
    lines = [TEX_HEAD, *map(_tex_row, leading(sections)), r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _tex_row(section: Section) -> str:
    found = [one for one in overview.ours(section) if one.judged]
    value = "; ".join(f"{one.name} {one.value}".strip() for one in found) or NOTHING
    rest = "; ".join(one.rest for one in found if one.rest) or NOTHING
    claim = section.claim
    paper, verdict = phrases.paper(section), section.verdict.headline
    cells = (title(claim), claim.section, paper, value, rest, section.scale, verdict)
    return " & ".join(map(latex, cells)) + r" \\"
