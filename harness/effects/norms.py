"""What response normalisation did in the trained networks: whether it was more than a constant."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from harness.plans.experiment import Evidence, Run, Table

STILL = 0.05  # a factor whose coefficient of variation is below this counts as a constant


def norms(run: Run) -> list[dict[str, Any]]:
    """Every norm of the run's network: `load`, the mean of α Σ a²; mean and `spread` of its factor."""
    return list(run.record.details.get("norms", ()))


def spread(evidence: Evidence, arm: str) -> float | None:
    """The largest variation of an arm's norm factors, standard deviation ÷ mean; None if no run has it."""
    found = [max(norm["spread"] for norm in of_run) for run in evidence.final(arm) if (of_run := norms(run))]
    return fmean(found) if found else None


def norms_table(evidence: Evidence) -> Table:
    """Every norm of every arm, mean over seeds."""
    rows = []
    for arm, runs in evidence.by_arm.items():
        told = [found for run in runs if (found := norms(run))]
        for place, of_one in enumerate(zip(*told, strict=False), start=1):
            means = (round(fmean(norm[name] for norm in of_one), 4) for name in ("load", "factor", "spread"))
            rows.append((arm, place, *means, len(of_one)))
    columns = ("arm", "norm", "mean of α Σ a²", "mean factor", "its coefficient of variation", "runs")
    return Table("What the norms do in the trained networks", columns, tuple(rows))
