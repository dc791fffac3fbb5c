"""Table 2: the error of the average of several networks' predictions, beside their own errors."""

from __future__ import annotations

from pkgutil import resolve_name

import torch

from harness.analysis.settings import Ensemble
from harness.contract.session import Session, TrialResult
from harness.contract.trial import Status, Trial
from harness.training import artifacts
from harness.training.evaluate import judge


def run(trial: Trial[Ensemble], session: Session) -> TrialResult:
    """Ten-view errors in percent: the mean of the single networks' errors, and that of their average."""
    settings = trial.settings
    first = settings.of[0].settings
    read = resolve_name(first.reader.implementation)
    labels = read(first, 0, session.data, torch.device("cpu")).test.images.labels
    alone = [artifacts.tensor(session.artifacts.trained(t), "probabilities").float() for t in settings.of]
    together = judge(sum(alone, start=torch.zeros(())) / len(alone), labels)
    each = [judge(p, labels) for p in alone]
    return TrialResult(
        Status.OK,
        {
            "single_top1": 100 * sum(e.top1 for e in each) / len(each),
            "single_top5": 100 * sum(e.top5 for e in each) / len(each),
            "average_top1": 100 * together.top1,
            "average_top5": 100 * together.top5,
        },
    )
