"""From a source to a pack: every native photograph, the official archives, what goes wrong, the command."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from harness.cli.terminal.progress import Lines
from harness.contract.errors import BadValue, DataError, UnknownName
from harness.data import datasets, photographs
from harness.data.augmentation import Views
from harness.data.packing import ilsvrc, meta_table, pack, pieces, prepare, writer
from harness.data.packing.archives import Location
from harness.data.views import Augmentation, ten
from tests.data.test_photographs import by_hand
from tests.fakes.photographs import (
    NUMBERS,
    WNIDS,
    archives,
    contents,
    folders,
    jpeg,
    meta,
    native,
    shared,
    tar,
    truth,
)

REPRO = Path(__file__).resolve().parents[3] / "repro.py"
SPLITS = {"train": 3, "val": 2}


@pytest.fixture(autouse=True)
def _few_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads in place of processes, and three classes."""
    monkeypatch.setattr(writer, "_pool", ThreadPoolExecutor)
    for name in ilsvrc.CLASSES:
        monkeypatch.setitem(ilsvrc.CLASSES, name, 3)


def run(dataset: str, source: Path, out: Path, workers: int | None = 1) -> tuple[Path | None, str]:
    text = StringIO()
    return prepare.prepare(dataset, source, out, workers, Lines(Console(file=text))), text.getvalue()


@pytest.mark.usefixtures("_few_classes")
def test_every_native_photograph_is_packed_as_computed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crops, mean image and colour components against Pillow and NumPy in float64; then ten views."""
    files = native()
    monkeypatch.setitem(ilsvrc.CLASSES, "imagenet", len(files))
    for split in ("train", "val"):
        for file in files:
            folder = tmp_path / "source" / split / file.name.partition("_")[0]
            folder.mkdir(parents=True)
            (folder / file.name).symlink_to(file)
    target, text = run("imagenet", tmp_path / "source", tmp_path)
    assert target == tmp_path / "imagenet.pack"
    assert f"train has {len(files)} images; the official split has 1,281,167" in text
    found = datasets.load("imagenet", target)
    expected = np.stack([by_hand(Image.open(file)) for file in files])
    assert np.array_equal(found.pixels.numpy(), expected)
    assert found.labels.tolist() == list(range(len(files)))
    assert [Path(name).name for name in pack.Pack(target).names("train")] == [file.name for file in files]

    mean, basis = datasets.mean_and_basis("imagenet", target)
    assert np.array_equal(mean.numpy(), expected.mean(0, dtype=np.float64).astype(np.float32))
    flat = expected.reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(flat, rowvar=False, bias=True))
    np.testing.assert_allclose(basis.values.numpy(), values[::-1], rtol=1e-9)
    np.testing.assert_allclose(np.abs((basis.vectors.numpy() * vectors[:, ::-1]).sum(0)), 1, rtol=1e-9)

    views = Views(found.first(len(found)), mean, Augmentation())
    corners = [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]  # left, upper
    for i in range(0, len(files), 12):
        image = Image.fromarray(expected[i])
        cuts = [image.crop((x, y, x + 224, y + 224)) for x, y in corners]
        means = [mean.numpy()[y : y + 224, x : x + 224] for x, y in corners]
        upright = [np.asarray(cut, np.float32) - less for cut, less in zip(cuts, means, strict=True)]
        seen = [views.see(found.labels[i : i + 1], view)[0].permute(1, 2, 0) for view in ten(256, 256, 224)]
        for one, other in zip(seen, [*upright, *(cut[:, ::-1] for cut in upright)], strict=True):
            assert np.array_equal(one.numpy(), other)


# Layouts


@pytest.mark.parametrize("year", [2012, 2010])
def test_archives_and_folders_give_the_same_pack(year: int, tmp_path: Path) -> None:
    dataset = {2012: "imagenet", 2010: "imagenet-2010"}[year]
    files = contents(SPLITS | ({"test": 4} if year == 2010 else {}))
    made = {
        "folders": folders(tmp_path / "folders", files),
        "archives": archives(tmp_path / "archives", files, year),
    }
    packs = {}
    for name, source in made.items():
        target, _ = run(dataset, source, tmp_path / name)
        assert target is not None
        packs[name] = pack.Pack(target)
    one, other = packs.values()
    assert one.index == other.index
    assert np.array_equal(one.pixels("val"), other.pixels("val"))
    for split, classes in files.items():
        expected = [f"{wnid}/{name}" for wnid in WNIDS for name in sorted(classes[wnid])]
        assert other.names(split) == expected
        assert [WNIDS[i] for i in other.labels(split)] == [name.split("/")[0] for name in expected]
        first = photographs.decode(made["folders"] / split / expected[0])
        assert np.array_equal(other.pixels(split)[0], first)
    assert list(other.index.splits) == list(files)


def test_a_kit_may_be_unpacked_and_caffe_s_lists_do_without_one(tmp_path: Path) -> None:
    files = contents(SPLITS)
    source = archives(tmp_path / "source", files)
    expected = ilsvrc.survey("imagenet", source)
    kit = next(source.glob("*devkit*.tar.gz"))
    shutil.unpack_archive(kit, source, filter="data")
    kit.unlink()
    (source / "devkit").rename(source / "ILSVRC2012_devkit_t12")
    assert ilsvrc.survey("imagenet", source) == expected
    shutil.rmtree(source / "ILSVRC2012_devkit_t12")
    (source / "synset_words.txt").write_text("".join(f"{wnid} a, b\n" for wnid in WNIDS))
    lines = [f"{name} {WNIDS.index(wnid)}\n" for wnid, named in files["val"].items() for name in named]
    (source / "val.txt").write_text("".join(lines))
    assert ilsvrc.survey("imagenet", source) == expected
    (source / "val").mkdir()  # the archive's files, unpacked as they are
    for named in files["val"].values():
        for name, content in named.items():
            (source / "val" / name).write_bytes(content)
    found = ilsvrc.survey("imagenet", source)
    assert found.names("val") == expected.names("val")
    assert found.splits["val"][1] == expected.splits["val"][1]


def test_patch_images_replace_those_that_they_mend(tmp_path: Path) -> None:
    """Some images of ILSVRC-2010 are blank; a separate archive replaces them."""
    source = archives(tmp_path, contents(SPLITS), 2010)
    content = jpeg(99)
    name = f"{WNIDS[1]}_4.JPEG"
    (source / "patch_images.tar").write_bytes(tar({f"patch/train/{name}": content, "patch/val/a.JPEG": b""}))
    places, _ = ilsvrc.survey("imagenet-2010", source).splits["train"]
    patched = [place for place in places if Path(place.path).name == "patch_images.tar"]
    assert [place.name for place in patched] == [name]
    opened = patched[0].open()
    assert not isinstance(opened, Path)
    assert opened.read() == content


def test_unlabelled_test_images_are_not_looked_at(tmp_path: Path) -> None:
    """ILSVRC-2012's official ones have no labels, and nothing needs them."""
    source = archives(tmp_path / "source", contents(SPLITS))
    (source / "ILSVRC2012_img_test.tar").write_bytes(tar({"test/ILSVRC2012_test_00000001.JPEG": jpeg(1)}))
    (source / "test").mkdir()
    (source / "test" / "ILSVRC2012_test_00000001.JPEG").write_bytes(jpeg(1))
    target, _ = run("imagenet", source, tmp_path)
    assert target is not None
    assert list(pack.Pack(target).index.splits) == ["train", "val"]


def test_each_year_s_files_are_taken_for_its_own_data_set(tmp_path: Path) -> None:
    both, years = tmp_path / "both", {2010: "imagenet-2010", 2012: "imagenet"}
    files = {2010: contents(SPLITS | {"test": 2}), 2012: contents({"train": 5, "val": 1})}
    for year, dataset in years.items():
        alone = ilsvrc.survey(dataset, archives(tmp_path / dataset, files[year], year))
        archives(both, files[year], year)
        if year == 2010:
            (both / "patch_images.tar").write_bytes(tar({f"train/{WNIDS[0]}_0.JPEG": jpeg(9)}))
        unpacked = both / f"ILSVRC{year}_devkit"
        shutil.unpack_archive(next(both.glob(f"ILSVRC{year}_devkit*.tar.gz")), unpacked, filter="data")
        (unpacked / "devkit" / "data").rename(unpacked / "data")
        found = ilsvrc.survey(dataset, both)
        assert {split: found.names(split) for split in found.splits} == {
            split: alone.names(split) for split in alone.splits
        }
        archived = {Path(place.path).name for places, _ in found.splits.values() for place in places}
        assert archived == {Path(p.path).name for places, _ in alone.splits.values() for p in places} | (
            {"patch_images.tar"} if year == 2010 else set()
        )


def test_what_an_archiver_hides_is_no_image_and_no_list(tmp_path: Path) -> None:
    """On macOS, `tar` puts a file `._<name>` of other content beside every file."""
    files = contents(SPLITS)
    expected = ilsvrc.survey("imagenet", archives(tmp_path / "plain", files))
    source = archives(tmp_path / "source", {
        split: {wnid: {f"._{name}": b"" for name in named} | named for wnid, named in classes.items()}
        for split, classes in files.items()
    })  # fmt: skip
    for path in list(source.iterdir()):
        (source / f"._{path.name}").write_bytes(b"Mac OS X")
    members = {"devkit/data/._meta.mat": b"Mac OS X", "devkit/data/meta.mat": meta(2012, NUMBERS)}
    truth = "devkit/data/ILSVRC2012_validation_ground_truth.txt"
    kit = next(source.glob("ILSVRC2012_devkit*"))
    with tarfile.open(next((tmp_path / "plain").glob("*devkit*"))) as archive:
        members[truth] = archive.extractfile(truth).read()  # type: ignore[union-attr]
    kit.write_bytes(tar(members, compressed=True))
    (source / "val" / ".thumbnails").mkdir(parents=True)  # and an empty folder beside its archive
    found = ilsvrc.survey("imagenet", source)
    assert [found.names(split) for split in found.splits] == [expected.names(s) for s in expected.splits]
    assert found.splits["val"][1] == expected.splits["val"][1]


def test_the_shared_lists_agree_on_all_validation_labels(tmp_path: Path) -> None:
    """Caffe's labels, and the kit's numbers turned into classes by a `meta.mat` with the same numbering."""
    lists = shared("ilsvrc")
    words = [line.split()[0] for line in (lists / "synset_words.txt").read_text().splitlines()]
    assert words == sorted(words)
    pairs = [line.split() for line in (lists / "val.txt").read_text().splitlines()]
    ids = (lists / "ILSVRC2012_validation_ground_truth.derived.txt").read_text().split()
    numbers = {int(i): words[int(label)] for i, (_, label) in zip(ids, pairs, strict=True)}
    assert len(numbers) == len(words) == 1000
    for name in ("kit", "caffe"):
        (tmp_path / name).mkdir()
    (tmp_path / "kit" / "meta.mat").write_bytes(meta(2012, dict(sorted(numbers.items()))))
    (tmp_path / "kit" / "ILSVRC2012_validation_ground_truth.txt").write_text("\n".join(ids))
    for name in ("val.txt", "synset_words.txt"):
        shutil.copy(lists / name, tmp_path / "caffe" / name)
    places = [Location("", name) for name, _ in pairs]
    by_kit, by_caffe = (ilsvrc.truth(tmp_path / name, "val", places, words) for name in ("kit", "caffe"))
    assert by_kit == by_caffe == [words[int(label)] for _, label in pairs]


# What goes wrong


def without(path: str) -> Callable[[Path], None]:
    return lambda source: shutil.rmtree(source / path)


def more_labels(source: Path) -> None:
    (source / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n" * 7)


def label_outside(source: Path) -> None:
    (source / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n2\n4\n1\n2\n3\n")


def caffe_outside(source: Path) -> None:
    names = [f"ILSVRC2012_val_{i:08}.JPEG" for i in range(1, 7)]
    (source / "val.txt").write_text("".join(f"{name} {i}\n" for i, name in enumerate(names)))


def caffe_short(source: Path) -> None:
    (source / "val.txt").write_text("ILSVRC2012_val_00000002.JPEG 1\n")


def cut_archive(source: Path) -> None:
    archive = source / "ILSVRC2012_img_train.tar"
    archive.write_bytes(archive.read_bytes()[:20_000])


def cut_inner(source: Path) -> None:
    files = contents(SPLITS)["train"]
    inner = {f"{wnid}.tar": tar(named)[: 4000 if wnid == WNIDS[1] else None] for wnid, named in files.items()}
    (source / "ILSVRC2012_img_train.tar").write_bytes(tar(inner))


def one_class_less(source: Path) -> None:
    inner = {f"{wnid}.tar": tar(named) for wnid, named in contents(SPLITS)["train"].items()}
    inner.pop(f"{WNIDS[2]}.tar")
    (source / "ILSVRC2012_img_train.tar").write_bytes(tar(inner))


def no_kit(source: Path) -> None:
    next(source.glob("*devkit*")).unlink()


def bad_kit(source: Path) -> None:
    no_kit(source)
    (source / "meta.mat").write_bytes(b"no table")


def extra_class(source: Path) -> None:
    (source / "val" / "n09999999").mkdir()


def empty_class(source: Path) -> None:
    shutil.rmtree(source / "train" / WNIDS[0])
    (source / "train" / WNIDS[0]).mkdir()


def kit(content: bytes) -> Callable[[Path], None]:
    return lambda source: next(source.glob("*devkit*")).write_bytes(content) and None


NO_BLOCK = b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 100  # a gzip header, followed by no valid block


def kit_bomb(source: Path) -> None:
    """A kilobyte that claims to unpack to a terabyte."""
    member = tarfile.TarInfo("devkit/data/large")
    member.size = 1 << 40
    next(source.glob("*devkit*")).write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT)))


def truth_no_text(source: Path) -> None:
    (source / "ILSVRC2012_validation_ground_truth.txt").write_bytes(b"1\n\xff\n")


def list_pipe(source: Path) -> None:
    (source / "val.txt").mkdir()
    os.mkfifo(source / "ILSVRC2012_devkit_a.tar.gz")
    os.mkfifo(source / "a_train.tar")
    truth_no_text(source)


def giant_list(source: Path) -> None:
    (source / "val.txt").touch()
    os.truncate(source / "val.txt", 1 << 40)


def giant_member(source: Path) -> None:
    """An image that claims to have exabytes, in an otherwise intact archive."""
    member = tarfile.TarInfo(f"{WNIDS[0]}_0.JPEG")
    member.size = 1 << 60
    inner = {f"{wnid}.tar": tar(named) for wnid, named in contents(SPLITS)["train"].items()}
    inner[f"{WNIDS[0]}.tar"] = member.tobuf(tarfile.GNU_FORMAT) + bytes(512)
    (source / "ILSVRC2012_img_train.tar").write_bytes(tar(inner))


def other_year(pattern: str) -> Callable[[Path], None]:
    def rename(source: Path) -> None:
        for path in list(source.glob(pattern)):
            path.rename(path.with_name(path.name.replace("2012", "2010")))

    return rename


def empty_val(source: Path) -> None:
    for file in source.glob("val/*/*"):
        file.unlink()


def hidden_name(source: Path) -> None:
    inner = {f"{wnid}.tar": tar(named) for wnid, named in contents(SPLITS)["train"].items()}
    inner[f"{WNIDS[0]}.tar"] = tar({"a\x1b[2J.JPEG": jpeg(0)})
    (source / "ILSVRC2012_img_train.tar").write_bytes(tar(inner))


@pytest.mark.parametrize(
    ("layout", "harm", "sentence"),
    [
        (
            archives,
            kit(b"no archive at all"),
            r"devkit_t12\.tar\.gz is no whole archive .*; download it again",
        ),
        (archives, kit(b""), r"devkit_t12\.tar\.gz is no whole archive"),
        (archives, kit(NO_BLOCK), r"devkit_t12\.tar\.gz is no whole archive .*; download"),
        (archives, kit_bomb, r"devkit_t12\.tar\.gz is no whole archive \(it unpacks to too much\); download"),
        (archives, truth_no_text, r"validation_ground_truth\.txt in .* is no text; get it again"),
        (archives, list_pipe, r"validation_ground_truth\.txt in .* is no text; get it again"),
        (
            archives,
            giant_list,
            r"val\.txt cannot be read: it has .* bytes, but at most .* read; get",
        ),
        (archives, giant_member, r"images cannot be read|is no whole archive"),
        (archives, hidden_name, r"train\.tar has the name 'a\\\\u001b\[2J\.JPEG', with .*; rename that file"),
        (folders, without(f"train/{WNIDS[1]}"), r"train has 2 classes where imagenet has 3; complete it"),
        (
            folders,
            without(f"val/{WNIDS[1]}"),
            rf"class {WNIDS[1]} is missing from .*val \(1 in all\); unpack",
        ),
        (folders, extra_class, r"val has class n09999999, which is not in the class list; remove it"),
        (folders, empty_class, rf"class {WNIDS[0]} has no images in .*train; unpack it again"),
        (folders, without("train"), r"has no training images: neither folders train/<class>/ nor an archive"),
        (folders, without("val"), r"has no validation images: neither a folder val/ nor an archive"),
        (archives, one_class_less, rf"class {WNIDS[2]} is missing from .*train \(1 in all\); unpack"),
        (archives, more_labels, r"validation_ground_truth\.txt has 7 labels for 6 val images"),
        (archives, label_outside, r"truth\.txt, line 3: label 4 is outside the list of 3 classes; get"),
        (
            archives,
            caffe_outside,
            r"val\.txt, ILSVRC2012_val_00000004\.JPEG: label 3 is outside the list of 3",
        ),
        (archives, caffe_short, r"val\.txt has no label for ILSVRC2012_val_00000001\.JPEG; get the list"),
        (
            archives,
            no_kit,
            r"val images in .* have no labels: validation_ground_truth\.txt is missing; put the",
        ),
        (archives, bad_kit, r"meta\.mat in .* cannot be read .*; get the kit again"),
        (
            archives,
            cut_archive,
            r"img_train\.tar is no whole archive \(unexpected end of data\); download it",
        ),
        (
            archives,
            other_year("*_train.tar"),
            r"ILSVRC2010_img_train\.tar is of another year than ILSVRC-2012; name the folder of ILSVRC-2012",
        ),
        (
            archives,
            other_year("*devkit*"),
            r"is missing \(ILSVRC2010_devkit_t12\.tar\.gz is of another year\); put .* \(ILSVRC2012_devkit",
        ),
        (
            folders,
            empty_val,
            r"source has no val images, only empty folders or an empty archive; get them again",
        ),
        (archives, cut_inner, rf"{WNIDS[1]}\.tar in .*img_train\.tar is no whole archive .*; download"),
    ],
)
def test_a_bad_source_is_refused_in_a_sentence(
    layout: Callable[..., Path], harm: Callable[[Path], None], sentence: str, tmp_path: Path
) -> None:
    source = layout(tmp_path / "source", contents(SPLITS))
    harm(source)
    with pytest.raises(DataError, match=sentence) as error:
        run("imagenet", source, tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "imagenet.pack").exists()


@pytest.mark.usefixtures("_few_classes")
def test_images_to_test_on_must_be_there(tmp_path: Path) -> None:
    source = folders(tmp_path / "source", contents(SPLITS))
    with pytest.raises(DataError, match="no test images found, on which errors on ILSVRC-2010 are counted"):
        run("imagenet-2010", source, tmp_path)


def test_the_labels_of_test_images_are_a_download_of_their_own(tmp_path: Path) -> None:
    source = archives(tmp_path, contents(SPLITS | {"test": 2}), 2010)
    val = contents(SPLITS | {"test": 2})["val"]
    kit = {"data/meta.mat": meta(2010, NUMBERS)}
    kit["data/ILSVRC2010_validation_ground_truth.txt"] = truth(val).encode()
    next(source.glob("*devkit*")).write_bytes(tar(kit, compressed=True))
    message = (
        r"test images in .* labels: test_ground_truth\.txt is missing; put ILSVRC2010_test_ground_truth\.txt"
    )
    with pytest.raises(DataError, match=message):
        run("imagenet-2010", source, tmp_path)


def test_an_archive_that_may_not_be_read_is_not_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = archives(tmp_path / "source", contents(SPLITS))

    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(tarfile, "open", refuse)
    with pytest.raises(DataError, match=r"train\.tar cannot be read: Permission denied; make it readable$"):
        run("imagenet", source, tmp_path)


def test_a_source_that_cannot_be_read_is_not_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = archives(tmp_path / "source", contents(SPLITS))
    reserve = writer._reserve

    def unplugged(*given: object) -> None:
        reserve(*given)  # type: ignore[arg-type]
        (source / "ILSVRC2012_img_val.tar").unlink()

    monkeypatch.setattr(writer, "_reserve", unplugged)
    message = (
        r"6 images cannot be read.*_val_00000001\.JPEG in .*_val\.tar cannot be read: No such file or dir"
    )
    with pytest.raises(DataError, match=message):
        run("imagenet", source, tmp_path)


def test_an_image_that_needs_too_much_memory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 65,000 × 1 pixels would be scaled to 12 GB."""
    decode = photographs.decode

    def limited(file: Path, name: str) -> np.ndarray:
        if name.endswith("_1.JPEG"):
            raise MemoryError
        return decode(file, name)

    monkeypatch.setattr(photographs, "decode", limited)
    message = r"1 images cannot be read.*n02102040_1\.JPEG needs more memory to decode than there is; get it"
    with pytest.raises(DataError, match=message):
        run("imagenet", folders(tmp_path / "source", contents(SPLITS)), tmp_path)


def test_advice_about_a_pack_that_is_there_goes_in_no_circle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`data prepare` does not advise to run `data prepare`, and a permission is no damage."""
    source = folders(tmp_path / "source", contents(SPLITS))
    target, _ = run("imagenet", source, tmp_path)
    assert target is not None
    target.rename(tmp_path / "imagenet-2010.pack")
    with pytest.raises(
        DataError, match=r"is a pack of imagenet, not of imagenet-2010; rename it to imagenet\.p"
    ):
        run("imagenet-2010", source, tmp_path)
    (tmp_path / "imagenet-2010.pack").rename(target)
    os.truncate(target / "train.pixels", 1000)
    with pytest.raises(
        DataError, match=r"imagenet\.pack is there but unusable: delete it first, or copy it again"
    ):
        run("imagenet", source, tmp_path)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("harness.records.files.read", refuse)
    with pytest.raises(DataError, match=r"index\.json cannot be read: Permission denied; make it readable$"):
        run("imagenet", source, tmp_path)


def test_a_full_disk_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail, f_frsize = 1000, 4096

    monkeypatch.setattr(writer.os, "statvfs", lambda folder: Full)
    files = {split: {wnid: dict.fromkeys(named, b"") for wnid, named in classes.items()}
             for split, classes in contents({"train": 9, "val": 2}).items()}  # fmt: skip
    with pytest.raises(DataError, match=r"has room for 0\.0 GB, the pack needs 0\.0 GB more; free some, or"):
        run("imagenette", folders(tmp_path / "source", files), tmp_path)


def test_a_disk_that_fills_on_the_way_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folders(tmp_path / "source", contents(SPLITS))
    monkeypatch.setattr(pack, "PIECE", 4)

    def full(task: pieces.Task) -> pieces.Piece:
        if task.number == 1:
            raise OSError(28, "No space left on device")
        return pieces.pack(task)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "pack", full)
        message = (
            r"imagenette\.pack\.part cannot be written: No space left on device; fix that .*what is packed"
        )
        with pytest.raises(DataError, match=message):
            run("imagenette", source, tmp_path)
    target, text = run("imagenette", source, tmp_path)
    assert re.search("train: [45] of 9 images are already packed", text)
    assert target is not None
    assert len(pack.verify(pack.Pack(target))) == 7


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folders(tmp_path / "source", contents(SPLITS))
    with monkeypatch.context() as patch:
        patch.setattr(writer, "wait", _interrupt)
        target, text = run("imagenette", source, tmp_path)
    assert target is None
    assert "Stopped: run the same command again" in text
    assert run("imagenette", source, tmp_path)[0] is not None
    assert "already exists: imagenette (pack, " in run("imagenette", source, tmp_path)[1]


def _interrupt(*futures: object, **options: object) -> None:
    raise KeyboardInterrupt


def test_options_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="nearest: imagenet"):
        run("imagnet", tmp_path, tmp_path)
    with pytest.raises(BadValue, match="--workers 0 must be at least 1"):
        run("imagenet", tmp_path, tmp_path, 0)
    with pytest.raises(BadValue, match=r"--source .*nowhere is not a folder; name the one"):
        run("imagenet", tmp_path / "nowhere", tmp_path)
    (tmp_path / "imagenette2-320.tgz").write_bytes(b"")
    with pytest.raises(BadValue, match=r"must be unpacked first: tar xzf"):
        run("imagenette", tmp_path, tmp_path)
    (tmp_path / "imagenet.pack").mkdir()
    with pytest.raises(DataError, match="is no pack; make one"):
        run("imagenet", tmp_path, tmp_path)


def test_the_command_packs_and_verifies_in_processes(tmp_path: Path) -> None:
    files = contents({"train": 1, "val": 1})
    for classes in files.values():
        classes.update({f"n0000000{i}": {"a.JPEG": jpeg(i)} for i in range(7)})
    source = folders(tmp_path / "imagenette2", files).parent

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(REPRO), "data", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    made = call("prepare", "imagenette", "--source", source, "--out", tmp_path, "--workers", 2)
    assert made.returncode == 0, made.stderr
    assert "imagenette.pack is ready: imagenette (pack, " in made.stdout
    checked = call("verify", "imagenette", "--data-dir", tmp_path)
    assert checked.stdout.count("ok  ") == 7
    with (tmp_path / "imagenette.pack" / "val.pixels").open("rb+") as file:
        file.write(b"x")
    broken = call("verify", "imagenette", "--data-dir", tmp_path)
    assert broken.returncode == 2
    assert "val.pixels is damaged: images 0 to 9 does not have the SHA-256" in broken.stderr
    assert "Traceback" not in broken.stderr


@pytest.mark.parametrize(
    ("program", "said"),
    [("import os; os.abort()", "crashes its reader"), ("import time; time.sleep(60)", "takes too long")],
)
def test_a_table_that_crashes_its_reader_crashes_nothing_else(
    program: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some damaged tables do crash it: SciPy reads them with unsafe code."""
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(meta_table, "__file__", str(tmp_path / "program.py"))
    monkeypatch.setattr(meta_table, "SECONDS", 0.5)
    (tmp_path / "meta.mat").write_bytes(program.encode())
    with pytest.raises(DataError, match=rf"meta\.mat in .* cannot be read \(.*{said}\); get the kit again"):
        ilsvrc._numbers(tmp_path)


def test_numbers_are_the_kit_s_own() -> None:
    assert list(NUMBERS.values()) != sorted(NUMBERS.values())
