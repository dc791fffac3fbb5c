"""The average of known predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.analysis import ensemble
from harness.analysis.settings import Ensemble
from harness.contract.session import Artifacts, Session
from harness.contract.trial import Status, Trial
from harness.data.images import load
from harness.models.network import Net
from harness.plans.ablation import BASELINE, training
from harness.plans.protocols import SMOKE
from harness.training import artifacts

IMAGES = 40


def member(seed: int) -> Trial:
    trial = training(SMOKE, BASELINE, seed)
    return replace(trial, settings=replace(trial.settings, images=64, test_images=IMAGES, sample=10))


def measured(folder: Path, predictions: list[Tensor]) -> dict[str, float | None]:
    """The program's metrics for networks that left these predictions."""
    net = Net(member(0).settings.network)
    for seed, probabilities in enumerate(predictions):
        artifacts.save(folder / f"{seed}.safetensors", net, {"probabilities": probabilities})
    place = Artifacts(of=lambda trial: folder / f"{trial.seed}.safetensors")
    trial = Trial(Ensemble(tuple(map(member, range(len(predictions))))), 0)
    outcome = ensemble.run(trial, Session("cpu", None, folder / "none.pt", place))
    assert outcome.status is Status.OK
    return dict(outcome.metrics)


def labels() -> Tensor:
    return load("cifar10", None, train=False).first(IMAGES).labels


def one_hot(classes: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(classes % 10, 10).float()


def test_two_that_err_on_different_halves_are_right_together(tmp_path: Path) -> None:
    """Each network is unsure (.6 to .4) where it is wrong, certain elsewhere: the average is always right."""
    right = one_hot(labels())
    unsure = 0.6 * one_hot(labels() + 1) + 0.4 * right
    first = torch.cat([unsure[:30], right[30:]])
    second = torch.cat([right[:30], unsure[30:]])
    found = measured(tmp_path, [first, second])
    assert found["single_top1"] == pytest.approx(50.0)  # of 75 % and 25 %
    assert found["average_top1"] == 0.0
    assert found["single_top5"] == found["average_top5"] == 0.0


def test_it_averages_probabilities_and_counts_no_votes(tmp_path: Path) -> None:
    """Two slightly wrong ones outvote a certain one, and are outweighed by it."""
    right, wrong = one_hot(labels()), one_hot(labels() + 1)
    found = measured(tmp_path, [right, 0.55 * wrong + 0.45 * right, 0.55 * wrong + 0.45 * right])
    assert found["single_top1"] == pytest.approx(200 / 3)
    assert found["average_top1"] == 0.0


def test_one_network_is_its_own_average(tmp_path: Path) -> None:
    found = measured(tmp_path, [torch.softmax(torch.randn(IMAGES, 10), 1)])
    assert found["single_top1"] == found["average_top1"]
    assert found["single_top5"] == found["average_top5"]
