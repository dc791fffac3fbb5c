"""CIFAR-10: intact, damaged, and its stand-in."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.contract.errors import BadValue, DataError, UnknownName
from harness.data import cifar10, sources
from harness.data.images import Batches, Images, load
from harness.records.conditions import DataIdentity, Form


def test_all_of_cifar_is_resident(cifar_root: Path) -> None:
    train, test = load("cifar10", cifar_root), load("cifar10", cifar_root, train=False)
    assert train.pixels.shape == (50_000, 32, 32, 3)
    assert test.pixels.shape == (10_000, 32, 32, 3)
    assert train.labels.bincount().tolist() == [5_000] * 10
    with (cifar_root / "data_batch_3").open("rb") as file:
        batch = pickle.load(file, encoding="bytes")
    expected = torch.from_numpy(batch[b"data"]).view(-1, 3, 32, 32).permute(0, 2, 3, 1)
    assert torch.equal(train.pixels[20_000:30_000], expected)
    assert train.labels[20_000:30_000].tolist() == batch[b"labels"]


def test_a_batch_is_pixels_less_the_mean(cifar_root: Path) -> None:
    images = load("cifar10", cifar_root).first(1_000)
    mean = images.pixels.numpy().astype(np.float64).mean(0)
    np.testing.assert_allclose(images.mean().numpy(), mean, rtol=1e-6)
    chosen = torch.tensor([3, 999, 3])
    inputs, labels = Batches(images, images.mean()).gather(chosen)
    expected = (images.pixels.numpy()[chosen] - mean).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(inputs.numpy(), expected, atol=1e-4)
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert labels.tolist() == images.labels[chosen].tolist()


@pytest.fixture
def copy(cifar_root: Path, tmp_path: Path) -> Path:
    """A folder with links to the real files, any of which a test may replace."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for path in cifar_root.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
def test_a_cut_file_is_named(copy: Path, name: str) -> None:
    path = copy / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=rf"{name} is damaged.*official MD5.*data fetch"):
        load("cifar10", copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "data_batch_5").unlink()
    with pytest.raises(DataError, match=r"data_batch_5 is missing; .*data fetch"):
        cifar10.verify(copy)


def test_one_wrong_byte_is_found(copy: Path) -> None:
    path = copy / "batches.meta"
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"batches\.meta is damaged"):
        cifar10.verify(copy)


def test_the_search_path_is_in_order(tmp_path: Path) -> None:
    named, variable = tmp_path / "named", tmp_path / "variable"
    for root in (named, variable):
        (root / "cifar-10-batches-py").mkdir(parents=True)
    environ = {"REPRO_DATA": str(variable)}
    assert sources.find("cifar10", named, environ) == sources.Source(
        named / "cifar-10-batches-py",
        DataIdentity("cifar10", Form.FILES, "c58f30108f718f92721af3b95e74349a"),
    )
    found = sources.find("cifar10", None, environ)
    assert found is not None
    assert found.place == variable / "cifar-10-batches-py"
    shutil.rmtree(named / "cifar-10-batches-py")
    fallen_back = sources.find("cifar10", named, environ)
    assert fallen_back is not None
    assert fallen_back.place == variable / "cifar-10-batches-py"


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPRO_DATA", raising=False)
    message = str(sources.missing("cifar10", tmp_path))
    assert str(tmp_path / "cifar-10-batches-py") in message
    assert "data fetch" in message
    with pytest.raises(BadValue, match="is not a folder"):
        sources.search_path(tmp_path / "nowhere")
    with pytest.raises(UnknownName, match=r"unknown data set 'cifar'.*cifar10"):
        sources.find("cifar", None)


def test_the_stand_in_has_ten_balanced_learnable_classes() -> None:
    train, test = load("cifar10", None), load("cifar10", None, train=False)
    assert sources.stand_in("cifar10").identity.stand_in
    assert train.labels.bincount().tolist() == [1_000] * 10
    assert train.pixels.dtype == torch.uint8
    # Nearest class mean of the magnitude spectrum: a classifier that no phase or noise can mislead.
    spectra = [_spectrum(images) for images in (train, test)]
    centres = torch.stack([spectra[0][train.labels == c].mean(0) for c in range(10)])
    guessed = torch.cdist(spectra[1], centres).argmin(1)
    assert (guessed == test.labels).float().mean() > 0.8
    assert torch.equal(train.pixels, load.__wrapped__("cifar10", None).pixels)


def _spectrum(images: Images) -> torch.Tensor:
    pixels = images.pixels.float() - images.mean()
    return torch.fft.rfft2(pixels, dim=(1, 2)).abs().flatten(1)


def test_subsets_and_crops() -> None:
    images = load("cifar10", None)
    part = images.first(100)
    assert len(part) == 100
    assert torch.equal(part.pixels, images.first(100).pixels)
    assert part.labels.unique().numel() == 10
    assert torch.equal(images.centre(24).pixels[0], images.pixels[0, 4:28, 4:28])
    assert images.centre(None) is images
    with pytest.raises(ValueError, match="20000 images asked for"):
        images.first(20_000)
