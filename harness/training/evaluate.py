"""Errors of a trained network (§6): softmax probabilities averaged over views, then the top one and five."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.contract.trial import Precision
from harness.data.augmentation import Views
from harness.data.views import View
from harness.models.network import Net

BEST = 5


@dataclass(frozen=True)
class TopErrors:
    """Fractions of images whose label is not the most probable class, and not among the top five."""

    top1: float
    top5: float


@torch.no_grad()
def probabilities(
    net: Net,
    views: Views,
    chosen: Sequence[View],
    precision: Precision = Precision.FP32,
    size: int = 128,
) -> Tensor:
    """Class probabilities float32 (N, classes), averaged over the chosen views; `size` images at a time."""
    kind = views.mean.device.type
    half = torch.autocast(kind, torch.bfloat16, enabled=precision is Precision.BF16)
    with _testing(net), half:
        return torch.cat([_average(net, few, chosen) for few in views.parts(size)])


def _average(net: Net, few: Views, chosen: Sequence[View]) -> Tensor:
    every = torch.arange(len(few.images), device=few.mean.device)
    seen = (net(few.see(every, view)).float().softmax(1) for view in chosen)
    return sum(seen, start=torch.zeros((), device=few.mean.device)) / len(chosen)


def judge(probabilities: Tensor, labels: Tensor) -> TopErrors:
    """Errors of probabilities (N, classes) for labels (N,); images with NaN or ∞ count as wrong."""
    top1, top5 = (int(w.sum()) / len(labels) for w in wrong(probabilities, labels))
    return TopErrors(top1, top5)


def wrong(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """For each image (N,), whether its label is not the most probable class, and not among the top five."""
    sound = probabilities.isfinite().all(1)
    best = probabilities.topk(min(BEST, probabilities.shape[1])).indices
    right = (best == labels[:, None]) & sound[:, None]
    return ~right[:, 0], ~right.any(1)


@contextmanager
def _testing(net: Net) -> Iterator[None]:
    """Puts the network in evaluation mode (dropout scales, §4.2), and then restores its mode."""
    training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(training)
