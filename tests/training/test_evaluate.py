"""Ten-view and centre errors against loops over single views and single images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.contract.trial import Precision
from harness.data import cifar10, stand_in
from harness.data.augmentation import Views
from harness.data.images import Images
from harness.data.views import Augmentation, MeanCrop, ten
from harness.models.alexnet import alexnet
from harness.models.cifar10 import nineteen
from harness.models.description import Dense, Dropout, Network
from harness.models.network import Net
from harness.training.evaluate import judge, probabilities

BOXES = [(0, 0), (0, 8), (8, 0), (8, 8), (4, 4)]  # top and left of 24 in 32


def cropped_net() -> Net:
    """The 19 % net for 24-pixel crops, with weights that distinguish images and a dropout layer."""
    layers = list(nineteen().layers)
    last = layers.pop()
    assert isinstance(last, Dense)
    description = Network("cropped", (3, 24, 24), (*layers, Dropout(0.5), last))
    net = Net(description).initialise(0)
    with torch.no_grad():
        for _, weight, _ in net.weighted():
            weight.mul_(0.05 / weight.std())
    return net


def some(count: int) -> Images:
    pixels, labels = stand_in.gratings(train=False)
    return Images(pixels[:count], labels[:count])


@pytest.fixture(params=["synthetic", "cifar"])
def images(request: pytest.FixtureRequest) -> Images:
    if request.param == "synthetic":
        return some(30)
    root: Path = request.getfixturevalue("cifar_root")
    pixels, labels = cifar10.load(root, train=False)
    return Images(pixels[:30], labels[:30])


def by_hand(
    net: Net, images: Images, mean: np.ndarray, boxes: list[tuple[int, int]], flips: bool
) -> np.ndarray:
    """Mean softmax in float64 over the boxes and their mirror images, one image and one view at a time."""
    net.eval()
    averages = []
    for pixels in images.pixels.numpy().astype(np.float32):
        views = []
        for top, left in boxes:
            view = (pixels - mean)[top : top + 24, left : left + 24]
            views += [view, view[:, ::-1]] if flips else [view]
        softmaxes = []
        for view in views:
            with torch.no_grad():
                logits = net(torch.tensor(view.transpose(2, 0, 1)[None].copy()))[0].double().numpy()
            powers = np.exp(logits - logits.max())
            softmaxes.append(powers / powers.sum())
        averages.append(np.mean(softmaxes, axis=0))
    return np.array(averages)


@pytest.mark.parametrize("ten_views", [False, True])
def test_the_average_is_that_of_a_loop_over_views(images: Images, ten_views: bool) -> None:
    net, mean, how = cropped_net(), images.mean(), Augmentation(side=24)
    expected = by_hand(net, images, mean.numpy(), BOXES if ten_views else BOXES[4:], ten_views)
    views = Views(images, mean, how)
    chosen = ten(32, 32, 24) if ten_views else (views.centre,)
    found = probabilities(net, views, chosen, size=7)
    assert expected.std(0).max() > 0.01  # the images are distinguished
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)

    order = np.argsort(-expected, axis=1)
    labels = images.labels.numpy()
    errors = judge(found, images.labels)
    assert errors.top1 == np.mean(order[:, 0] != labels)
    assert errors.top5 == np.mean((order[:, :5] != labels[:, None]).all(1))


def test_ten_views_are_not_the_centre_alone() -> None:
    net, images = cropped_net(), some(20)
    views = Views(images, images.mean(), Augmentation(side=24))
    ten_views, centre = (probabilities(net, views, v) for v in (ten(32, 32, 24), (views.centre,)))
    assert (ten_views - centre).abs().max() > 0.01
    torch.testing.assert_close(ten_views.sum(1), torch.ones(20))


def test_the_source_s_mean_reaches_the_network() -> None:
    net, images = cropped_net(), some(20)
    mean = torch.rand(32, 32, 3) * 255
    own, centre = (Augmentation(side=24, mean=m) for m in MeanCrop)
    ten_views = [probabilities(net, Views(images, mean, how), ten(32, 32, 24)) for how in (own, centre)]
    one = [probabilities(net, Views(images, mean, how), ten(32, 32, 24)[4:5]) for how in (own, centre)]
    assert (ten_views[0] - ten_views[1]).abs().max() > 1e-3
    assert torch.equal(*one)


@pytest.mark.parametrize("training", [False, True])
def test_the_network_is_tested_in_testing_mode_and_left_as_it_was(training: bool) -> None:
    net, images, how = cropped_net().train(training), some(8), Augmentation(side=24)
    views = Views(images, images.mean(), how)
    first, second = (probabilities(net, views, ten(32, 32, 24)) for _ in range(2))
    assert torch.equal(first, second)
    assert all(module.training == training for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())
    with pytest.raises(RuntimeError):
        probabilities(net, Views(images, torch.zeros(32, 32, 4), how), (views.centre,))
    assert net.training == training


def test_bf16_gives_nearly_the_same() -> None:
    net, images = cropped_net(), some(20)
    views = Views(images, images.mean(), Augmentation(side=24))
    full, half = (probabilities(net, views, ten(32, 32, 24), p) for p in (Precision.FP32, Precision.BF16))
    assert half.dtype == torch.float32
    assert 0 < (full - half).abs().max() < 0.05


def test_alexnet_on_256_pixels() -> None:
    """The paper's size, but narrow: 224 of 256, top-5 of 12 classes."""
    stream = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (3, 256, 256, 3), generator=stream, dtype=torch.uint8)
    images = Images(pixels, torch.tensor([0, 11, 5]))
    views = Views(images, images.mean(), Augmentation())
    found = probabilities(
        Net(alexnet(width=0.05, classes=12)).initialise(0), views, ten(256, 256, 224), size=2
    )
    assert found.shape == (3, 12)
    errors = judge(found, images.labels)
    assert errors.top5 <= errors.top1


@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 12), st.integers(2, 9)), elements=st.floats(0, 1, width=32)
    ),
    st.integers(0, 2**32 - 1),
)
def test_errors_are_those_of_a_loop(scores: np.ndarray, seed: int) -> None:
    # Distinct scores in each row, so that the order is unique.
    scores = scores.argsort(1).argsort(1).astype(np.float32) / scores.shape[1]
    labels = np.random.default_rng(seed).integers(0, scores.shape[1], len(scores))
    found = judge(torch.tensor(scores), torch.tensor(labels))
    ranks = [int((row > row[label]).sum()) for row, label in zip(scores, labels, strict=True)]
    assert found.top1 == sum(rank > 0 for rank in ranks) / len(ranks)
    assert found.top5 == sum(rank > 4 for rank in ranks) / len(ranks)


def test_what_is_not_a_number_is_wrong() -> None:
    scores = torch.tensor([[0.9, 0.1], [math.nan, math.nan], [0.9, 0.1]])
    errors = judge(scores, torch.tensor([0, 0, 1]))
    assert errors.top1 == pytest.approx(2 / 3)
    assert errors.top5 == pytest.approx(1 / 3)
