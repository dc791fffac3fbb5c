"""Batches made ahead from a memory map: bit for bit those of resident images, whichever thread makes them."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.contract.streams import generator
from harness.data import datasets
from harness.data.augmentation import Augmented, ColourBasis, colour_basis, crop, draw_crops
from harness.data.images import Images
from harness.data.inputs import prefetch
from harness.data.inputs.prefetch import Prefetched, Windows, made_ahead
from harness.data.views import Augmentation, ColourNoise, MeanCrop, Spread
from harness.training.data_parallel import Ranks
from tests.fakes.compilers import said_without
from tests.fakes.photographs import contents, folders, pack

PAPER = Augmentation(colour=ColourNoise())
SOURCE = Augmentation(
    sharing=32, colour=ColourNoise(spread=Spread.DEVIATION, divisor=1.1), mean=MeanCrop.CENTRE
)
HOW = {
    "paper": PAPER,
    "source": SOURCE,
    "plain": Augmentation(side=227),
    "centre": Augmentation(crops=False, flips=False),
    "whole": Augmentation(side=256),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a pack of 30 training images."""
    folder = tmp_path_factory.mktemp("data")
    source = folders(folder / "source", contents({"train": 10, "val": 1}))
    pack(source, folder / "imagenette.pack", workers=2)
    return folder


@pytest.fixture(scope="module")
def mapped(root: Path) -> tuple[Images, torch.Tensor, ColourBasis]:
    place = root / "imagenette.pack"
    return datasets.load("imagenette", place), *datasets.mean_and_basis("imagenette", place)


@pytest.mark.parametrize(("threads", "in_one_pass"), [(1, True), (3, True), (1, False)])
@pytest.mark.parametrize("name", HOW)
def test_batches_are_bit_for_bit_those_of_resident_images(
    name: str,
    threads: int,
    in_one_pass: bool,
    monkeypatch: pytest.MonkeyPatch,
    mapped: tuple[Images, torch.Tensor, ColourBasis],
) -> None:
    """In one pass where Numba is there, and else in the operations that a GPU runs."""
    assert prefetch.one_pass() is not None
    if not in_one_pass:
        monkeypatch.setattr(prefetch, "one_pass", lambda: None)
    images, mean, basis = mapped
    resident = Images(images.pixels.clone(), images.labels)
    assert torch.equal(resident.mean(), mean)
    one = Augmented(resident, resident.mean(), HOW[name], 5, colour_basis(resident.pixels))
    monkeypatch.setattr(prefetch, "input_threads", lambda device: threads)
    other = Prefetched(images, mean, HOW[name], 5, basis)
    for epoch, colour in ((0, True), (1, False)):
        order = torch.randperm(30, generator=generator(5, "order", epoch))
        one.begin(epoch, order, colour)
        other.begin(epoch, order, colour)
        for expected, found in zip(one.each(order, 8), other.each(order, 8), strict=True):
            assert torch.equal(expected[0], found[0])
            assert expected[0].stride() == found[0].stride()
            assert torch.equal(expected[1], found[1])


def test_any_portions_do_and_none_need_be_taken_to_the_end(
    mapped: tuple[Images, torch.Tensor, ColourBasis],
) -> None:
    images, mean, basis = mapped
    one, other = (kind(images, mean, PAPER, 0, basis) for kind in (Augmented, Prefetched))
    order = torch.randperm(30, generator=generator(0, "order"))
    one.begin(0, order)
    other.begin(0, order)
    odd = order[[7, 3, 3, 29]]
    begun = other.each(order, 10)
    assert torch.equal(one.gather(order[:10])[0], next(begun)[0])
    assert torch.equal(one.gather(odd)[0], next(other.each(odd, 4))[0])
    assert torch.equal(one.gather(order[10:20])[0], next(begun)[0])
    begun.close()
    assert torch.equal(one.gather(order[20:25])[0], next(other.each(order[20:], 5))[0])


@pytest.mark.parametrize("ahead", [1, 2, 7])
def test_so_many_are_in_the_making_and_no_more(ahead: int) -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return -number

    with ThreadPoolExecutor(1) as threads:
        found = made_ahead(make, range(5), threads, ahead)
        assert next(found) == 0
        threads.submit(int).result()  # everything requested has been made
        assert made == list(range(5))[: ahead + 1]
        assert list(found) == [-1, -2, -3, -4]


@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_together_see_what_one_process_sees(
    world: int, mapped: tuple[Images, torch.Tensor, ColourBasis]
) -> None:
    images, mean, basis = mapped
    order = torch.randperm(30, generator=generator(1, "order"))
    alone = Augmented(images, mean, SOURCE, 1, basis)
    alone.begin(2, order)
    ranks = [Prefetched(images, mean, SOURCE, 1, basis) for _ in range(world)]
    shares = [Ranks(rank, world).share(order, 12) for rank in range(world)]
    for rank in ranks:
        rank.begin(2, order)
    own = [rank.each(share, 12 // world) for rank, share in zip(ranks, shares, strict=True)]
    for batch, *parts in zip(order.split(12), *own, strict=True):
        assert torch.equal(torch.cat([inputs for inputs, _ in parts]), alone.gather(batch)[0])


@pytest.mark.gpu
@pytest.mark.parametrize("name", HOW)
def test_batches_on_the_gpu_are_those_of_augmented(
    name: str, mapped: tuple[Images, torch.Tensor, ColourBasis]
) -> None:
    images, mean, basis = mapped
    device = torch.device("cuda")
    one = Augmented(images.to(device), mean.to(device), HOW[name], 5, basis)
    other = Prefetched(images, mean.to(device), HOW[name], 5, basis)
    order = torch.randperm(30, generator=generator(5, "order"))
    one.begin(0, order)
    other.begin(0, order)
    for expected, found in zip(one.each(order, 8), other.each(order, 8), strict=True):
        assert torch.equal(expected[0], found[0])
        assert torch.equal(expected[1], found[1])


def test_without_numba_it_says_why_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "harness.data.inputs.single_pass", None)
    (said,) = said_without(prefetch.one_pass, caplog)
    assert "Numba cannot be imported" in said


def test_windows_are_all_the_crops_there_are() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 9, 11, 3), np.uint8))
    crops = draw_crops(replace(PAPER, side=5), 3, 9, 11, 0, 0)
    upright = replace(crops, flip=torch.zeros(3, dtype=torch.bool))
    chosen = torch.tensor([2, 0, 0])
    found = Windows(images, 5).gather(chosen, crops.top, crops.left)
    assert torch.equal(found, crop(images, chosen, upright, 5))
    last = Windows(images.float(), 5).gather(torch.tensor([1]), torch.tensor([4]), torch.tensor([6]))
    assert torch.equal(last[0], images[1, 4:, 6:].float())


def test_an_epoch_is_begun_first(mapped: tuple[Images, torch.Tensor, ColourBasis]) -> None:
    images, mean, basis = mapped
    batches = Prefetched(images, mean, PAPER, 0, basis)
    with pytest.raises(RuntimeError, match="begin"):
        batches.each(torch.arange(2), 1)
    with pytest.raises(ValueError, match="colour_basis"):
        Prefetched(images, mean, PAPER, 0)
