"""Chroma and its permutation test on kernels with a known colour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from harness.analysis import kernels
from harness.analysis.kernels import chroma, coloured, contrast, splits
from harness.analysis.settings import Kernels
from harness.contract.session import Artifacts, Session, TrialResult
from harness.contract.trial import Trial
from harness.models.network import Net
from harness.plans.ablation import BASELINE, training
from harness.plans.protocols import SMOKE
from harness.training import artifacts

NETWORK = SMOKE.settings.settings(BASELINE).network


def kernel(*colour: float) -> Tensor:
    """A kernel (3, 4, 4) of one colour and a random pattern."""
    pattern = torch.randn(4, 4)
    return torch.tensor(colour)[:, None, None] * pattern


@pytest.mark.parametrize(
    ("colour", "wanted"),
    [
        ((1, 1, 1), 0.0),
        ((1, 0, 0), 2 / 3),  # minus its mean of 1/3: 4/9 + 1/9 + 1/9 of 1
        ((1, -1, 0), 1.0),
        ((0, 1, 1), 1 / 3),  # (4/9 + 1/9 + 1/9) / 2
        ((2, -1, -1), 1.0),
        ((0, 0, 0), 0.0),
    ],
)
def test_chroma_by_hand(colour: tuple[float, float, float], wanted: float) -> None:
    found = chroma(torch.stack([kernel(*colour)] * 3))
    assert found.tolist() == pytest.approx([wanted] * 3, abs=1e-6)


@given(st.integers(0, 2**31), st.floats(0.01, 100), st.permutations(range(3)))
@settings(max_examples=30)
def test_chroma_is_a_share_and_knows_neither_size_nor_channel(
    seed: int, size: float, order: list[int]
) -> None:
    weights = torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    found = chroma(weights)
    assert bool(((found >= 0) & (found <= 1 + 1e-6)).all())
    torch.testing.assert_close(chroma(-size * weights[:, order]), found)


def test_chroma_equals_the_projection_off_the_grey_axis() -> None:
    weights = np.random.default_rng(0).normal(size=(8, 3, 5, 5))
    grey = np.full(3, 3**-0.5)
    off = np.eye(3) - np.outer(grey, grey)
    wanted = [(np.tensordot(off, w, 1) ** 2).sum() / (w**2).sum() for w in weights]
    assert chroma(torch.tensor(weights)).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(("colour", "wanted"), [((1, 1, 1), 0.0), ((3, 0, 0), 6.0), ((1, -1, 0), 2.0)])
def test_coloured_energy_by_hand(colour: tuple[float, float, float], wanted: float) -> None:
    """For a pattern whose energy is 1: 4 + 1 + 1 from (3, 0, 0) minus its mean of 1."""
    flat = torch.tensor(colour)[:, None, None] * torch.full((4, 4), 0.25)
    assert coloured(torch.stack([flat, 2 * flat])).tolist() == pytest.approx([wanted, 4 * wanted])


def test_coloured_energy_is_the_share_of_all_energy() -> None:
    weights = torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(coloured(weights), chroma(weights) * weights.square().sum((1, 2, 3)))


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), st.floats(0.1, 10))
def test_contrast_knows_neither_scale_nor_side_nor_order_within_a_column(
    values: list[float], size: float
) -> None:
    a, b, c, d = values
    found = contrast(torch.tensor(values, dtype=torch.float64))
    assert found >= 1
    for same in ((c, d, a, b), (b, a, d, c), (size * a, size * b, size * c, size * d)):
        assert contrast(torch.tensor(same, dtype=torch.float64)) == pytest.approx(found)
    assert found == pytest.approx(max((a + b) / (c + d), (c + d) / (a + b)))


def test_splits_are_all_regroupings_alike() -> None:
    """Four kernels have three splits; each occurs a third of the time."""
    values = torch.tensor([1.0, 2.0, 4.0, 8.0])
    found = splits(values, 3000, 0)
    wanted = sorted([12 / 3, 10 / 5, 9 / 6])
    kinds, counts = np.unique(found.numpy().round(9), return_counts=True)
    assert kinds.tolist() == pytest.approx(wanted)
    assert abs(counts - 1000).max() < 4 * (3000 * 1 / 3 * 2 / 3) ** 0.5
    assert torch.equal(found, splits(values, 3000, 0))
    assert not torch.equal(found, splits(values, 3000, 1))


def measured(folder: Path, paint: Callable[[Tensor], None], seed: int = 0, count: int = 1000) -> TrialResult:
    """The program's outcome for a network whose first kernels were painted over."""
    net = Net(NETWORK).initialise(seed)
    with torch.no_grad():
        paint(next(net.weighted())[1])
    path = folder / f"{seed}.safetensors"
    artifacts.save(path, net, {})
    trial = Trial(Kernels(training(SMOKE, BASELINE, seed), count), seed)
    return kernels.run(trial, Session("cpu", None, folder / "none.pt", Artifacts(of=lambda trial: path)))


def test_a_grey_and_a_coloured_column_are_told_apart(tmp_path: Path) -> None:
    """Of the splits of 12 kernels into halves, 2 of 924 have as much contrast: p near 1 / 462."""

    def paint(weights: Tensor) -> None:
        weights[:6] = weights[:6].mean(1, keepdim=True)
        weights[6:] -= weights[6:].mean(1, keepdim=True)

    outcome = measured(tmp_path, paint, count=5000)
    assert outcome.metrics["permutation_p"] == pytest.approx(1 / 462, abs=0.0025)
    assert outcome.metrics["chroma_first"] == pytest.approx(0, abs=1e-6)
    assert outcome.metrics["chroma_second"] == pytest.approx(1)
    assert (outcome.metrics["ratio"] or 0) > 10
    assert len(outcome.details["kernels"]) == 12
    assert len(outcome.details["kernels"][0]) == 3 * outcome.details["side"] ** 2
    assert outcome.details["columns"] == 2


def test_a_column_that_is_only_weaker_differs_by_energy_alone(tmp_path: Path) -> None:
    """Shares of colour do not depend on size: a tenth of the weights is a hundredth of the energy."""

    def paint(weights: Tensor) -> None:
        weights[:6] *= 0.1

    outcome, plain = measured(tmp_path, paint, count=5000), measured(tmp_path, lambda weights: None)
    assert outcome.metrics["energy_p"] == pytest.approx(1 / 462, abs=0.0025)
    assert outcome.metrics["observed"] == pytest.approx(plain.metrics["observed"])
    assert (outcome.metrics["permutation_p"] or 0) > 0.05


def test_columns_that_could_be_exchanged_give_a_uniform_p() -> None:
    """400 simulated networks: the share of p ≤ a is a, within four binomial standard errors."""
    values = torch.rand(400, 12, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    p = torch.tensor(
        [
            (1 + int((splits(v, 399, seed) >= contrast(v) * (1 - 1e-12)).sum())) / 400
            for seed, v in enumerate(values)
        ]
    )
    for level in (0.05, 0.1, 0.25, 0.5, 0.75):
        assert abs(float((p <= level).double().mean()) - level) < 4 * (level * (1 - level) / 400) ** 0.5


def test_untrained_networks_have_a_ratio_of_about_one(tmp_path: Path) -> None:
    ratios = [measured(tmp_path, lambda weights: None, seed, 200).metrics["ratio"] or 0 for seed in range(60)]
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) / 60**0.5)
