"""Tests of a trained network on images in other colours, against pixels changed by hand."""

from __future__ import annotations

from statistics import fmean

import pytest
import torch

from harness.contract.trial import Precision
from harness.data.augmentation import Views
from harness.data.images import Images
from harness.data.views import Augmentation, MeanCrop
from harness.models.alexnet import PAPER
from harness.models.network import Net
from harness.models.proxy import small
from harness.training.data_parallel import ALONE
from harness.training.evaluate import judge, probabilities
from harness.training.scheduled.tested import SHIFTS, Observer, Predictions


def views(mean: MeanCrop, brighter: tuple[int, int, int] = (0, 0, 0)) -> Views:
    """Sixty grey-noise images, far enough from black and white for a shift to stay on the scale."""
    draw = torch.Generator().manual_seed(3)
    pixels = torch.randint(60, 190, (60, 32, 32, 3), generator=draw)
    labels = torch.randint(10, (60,), generator=draw)
    images = Images((pixels + torch.tensor(brighter)).to(torch.uint8), labels)
    average = torch.rand(32, 32, 3, generator=draw) * 50 + 100
    return Views(images, average, Augmentation(side=24, mean=mean))


@pytest.mark.parametrize("mean", list(MeanCrop))
def test_shifted_colours_are_those_of_shifted_pixels(mean: MeanCrop) -> None:
    net = Net(small(PAPER, width=0.25)).initialise(1)
    shift = (24, 0, -24)
    asked = views(mean).shifted(torch.tensor(shift, dtype=torch.float32))
    there = views(mean, shift)
    by_shift, by_pixel = (probabilities(net, v, (v.centre,)) for v in (asked, there))
    assert torch.allclose(by_shift, by_pixel, atol=1e-6)
    assert not torch.allclose(by_shift, probabilities(net, views(mean), (asked.centre,)), atol=1e-6)


def test_the_error_of_shifted_images_is_the_mean_over_all_shifts() -> None:
    net = Net(small(PAPER, width=0.25)).initialise(1)
    observer = Observer(net, ALONE, Precision.FP32)
    by_hand = [views(MeanCrop.OWN, shift) for shift in SHIFTS]
    errors = [judge(probabilities(net, v, (v.centre,)), v.images.labels).top1 for v in by_hand]
    assert observer.shifted(views(MeanCrop.OWN)) == pytest.approx(fmean(errors))


def test_a_loss_that_is_no_number_is_none() -> None:
    broken = Predictions(torch.full((2, 3), torch.nan), torch.tensor([0, 1]))
    assert broken.loss() is None
    assert broken.errors().top1 == 1.0
