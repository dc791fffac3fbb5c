"""Crops, flips and colours against PIL, and against loops over single images in float64."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from scipy.stats import binom

from harness.contract.errors import BadValue
from harness.contract.streams import generator
from harness.data import cifar10, sources
from harness.data.augmentation import (
    PIXELS_AT_ONCE,
    Augmented,
    Crops,
    Views,
    colour_basis,
    crop,
    draw_crops,
    draw_shifts,
)
from harness.data.images import Images
from harness.data.views import Augmentation, ColourNoise, MeanCrop, Spread, View, centre, offsets, ten

SOURCE = Augmentation(
    sharing=32, colour=ColourNoise(spread=Spread.DEVIATION, divisor=1.1), mean=MeanCrop.CENTRE
)
PAPER = Augmentation(colour=ColourNoise())
RAW = ColourNoise(white=255.0)
SIZES = [(256, 224), (32, 24)]
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.gpu),
]


def noise_images(count: int, height: int, width: int | None = None, seed: int = 0) -> Images:
    """Random pixels whose channels are correlated, as in photographs."""
    stream = np.random.default_rng(seed)
    grey = stream.normal(120, 45, (count, height, width or height, 1))
    tint = stream.normal(0, 18, (count, height, width or height, 3)) * [1.0, 0.4, 1.6]
    pixels = np.clip(grey + tint, 0, 255).astype(np.uint8)
    return Images(torch.from_numpy(pixels), torch.arange(count) % 10)


@pytest.fixture(scope="module")
def photographs() -> Images:
    """Twelve photographs, shorter side to 256 and centre-cropped, as in §2."""
    for root in sources.search_path(None):
        files = sorted((root / "imagenette" / "val").glob("*/*.JPEG"))[::40][:12]
        if files:
            return Images(torch.from_numpy(np.stack([_square(f) for f in files])), torch.arange(len(files)))
    pytest.skip(f"needs photographs: imagenette/val/*/*.JPEG below $REPRO_DATA or {Path('data')}")


def _square(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), (256, 256)))


@pytest.fixture(params=["synthetic 256", "synthetic 32", "photographs", "cifar"])
def images(request: pytest.FixtureRequest) -> Images:
    match request.param:
        case "photographs":
            found: Images = request.getfixturevalue("photographs")
            return found
        case "cifar":
            root: Path = request.getfixturevalue("cifar_root")
            pixels, labels = cifar10.load(root, train=False)
            return Images(pixels[:12], labels[:12])
        case _:
            return noise_images(6, int(request.param.split()[1]))


# Fixed views


@pytest.mark.parametrize("mean_crop", MeanCrop)
def test_ten_views_are_ten_crops_by_hand(images: Images, mean_crop: MeanCrop) -> None:
    length = images.pixels.shape[1]
    side, border = {256: (224, 32), 32: (24, 8)}[length]
    half = border // 2
    boxes = [  # left, upper, right, lower, as PIL counts
        (0, 0, side, side),
        (border, 0, length, side),
        (0, border, side, length),
        (border, border, length, length),
        (half, half, half + side, half + side),
    ]
    mean = images.mean()
    views = Views(images, mean, Augmentation(side=side, mean=mean_crop))
    seen = [views.see(torch.arange(len(images)), view) for view in ten(length, length, side)]
    assert len(seen) == 10
    for i, pixels in enumerate(images.pixels):
        for j, box in enumerate(boxes):
            cut = Image.fromarray(pixels.numpy()).crop(box)
            left, upper, right, lower = box if mean_crop is MeanCrop.OWN else boxes[4]
            less = mean.numpy()[upper:lower, left:right]
            mirrored = less[:, ::-1] if mean_crop is MeanCrop.OWN else less
            upright = np.asarray(cut, np.float32) - less
            flipped = np.asarray(ImageOps.mirror(cut), np.float32) - mirrored
            assert np.array_equal(seen[j][i].permute(1, 2, 0).numpy(), upright)
            assert np.array_equal(seen[j + 5][i].permute(1, 2, 0).numpy(), flipped)


def test_the_centre_is_the_fifth_view_and_what_is_gathered(images: Images) -> None:
    length = images.pixels.shape[1]
    views = Views(images, images.mean(), Augmentation(side=length - 8))
    chosen = torch.tensor([3, 0, 3])
    inputs, labels = views.gather(chosen)
    assert torch.equal(inputs, views.see(chosen, ten(length, length, length - 8)[4]))
    assert torch.equal(inputs, views.see(chosen, centre(length, length, length - 8)))
    assert torch.equal(labels, images.labels[chosen])
    assert torch.equal(
        images.centre(length - 8).pixels[3] - images.mean()[4:-4, 4:-4], inputs[0].permute(1, 2, 0)
    )
    assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_views_of_an_oblong_image() -> None:
    assert ten(5, 8, 4)[:5] == (View(0, 0), View(0, 4), View(1, 0), View(1, 4), View(0, 2))
    assert offsets(256, 224) ** 2 * 2 == 2178
    with pytest.raises(BadValue, match="do not fit"):
        offsets(223, 224)


# Crops and flips


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_crop_is_a_slice(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    side = data.draw(st.integers(1, min(height, width)))
    pixels = noise_images(4, height, width).pixels
    rows = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, 3), st.integers(0, height - side), st.integers(0, width - side), st.booleans()
            ),
            min_size=1,
            max_size=6,
        )
    )
    chosen, top, left, flip = (torch.tensor(column) for column in zip(*rows, strict=True))
    found = crop(pixels, chosen, Crops(top, left, flip), side).numpy()
    for cut, (i, y, x, mirrored) in zip(found, rows, strict=True):
        expected = pixels[i].numpy()[y : y + side, x : x + side]
        assert np.array_equal(cut, expected[:, ::-1] if mirrored else expected)


@pytest.mark.parametrize(("length", "side"), SIZES)
def test_crops_reach_every_offset_and_no_other(length: int, side: int) -> None:
    count, places = 60_000, length - side + 1
    drawn = draw_crops(Augmentation(side=side), count, length, length, seed=0, epoch=0)
    seen = torch.zeros(places, places, 2, dtype=torch.int64)
    seen.index_put_((drawn.top, drawn.left, drawn.flip.long()), torch.tensor(1), accumulate=True)
    # Each of the 2178 (or 162) positions has a binomial count; none is missed, none is favoured.
    low, high = binom.ppf([1e-8, 1 - 1e-8], count, 1 / seen.numel())
    assert seen.numel() in (2178, 162)
    assert max(low, 1) <= int(seen.min())
    assert int(seen.max()) <= high


@pytest.mark.parametrize("seed", range(3))
def test_half_of_the_images_are_flipped(seed: int) -> None:
    count = 10_000
    low, high = binom.ppf([1e-6, 1 - 1e-6], count, 0.5)
    for how in (Augmentation(), Augmentation(crops=False)):
        assert low <= int(draw_crops(how, count, 256, 256, seed, 0).flip.sum()) <= high


def test_chunks_of_32_share_crop_and_flip() -> None:
    drawn = draw_crops(SOURCE, 32 * 200 + 7, 256, 256, seed=1, epoch=2)
    together = torch.stack((drawn.top, drawn.left, drawn.flip.long()), 1)
    assert together.shape == (6407, 3)
    whole = together[:6400].view(200, 32, 3)
    assert (whole == whole[:, :1]).all()
    assert (together[6400:] == together[6400]).all()
    assert len(set(map(tuple, whole[:, 0].tolist()))) > 180
    apart = draw_crops(Augmentation(), 6400, 256, 256, seed=1, epoch=2)
    assert (apart.top.view(200, 32) == apart.top.view(200, 32)[:, :1]).all(1).sum() == 0


def test_every_epoch_and_seed_draws_anew_and_rows_apart_from_columns() -> None:
    first, later, other = (
        draw_crops(Augmentation(), 1000, 256, 256, *which) for which in ((0, 0), (0, 1), (1, 0))
    )
    for drawn in (later, other):
        for name in ("top", "left", "flip"):
            assert not torch.equal(getattr(first, name), getattr(drawn, name))
    assert not torch.equal(first.top, first.left)


def test_without_crops_and_flips_it_is_the_centre() -> None:
    images = noise_images(5, 32)
    how = Augmentation(side=24, crops=False, flips=False)
    batches = Augmented(images, images.mean(), how, seed=0)
    batches.begin(0, torch.arange(5))
    order = torch.tensor([4, 1])
    assert torch.equal(batches.gather(order)[0], Views(images, images.mean(), how).gather(order)[0])


# Colours


def test_the_basis_is_that_of_the_pixel_covariance(images: Images) -> None:
    flat = images.pixels.numpy().reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(flat, rowvar=False, bias=True))
    basis = colour_basis(images.pixels)
    np.testing.assert_allclose(basis.values.numpy(), values[::-1], rtol=1e-9)
    along = np.abs((basis.vectors.numpy() * vectors[:, ::-1]).sum(0))
    np.testing.assert_allclose(along, 1, rtol=1e-9)
    largest = np.abs(basis.vectors.numpy()).argmax(0)
    assert (basis.vectors.numpy()[largest, range(3)] > 0).all()


def test_the_basis_does_not_depend_on_the_order_of_summation() -> None:
    images = noise_images(40, 256)
    assert images.pixels.shape[:3].numel() > 2 * PIXELS_AT_ONCE
    basis, shuffled = (colour_basis(images.pixels[torch.randperm(40)]) for _ in range(2))
    assert torch.equal(basis.values, shuffled.values)
    assert torch.equal(basis.vectors, shuffled.vectors)


def test_one_colour_has_no_components() -> None:
    basis = colour_basis(torch.full((3, 8, 8, 3), 255, dtype=torch.uint8))
    assert basis.values.tolist() == [0, 0, 0]
    assert not draw_shifts(RAW, basis, 4, 0, 0).any()


@pytest.mark.parametrize("how", [SOURCE, PAPER, replace(PAPER, colour=RAW)], ids=["source", "paper", "raw"])
@pytest.mark.parametrize("length", [256, 32])
def test_a_batch_is_what_a_loop_over_images_makes_of_it(how: Augmentation, length: int) -> None:
    """Crop, mean, flip and colour of every image separately, in float64, from the same draws."""
    images = noise_images(70 if length == 32 else 36, length)
    how = replace(how, side={256: 224, 32: 24}[length])
    order = torch.randperm(len(images), generator=generator(5, "order"))
    basis = colour_basis(images.pixels)
    batches = Augmented(images, images.mean(), how, 5, basis)
    batches.begin(3, order)
    found = torch.cat([batches.gather(part)[0] for part in torch.split(order, 32)])

    flat = images.pixels.numpy().reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(flat, rowvar=False, bias=True))
    vectors = vectors[:, ::-1] * np.sign((vectors[:, ::-1] * basis.vectors.numpy()).sum(0))
    alpha = torch.randn(
        len(order), 3, generator=generator(5, "augmentation", "colour", 3), dtype=torch.float64
    )
    crops = draw_crops(how, len(order), length, length, 5, 3)
    mean = images.pixels.double().mean(0).numpy()
    assert how.colour is not None
    border = (length - how.side) // 2
    for place, image in enumerate(order.tolist()):
        y, x, flip = int(crops.top[place]), int(crops.left[place]), bool(crops.flip[place])
        pixels = images.pixels[image].numpy().astype(np.float64)
        if how.mean is MeanCrop.OWN:
            expected = (pixels - mean)[y : y + how.side, x : x + how.side]
            expected = expected[:, ::-1] if flip else expected
        else:
            expected = pixels[y : y + how.side, x : x + how.side]
            expected = expected[:, ::-1] if flip else expected
            expected = expected - mean[border : border + how.side, border : border + how.side]
        for component in range(3):
            eigenvalue = values[::-1][component]
            if how.colour.spread is Spread.DEVIATION:
                size = np.sqrt(eigenvalue)
            elif how.colour.white == 255:
                size = eigenvalue
            else:  # noise of the eigenvalue on the 0–1 scale, brought back to 0–255
                size = eigenvalue / 255**2 * 255
            expected = expected + 0.1 * float(alpha[place, component]) * size * vectors[:, component]
        if how.colour.spread is Spread.DEVIATION:
            expected = expected / 1.1
        np.testing.assert_allclose(found[place].permute(1, 2, 0).numpy(), expected, rtol=2e-6, atol=2e-4)


@pytest.mark.parametrize(
    ("noise", "power", "unit"), [(RAW, 1.0, 1.0), (ColourNoise(), 1.0, 1 / 255), (SOURCE.colour, 0.5, 1.0)]
)
def test_shifts_have_the_stated_spread(noise: ColourNoise, power: float, unit: float) -> None:
    basis, count = colour_basis(noise_images(20, 32).pixels), 40_000
    along = draw_shifts(noise, basis, count, 0, 0).double() @ basis.vectors
    expected = 0.1 * basis.values**power * unit
    # The deviation of a sample deviation is σ / √2n; five of them.
    np.testing.assert_allclose(along.std(0), expected, rtol=5 / np.sqrt(2 * count))
    assert (along.mean(0).abs() < 5 * expected / np.sqrt(count)).all()
    assert len(set(map(tuple, along.tolist()))) == count


def test_late_training_without_colours_keeps_the_crops_and_is_not_divided() -> None:
    images = noise_images(64, 32)
    how = replace(SOURCE, side=24)
    batches = Augmented(images, images.mean(), how, 0, colour_basis(images.pixels))
    plain = Augmented(images, images.mean(), replace(how, colour=None), 0)
    order = torch.randperm(64)
    plain.begin(70, order)
    batches.begin(70, order, colour=False)
    assert torch.equal(batches.gather(order)[0], plain.gather(order)[0])
    batches.begin(70, order)
    shifted = batches.gather(order)[0] * 1.1 - plain.gather(order)[0]
    # What is left is one shift for each image.
    assert shifted.std((2, 3)).max() < 1e-3
    assert shifted.mean((2, 3)).abs().min() > 0


# Streams


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("how", [SOURCE, PAPER], ids=["source", "paper"])
def test_the_same_seed_gives_the_same_batch_everywhere(how: Augmentation, device: str) -> None:
    images, how = noise_images(96, 32), replace(how, side=24)
    basis, order = colour_basis(images.pixels), torch.randperm(96, generator=generator(0, "order", 4))

    def epoch(seed: int, number: int, size: int, where: str) -> torch.Tensor:
        there = torch.device(where)
        batches = Augmented(images.to(there), images.mean().to(there), how, seed, basis)
        batches.begin(number, order.to(there))
        return torch.cat([batches.gather(part)[0].cpu() for part in torch.split(order.to(there), size)])

    first = epoch(7, 4, 32, "cpu")
    torch.manual_seed(123)  # nothing is drawn from the global stream
    assert torch.equal(epoch(7, 4, 32, device), first)
    assert torch.equal(epoch(7, 4, 20, device), first)
    assert not torch.equal(epoch(8, 4, 32, device), first)
    assert not torch.equal(epoch(7, 5, 32, device), first)


@pytest.mark.gpu
def test_the_basis_is_the_same_on_the_gpu() -> None:
    pixels = noise_images(40, 256).pixels
    here, there = colour_basis(pixels), colour_basis(pixels.cuda())
    assert torch.equal(here.values, there.values.cpu())
    assert torch.equal(here.vectors, there.vectors.cpu())


def test_an_epoch_may_hold_a_part_of_the_images() -> None:
    images = noise_images(50, 32)
    order = torch.randperm(50)[:20]
    batches = Augmented(images, images.mean(), Augmentation(side=24), 0)
    batches.begin(0, order)
    drawn = draw_crops(Augmentation(side=24), 20, 32, 32, 0, 0)
    assert batches.crops is not None
    assert torch.equal(batches.crops.of(order).top, drawn.top)
    assert torch.equal(batches.crops.of(order).flip, drawn.flip)


def test_nonsense_is_refused() -> None:
    images = noise_images(2, 32)
    with pytest.raises(ValueError, match="colour_basis"):
        Augmented(images, images.mean(), replace(PAPER, side=24), 0)
    with pytest.raises(RuntimeError, match="begin"):
        Augmented(images, images.mean(), Augmentation(side=24), 0).gather(torch.arange(2))
    with pytest.raises(BadValue, match="224"):
        Augmented(images, images.mean(), Augmentation(), 0)
    with pytest.raises(ValueError, match="at least 1"):
        Augmentation(sharing=0)


@pytest.mark.parametrize("count", [None, 4, 7, 12, 13])
def test_some_views_at_even_distances_have_every_class(count: int | None) -> None:
    """Photographs are ordered by class, so that the first ones would be of one class."""
    ordered = Images(noise_images(12, 16).pixels, torch.arange(12) // 3)
    ordered.pixels[:, 0, 0, 0] = torch.arange(12, dtype=torch.uint8)
    few = Views(ordered, ordered.mean(), Augmentation(side=8)).spaced(count).images
    assert len(few) == {None: 12, 4: 4, 7: 6, 12: 12, 13: 12}[count]
    assert few.pixels.data_ptr() == ordered.pixels.data_ptr()  # of a pack, nothing is read yet
    assert set(few.labels.tolist()) == {0, 1, 2, 3}
    assert few.labels.tolist() == [int(number) // 3 for number in few.pixels[:, 0, 0, 0]]
