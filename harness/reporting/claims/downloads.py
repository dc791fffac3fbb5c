"""The numbers behind a claim's figures, as files: CSV, and a row of a LaTeX table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from harness.contract.effect import Effect
from harness.contract.formatting import interval
from harness.plans.experiment import Evidence
from harness.reporting.claims.phrases import look, paper, sample
from harness.reporting.claims.sections import Section
from harness.reporting.latex import latex
from harness.reporting.wording import estimate, neutral, opened
from harness.verdicts.rules import intervals

EFFECTS = (
    "claim", "protocol", "proxy", "verdict", "metric", "unit", "paper", "estimate", "low95", "high95",
    "low90", "high90", "at_looks", "n", "censored", "values",
)  # fmt: skip


def effects(sections: Sequence[Section]) -> str:
    """One row per effect of every experiment; none for smoke runs."""
    rows = (_row(s, effect) for s in sections if not s.smoke for effect in s.effects)
    return _csv(EFFECTS, rows)


def _row(section: Section, effect: Effect) -> tuple[object, ...]:
    metric, (ci90, ci95) = section.claim.metric(effect.metric), intervals(effect, section.interim)
    ends = (end for i in (ci95, ci90) for end in ((i.low, i.high) if i else (None, None)))
    return (
        section.claim.id, section.scale, section.proxy, section.verdict.headline, effect.metric, effect.unit,
        metric and metric.paper, effect.estimate, *ends, section.interim, effect.n, effect.censored,
        " ".join(map(repr, effect.values)),
    )  # fmt: skip


def runs(evidence: Evidence) -> str:
    """One row per final run, with all that it measured and the key of its record."""
    final = evidence.final()
    names = list(dict.fromkeys(name for run in final for name in run.record.metrics))
    rows = (
        (run.arm, run.seed, run.record.status, run.record.key, *(run.record.metrics.get(n) for n in names))
        for run in final
    )
    return _csv(("arm", "seed", "status", "key", *names), rows)


def _csv(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(columns), *rows])
    return neutral(text.getvalue())


def latex_row(section: Section) -> str:
    """The claim, the paper's figure, ours with its interval, the sample and the verdict, as a row."""
    effect = section.effects[0]
    ours = f"{estimate(effect)} {interval(effect.ci95)}" if effect.ci95 else estimate(effect)
    cells = (
        opened(section.claim.statement),
        paper(section),
        ours,
        f"{sample(effect)}{look(section)}",
        section.verdict.headline,
    )
    return f"{' & '.join(map(latex, cells))} \\\\\n"
