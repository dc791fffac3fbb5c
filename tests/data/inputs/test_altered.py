"""Inputs with a mistake in them, against the paper's inputs and the formula in float64."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.data.augmentation import Augmented
from harness.data.inputs import altered, resident
from harness.data.inputs.selection import Inputs
from harness.data.views import Augmentation, ten
from harness.plans.ablation import BASELINE
from harness.plans.protocols import SMOKE
from harness.training.scheduled.recipe import Altered, Scheduled

CPU = torch.device("cpu")
SETTINGS: Scheduled = replace(SMOKE.settings.settings(BASELINE), images=300, test_images=50, sample=50)
ORDER = torch.randperm(300, generator=torch.Generator().manual_seed(1))


def read(how: Altered, settings: Scheduled = SETTINGS) -> Inputs:
    return altered.inputs(replace(settings, reader=how), 3, None, CPU)


def epoch(inputs: Inputs, number: int = 0, order: torch.Tensor = ORDER) -> tuple[torch.Tensor, torch.Tensor]:
    """All images and labels of an epoch that is taken in two portions, as training does."""
    inputs.batches.begin(number, order)
    portions = [batch for some in order.split(200) for batch in inputs.batches.each(some, 32)]
    images, labels = zip(*portions, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_without_a_mistake_they_are_the_papers() -> None:
    plain, same = resident.inputs(SETTINGS, 3, None, CPU), read(Altered())
    assert all(map(torch.equal, epoch(plain), epoch(same)))
    for mine, other in ((plain.sample, same.sample), (plain.test, same.test)):
        assert all(map(torch.equal, mine.gather(torch.arange(50)), other.gather(torch.arange(50))))


@pytest.mark.parametrize(("scale", "centred"), [(1 / 255, True), (1.0, False), (1 / 255, False)])
def test_pixels_are_scaled_and_the_mean_is_left_in(scale: float, centred: bool) -> None:
    plain, found = resident.inputs(SETTINGS, 3, None, CPU), read(Altered(scale, centred))
    mean = plain.test.mean.double() if centred else torch.zeros_like(plain.test.mean).double()
    chosen = torch.tensor([4, 0, 31])
    for views in (found.sample, found.test):
        for view in ten(32, 32, 24):
            whole = scale * (views.images.pixels[chosen].double() - mean)
            window = whole[:, view.top : view.top + 24, view.left : view.left + 24]
            expected = (window.flip(2) if view.flip else window).permute(0, 3, 1, 2)
            assert torch.allclose(views.see(chosen, view).double(), expected, rtol=1e-6, atol=1e-6)


def test_training_images_are_cropped_and_coloured_as_the_papers() -> None:
    plain = resident.inputs(SETTINGS, 3, None, CPU)
    images, labels = epoch(plain)
    scaled, same = epoch(read(Altered(scale=1 / 255)))
    assert torch.equal(labels, same)
    assert torch.allclose(scaled.double(), images.double() / 255, rtol=1e-6)
    centre = replace(SETTINGS, augmentation=Augmentation(24, crops=False, flips=False))
    raw, _ = epoch(read(Altered(centred=False), centre))
    batches = plain.batches
    assert isinstance(batches, Augmented)
    assert torch.equal(raw, batches.images.pixels[ORDER][:, 4:28, 4:28].permute(0, 3, 1, 2).float())


def test_one_class_follows_another_and_no_image_comes_twice() -> None:
    """Within a class images come in the epoch's random order."""
    centre = replace(SETTINGS, augmentation=Augmentation(24, crops=False, flips=False))
    found = read(Altered(shuffled=False), centre)
    for number, order in enumerate((ORDER, ORDER.flip(0), ORDER[:150])):
        images, labels = epoch(found, number, order)
        shuffled, of = epoch(resident.inputs(centre, 3, None, CPU), number, order)
        by_class = sorted(range(len(order)), key=lambda at: int(of[at]))
        assert labels.tolist() == sorted(of.tolist())
        assert torch.equal(images, shuffled[by_class])
