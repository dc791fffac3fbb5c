"""Decoding against torchvision's transforms and by hand, odd and broken files, listings."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from harness.contract.errors import DataError
from harness.data import datasets, fingerprint, photographs, sources
from harness.records.conditions import DataIdentity
from tests.fakes.photographs import contents, folders, jpeg, native, shared


def by_hand(image: Image.Image) -> np.ndarray:
    """Shorter side to 256 by Pillow's bilinear filter, then the middle 256 × 256."""
    image = image.convert("RGB")
    width, height = image.size
    size = (256, int(256 * height / width)) if width < height else (int(256 * width / height), 256)
    pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    top, left = (round((length - 256) / 2) for length in pixels.shape[:2])
    return pixels[top : top + 256, left : left + 256]


def test_every_native_photograph_is_torchvision_s_and_by_hand_s() -> None:
    """All available kinds: grey, CMYK, PNG under another name, very small, very wide."""
    transform = v2.Compose([v2.Resize(256), v2.CenterCrop(256)])
    kinds = set()
    for file in native():
        with Image.open(file) as image:
            kinds.add(image.mode)
            pixels = photographs.decode(file)
            assert pixels.shape == (256, 256, 3)
            assert pixels.dtype == np.uint8
            assert np.array_equal(pixels, np.asarray(transform(image.convert("RGB"))))
            assert np.array_equal(pixels, by_hand(image))
    assert {"L", "RGB"} <= kinds


@pytest.mark.parametrize(
    "size", [(256, 256), (500, 375), (333, 500), (257, 256), (31, 17), (600, 20), (1, 1)]
)
@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK", "P", "RGBA", "1", "LA"])
def test_every_shape_and_colour_becomes_a_square(size: tuple[int, int], kind: str) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    image = Image.fromarray(colours).convert("RGBA" if kind == "LA" else kind).convert(kind)
    made = io.BytesIO()
    image.save(made, "JPEG" if kind == "CMYK" else "PNG")
    with Image.open(io.BytesIO(made.getvalue())) as stored:
        expected = by_hand(stored)
    assert np.array_equal(photographs.decode(io.BytesIO(made.getvalue())), expected)


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    file = tmp_path / "n02105855_2933.JPEG"
    Image.new("RGB", (300, 280), (10, 20, 30)).save(file, "PNG")
    assert (photographs.decode(file) == [10, 20, 30]).all()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no image"),
        (b"<html>not found</html>", "it is no image"),
        (jpeg(0)[: len(jpeg(0)) // 2], "truncated"),
        (jpeg(0)[:20], ""),
    ],
    ids=["empty", "html", "half", "head"],
)
def test_damaged_files_are_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.JPEG"
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"broken\.JPEG is no whole image \(.*{reason}.*\); get it again"):
        photographs.decode(file)


def test_a_png_cut_short_is_refused() -> None:
    made = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(made, "PNG")
    with pytest.raises(DataError, match="some name is no whole image"):
        photographs.decode(io.BytesIO(made.getvalue()[:-2000]), "some name")


def test_listings_are_sorted_and_hold_images_alone(tmp_path: Path) -> None:
    root = folders(tmp_path, contents({"train": 2, "val": 1}))
    first = root / "train" / "n01440764"
    for stray in ("._n01440764_0.JPEG", "Thumbs.db", "readme.txt"):
        (first / stray).write_bytes(b"")
    (root / "train" / ".hidden").mkdir()
    found = photographs.listing(root, "train")
    assert found.classes == ("n01440764", "n02102040", "n02979186")
    assert found.labels == (0, 0, 1, 1, 2, 2)
    names = ["n01440764_0.JPEG", "n01440764_3.JPEG", "n02102040_1.JPEG", "n02102040_4.JPEG"]
    assert [file.name for file in found.files[:4]] == names
    for file in photographs.image_files(first):
        file.unlink()
    with pytest.raises(DataError, match="n01440764 has no images"):
        photographs.listing(root, "train")
    with pytest.raises(DataError, match=r"test is missing; the layout is <split>/<class>/<image>"):
        photographs.listing(root, "test")


def imagenette(root: Path) -> Path:
    """A data folder with a tiny imagenette."""
    folders(root / "imagenette2-160", contents({"train": 2, "val": 1}))
    return root


def test_a_folder_of_photographs_is_found_and_loaded(tmp_path: Path) -> None:
    root = imagenette(tmp_path)
    source = sources.find("imagenette", root, {})
    assert source is not None
    place = root / "imagenette2-160"
    assert source.place == place
    train, val = (datasets.load("imagenette", place, train) for train in (True, False))
    assert datasets.load("imagenette", place, True) is train
    assert train.pixels.shape == (6, 256, 256, 3)
    assert train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert val.labels.tolist() == [0, 1, 2]
    files = photographs.listing(root / "imagenette2-160", "train").files
    assert np.array_equal(train.pixels[4].numpy(), photographs.decode(files[4]))
    mean, basis = datasets.mean_and_basis("imagenette", place)
    assert torch.equal(mean, train.mean())
    assert basis.values.shape == (3,)
    assert datasets.class_names("imagenette", place) == ("n01440764", "n02102040", "n02979186")


def test_the_fingerprint_is_of_names_and_bytes(tmp_path: Path) -> None:
    one, other = (imagenette(tmp_path / name) for name in ("one", "other"))

    def mark(root: Path) -> DataIdentity:
        return fingerprint.of("imagenette", root / "imagenette2-160")

    assert mark(one) == mark(other)
    file = next((other / "imagenette2-160" / "val").glob("*/*"))
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    assert mark(one) != mark(other)
    content[-3] ^= 1
    file.write_bytes(content)
    assert mark(one) == mark(other)
    file.rename(file.with_name("another.JPEG"))
    assert mark(one) != mark(other)


def test_splits_of_different_classes_are_refused(tmp_path: Path) -> None:
    root = imagenette(tmp_path)
    (root / "imagenette2-160" / "val" / "n02102040").rename(root / "imagenette2-160" / "val" / "n09999999")
    with pytest.raises(DataError, match=r"imagenette2-160/val/n02102040 is missing, though"):
        datasets.load("imagenette", root / "imagenette2-160", False)


def test_what_is_missing_is_said_with_the_command_that_gets_it(tmp_path: Path) -> None:
    for name in ("imagenet", "imagenet-2010"):
        message = str(sources.missing(name, tmp_path))
        assert f"{tmp_path / name}.pack" in message
        assert f"./repro.py data prepare {name} --source" in message
    assert "imagenette2-320" in str(sources.missing("imagenette", tmp_path))


def test_without_a_root_there_is_the_stand_in() -> None:
    assert datasets.load("cifar10", None).pixels.shape == (10_000, 32, 32, 3)
    assert len(datasets.class_names("cifar10", None)) == 10


def test_the_shared_slice_is_found_quickly_again() -> None:
    root = shared("imagenette").parent
    first = sources.find("imagenette", root, {})
    assert first == sources.find("imagenette", root, {})


# Untrusted files


def eps(marker: Path) -> bytes:
    """A file with which Ghostscript, if it ran, would write the marker."""
    return (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n"
        b"(" + str(marker).encode() + b") (w) file closefile showpage\n%%EOF\n"
    )


def test_a_photograph_that_is_a_program_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*given: object, **named: object) -> None:
        raise AssertionError(f"a program was started: {given}")

    monkeypatch.setattr(subprocess, "Popen", run)
    monkeypatch.setattr(os, "system", run)
    file = tmp_path / "n01440764_1.JPEG"
    file.write_bytes(eps(tmp_path / "marker"))
    with pytest.raises(DataError, match=r"_1\.JPEG is no whole image \(it is no image\); get it"):
        photographs.decode(file)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("kind", ["GIF", "ICO", "PCX", "PDF", "TGA", "ICNS", "JPEG2000"])
def test_a_format_that_no_data_set_holds_is_not_opened(kind: str) -> None:
    made = io.BytesIO()
    Image.new("RGB", (64, 64)).save(made, kind)
    made.seek(0)
    with pytest.raises(DataError, match="it is no image"):
        photographs.decode(made, "a photograph")


@pytest.mark.parametrize("side", [12_000, 40_000])
def test_an_image_that_unpacks_to_too_much_is_refused_before_it_does(side: int) -> None:
    """A PNG of a few bytes that claims to have gigabytes of pixels."""
    made = io.BytesIO()
    Image.new("1", (8, 8)).save(made, "PNG")
    content = made.getvalue()
    header = b"IHDR" + struct.pack(">II", side, side) + content[24:29]
    bomb = content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"a photograph is no whole image \(.*pixels"):
            photographs.decode(io.BytesIO(bomb), "a photograph")
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_what_is_no_regular_file_among_photographs_is_named(tmp_path: Path) -> None:
    pipe, endless, giant = (tmp_path / f"{name}.JPEG" for name in ("pipe", "endless", "giant"))
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    giant.touch()
    os.truncate(giant, 1 << 40)
    for file, said in (
        (pipe, "not a regular file"),
        (endless, "not a regular file"),
        (giant, "bytes, but at most"),
    ):
        with pytest.raises(DataError, match=rf"{file.name} is no whole image \(.*{said}.*\); get it again"):
            photographs.decode(file)


def test_the_identity_of_a_folder_with_what_is_no_file_is_refused(tmp_path: Path) -> None:
    root = imagenette(tmp_path)
    pipe = root / "imagenette2-160" / "train" / "n01440764" / "pipe.JPEG"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=rf"{pipe} cannot be read: it is not a regular file; remove it"):
        sources.find("imagenette", root, {})
    pipe.unlink()
    pipe.symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=rf"{pipe} cannot be read: No such file"):
        sources.find("imagenette", root, {})


@pytest.mark.parametrize("name", [b"caf\xe9.JPEG", b"two\nlines.JPEG", b"\x1b[2J.JPEG", b"\xe2\x80\xae.JPEG"])
def test_a_name_that_fits_in_no_list_is_refused(name: bytes, tmp_path: Path) -> None:
    root = imagenette(tmp_path) / "imagenette2-160"
    (root / "train" / "n01440764" / os.fsdecode(name)).write_bytes(jpeg(0))
    with pytest.raises(DataError, match=r"train/n01440764 has the name .*; rename that file") as error:
        photographs.listing(root, "train")
    assert str(error.value).isprintable()
    (root / "train" / os.fsdecode(b"n\xff")).mkdir()
    with pytest.raises(DataError, match=r"train has the name .*; rename that file"):
        photographs.classes(root, "train")
