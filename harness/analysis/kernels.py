"""Figure 3: what conv1's kernels look like, and whether colour keeps to one column."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from harness.analysis.settings import Kernels
from harness.contract.session import Session, TrialResult
from harness.contract.streams import generator
from harness.contract.trial import Status, Trial
from harness.models.description import AcrossMaps, Conv
from harness.training import artifacts


def run(trial: Trial[Kernels], session: Session) -> TrialResult:
    """The ratio of the columns' chroma, compared with random splits of the same kernels."""
    settings = trial.settings
    description = settings.of.settings.network
    net = artifacts.network(session.artifacts.trained(settings.of), description)
    kernels = next(weight.detach() for layer, weight, _ in net.weighted() if isinstance(layer, Conv))
    columns = next((x.groups for x in description.layers if isinstance(x, AcrossMaps)), 2)
    colour, energy = chroma(kernels), coloured(kernels)
    halves = [float(half.mean()) for half in colour.chunk(columns)]
    observed, split = contrast(colour), splits(colour, settings.splits, trial.seed)
    metrics: dict[str, float | None] = {
        "ratio": observed / float(split.log().mean().exp()),
        "observed": observed,
        "permutation_p": _p(observed, split),
        "energy_p": _p(contrast(energy), splits(energy, settings.splits, trial.seed)),
        "chroma_first": halves[0],
        "chroma_second": halves[-1],
    }
    picture = {"kernels": kernels.flatten(1).tolist(), "side": kernels.shape[-1], "chroma": colour.tolist()}
    return TrialResult(Status.OK, metrics, details={**picture, "columns": columns})


def _p(observed: float, split: Tensor) -> float:
    """Share of splits, the observed one included, with at least the observed contrast."""
    return (1 + int((split >= observed * (1 - 1e-12)).sum())) / (1 + len(split))


def coloured(kernels: Tensor) -> Tensor:
    """Energy of each kernel off the grey axis: (N,) from (N, 3, height, width)."""
    return (kernels - kernels.mean(1, keepdim=True)).square().sum((1, 2, 3))


def chroma(kernels: Tensor) -> Tensor:
    """Share of each kernel's energy off the grey axis: (N,) in [0, 1] from (N, 3, height, width)."""
    energy = kernels.square().sum((1, 2, 3)).clamp_min(torch.finfo(torch.float32).tiny)
    return coloured(kernels) / energy


def contrast(chroma: Tensor) -> float:
    """Mean chroma of the more colourful half over that of the other; (N,), the halves in order."""
    first, second = (float(half.double().mean()) for half in chroma.chunk(2))
    low, high = sorted((max(first, 1e-12), max(second, 1e-12)))
    return high / low


def splits(chroma: Tensor, count: int, seed: int) -> Tensor:
    """The contrast of `count` random splits of the same kernels into halves, float64 (count,)."""
    keys = torch.rand(count, len(chroma), generator=generator(seed, "splits"))
    mixed = chroma.double()[keys.argsort(1)]
    half = math.ceil(len(chroma) / 2)
    first, second = mixed[:, :half].mean(1).clamp_min(1e-12), mixed[:, half:].mean(1).clamp_min(1e-12)
    return torch.maximum(first / second, second / first)
