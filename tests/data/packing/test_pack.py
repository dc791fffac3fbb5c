"""Packs: what they hold, resuming after a kill, and every way in which they can be broken."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.contract.errors import DataError, UnknownName
from harness.data import datasets, sources
from harness.data.augmentation import colour_basis
from harness.data.packing import ilsvrc, pack, pieces, writer
from harness.data.packing.archives import PATCH, Location
from harness.records.conditions import DataIdentity, Form
from tests.data.packing.killed import deaf, die
from tests.fakes.photographs import contents, folders, jpeg
from tests.fakes.photographs import pack as packed

PER_CLASS = {"train": 5, "val": 2}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders(tmp_path_factory.mktemp("source"), contents(PER_CLASS))


@pytest.fixture(scope="module")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 21 images, in pieces of 4."""
    out = tmp_path_factory.mktemp("data") / "imagenette.pack"
    with pytest.MonkeyPatch.context() as patch:
        prepare_in_pieces(patch)
        writer.write(out, "imagenette", ilsvrc.survey("imagenette", source), 2)
    return out


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_in_pieces(monkeypatch)


def prepare_in_pieces(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pack, "PIECE", 4)
    patch.setattr(writer, "SAVE_EVERY", 0.0)
    patch.setitem(ilsvrc.CLASSES, "imagenette", 3)


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / made.name))


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads in place of processes, which would take longer to start than to pack this."""

    def pool(workers: int) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr(writer, "_pool", pool)


def test_a_pack_is_its_folder_s_images(made: Path, source: Path) -> None:
    files = made.parent / "raw" / "imagenette"
    shutil.copytree(source, files)
    for train in (True, False):
        raw = datasets.load("imagenette", files, train)
        packed = datasets.load("imagenette", made, train)
        assert torch.equal(raw.pixels, packed.pixels)
        assert torch.equal(raw.labels, packed.labels)
    raw, packed = (datasets.mean_and_basis("imagenette", place) for place in (files, made))
    assert torch.equal(raw[0], packed[0])
    assert torch.equal(raw[1].values, packed[1].values)
    assert torch.equal(raw[1].vectors, packed[1].vectors)
    assert torch.equal(packed[1].values, colour_basis(datasets.load("imagenette", made).pixels).values)
    assert datasets.class_names("imagenette", made) == ("n01440764", "n02102040", "n02979186")
    assert pack.Pack(made).names("val")[0] == "n01440764/ILSVRC2012_val_00000001.JPEG"


def test_a_pack_is_found_by_the_fingerprint_of_its_index(made: Path) -> None:
    source = sources.find("imagenette", made.parent, {})
    assert source is not None
    assert source.identity == DataIdentity("imagenette", Form.PACK, pack.read_index(made).fingerprint)


def test_a_pack_of_another_data_set_is_refused(made: Path, tmp_path: Path) -> None:
    (tmp_path / "imagenet.pack").symlink_to(made)
    message = r"imagenet\.pack is a pack of imagenette, not of imagenet; rename it to imagenette\.pack"
    with pytest.raises(DataError, match=message):
        sources.find("imagenet", tmp_path, {})


def refuse(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_pack_that_cannot_be_read_is_not_called_damaged(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody should delete 262 GB because of a permission."""
    with monkeypatch.context() as patch:
        for reader in ("harness.records.files.read", "harness.data.packing.pack.read"):
            patch.setattr(reader, refuse)
        with pytest.raises(
            DataError, match=r"index\.json cannot be read: Permission denied; make it readable$"
        ):
            sources.find("imagenette", made.parent, {})
    monkeypatch.setattr(Path, "is_file", refuse)  # as in a folder that may not be entered
    with pytest.raises(
        DataError, match=r"pack/index\.json cannot be read: Permission denied; make it readable$"
    ):
        sources.find("imagenette", made.parent, {})


def test_the_map_is_shared_with_the_disk(copy: Path) -> None:
    """A pack is much larger than memory: its pixels are pages of the file, not a copy."""
    pixels = pack.Pack(copy).pixels("train")
    with (copy / "train.pixels").open("rb+") as file:
        before = int(pixels[0, 0, 0, 0])
        file.write(bytes([before ^ 255]))
    assert int(pixels[0, 0, 0, 0]) == before ^ 255
    assert not pixels.flags.writeable


def test_checksums_prove_every_file(copy: Path) -> None:
    read: list[int] = []
    files = pack.verify(pack.Pack(copy), read.append)
    assert sum(read) == 21
    assert {path.name for path in files} == {p.name for p in copy.iterdir()} - {"index.json"}
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{path.name} is damaged: .* SHA-256 in the index; delete"):
            pack.verify(pack.Pack(copy))
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert pack.verify(pack.Pack(copy)) == files


def rewrite(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        index = json.loads((folder / "index.json").read_text())
        change(index)
        (folder / "index.json").write_text(json.dumps(index))

    return apply


def cut(folder: Path) -> None:
    with (folder / "val.pixels").open("rb+") as file:
        file.truncate(1000)


def endless(folder: Path) -> None:
    (folder / "index.json").unlink()
    (folder / "index.json").symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (
            rewrite(lambda index: index.update(version=7)),
            "is of pack version 7, this program reads version 1; ",
        ),
        (rewrite(lambda index: index["classes"].reverse()), "its fingerprint does not fit its content"),
        (rewrite(lambda index: index.pop("splits")), r"index\.json is damaged .*splits"),
        (rewrite(lambda index: index.update(classes=3)), r"index\.json is damaged"),
        (rewrite(lambda index: index["colours"].update(pixels=10**30)), r"index\.json is damaged"),
        (rewrite(lambda index: index["colours"].update(pixels=0)), r"index\.json is damaged"),
        (rewrite(lambda index: index["splits"]["val"].update(images=-1)), r"index\.json is damaged"),
        (rewrite(lambda index: index["splits"]["val"].update(images=512 * 512)), "images have no"),
        (
            rewrite(lambda index: index["splits"].update({"../a": index["splits"]["val"]})),
            "has a split '../a'",
        ),
        (rewrite(lambda index: index["splits"].pop("train")), "it has no training images"),
        (lambda folder: (folder / "index.json").write_text("[" * 100_000), r"index\.json is damaged"),
        (endless, r"index\.json is damaged .*it is not a regular file"),
        (lambda folder: (folder / "index.json").write_text("{"), r"index\.json is damaged"),
        (lambda folder: (folder / "index.json").unlink(), r"index\.json is missing: .* is no pack"),
        (
            lambda folder: (folder / "train.pixels").unlink(),
            r"train\.pixels is missing from the pack; prepare",
        ),
        (lambda folder: (folder / "mean.npy").unlink(), r"mean\.npy is missing from the pack; prepare"),
        (cut, r"val\.pixels is damaged: it has 1000 bytes, not 1179648; prepare it again with './repro\.py"),
    ],
)
def test_a_broken_pack_is_refused_in_a_sentence(
    copy: Path, harm: Callable[[Path], None], sentence: str
) -> None:
    harm(copy)
    with pytest.raises(DataError, match=sentence) as error:
        pack.Pack(copy)
    assert "\n" not in str(error.value)


ARRAYS = [
    np.zeros(3, np.float64), np.zeros((6, 1), np.int64), np.full(6, 3), np.full(6, -1), np.zeros(7, np.int64),
]  # fmt: skip


@pytest.mark.parametrize("labels", [*ARRAYS, np.array([{}] * 6, object)], ids=str)
def test_labels_that_are_none_of_the_images_are_refused(copy: Path, labels: np.ndarray) -> None:
    np.save(copy / "val.labels.npy", labels)
    with pytest.raises(DataError, match=r"val\.labels\.npy is damaged: .*; delete"):
        pack.Pack(copy).labels("val")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no array", bytes(1000)])
def test_a_mean_image_that_is_none_is_refused(copy: Path, content: bytes) -> None:
    (copy / "mean.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"mean\.npy is damaged: .*; delete"):
        pack.Pack(copy).mean()


def test_a_split_that_is_not_there_is_said(made: Path) -> None:
    with pytest.raises(DataError, match="has no split 'test'; it has train, val"):
        datasets.split(made, "test")


def equal(one: Path, other: Path) -> bool:
    names = [sorted(p.name for p in folder.iterdir()) for folder in (one, other)]
    return names[0] == names[1] and all((one / n).read_bytes() == (other / n).read_bytes() for n in names[0])


KILLED = """
    import sys, time
    from pathlib import Path
    from harness.data.packing import ilsvrc, pack, writer

    def save(self, whole=writer.State.save):
        whole(self)
        if self.done.sum() >= 2:
            print("two pieces are safe", flush=True)
            time.sleep(60)

    if __name__ == "__main__":
        pack.PIECE, writer.SAVE_EVERY, writer.State.save = 4, 0.0, save
        ilsvrc.CLASSES["imagenette"] = 3
        found = ilsvrc.survey("imagenette", Path(sys.argv[1]))
        writer.write(Path(sys.argv[2]), "imagenette", found, 1)
"""


@pytest.mark.usefixtures("threads")
def test_killed_and_started_again_it_goes_on(source: Path, made: Path, tmp_path: Path) -> None:
    script, target = tmp_path / "killed.py", tmp_path / "imagenette.pack"
    script.write_text(textwrap.dedent(KILLED))
    command = [sys.executable, str(script), str(source), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "safe" in process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    with pytest.raises(DataError, match="is no pack"):
        pack.Pack(writer.part_of(target))
    told: list[tuple[str, int]] = []
    writer.write(target, "imagenette", ilsvrc.survey("imagenette", source), 1, lambda *t: told.append(t))
    assert told[0] == ("train", 8)
    assert sum(images for _, images in told) == 21
    assert equal(target, made)
    assert not writer.part_of(target).exists()


@pytest.mark.usefixtures("threads")
def test_an_interrupted_run_loses_nothing(
    source: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work in progress when Ctrl-C comes is waited for and kept."""
    target, found = tmp_path / "imagenette.pack", ilsvrc.survey("imagenette", source)

    def interrupted(futures: set[Future[pieces.Piece]], **options: str) -> object:
        monkeypatch.undo()
        prepare_in_pieces(monkeypatch)
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.write(target, "imagenette", found, 1)
    told: list[tuple[str, int]] = []
    monkeypatch.setattr(writer, "_pool", ThreadPoolExecutor)
    writer.write(target, "imagenette", found, 1, lambda *t: told.append(t))
    assert told[0] == ("train", 8)  # two tasks run in parallel
    assert equal(target, made)


@pytest.mark.usefixtures("threads")
def test_unreadable_images_are_listed_and_the_rest_is_kept(source: Path, made: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(source, tmp_path / "source"))
    target = tmp_path / "imagenette.pack"
    files = [
        broken / "train/n02102040/n02102040_1.JPEG",
        broken / "val/n02979186/ILSVRC2012_val_00000003.JPEG",
    ]
    content = [file.read_bytes() for file in files]
    files[0].write_bytes(b"")
    files[1].write_bytes(content[1][:300])
    with pytest.raises(DataError, match=r"2 images cannot be read.*replace them and run the same") as error:
        writer.write(target, "imagenette", ilsvrc.survey("imagenette", broken), 1)
    listed = (writer.part_of(target) / "unreadable.txt").read_text()
    assert str(error.value).count("\n") == 0
    assert all(str(file) in listed for file in files)
    for file, whole in zip(files, content, strict=True):
        file.write_bytes(whole)
    told: list[tuple[str, int]] = []
    writer.write(target, "imagenette", ilsvrc.survey("imagenette", broken), 1, lambda *t: told.append(t))
    assert told[0] == ("train", 11)  # all but the piece of four that had the empty file
    assert equal(target, made)


@pytest.mark.usefixtures("threads")
def test_other_images_start_afresh(source: Path, made: Path, tmp_path: Path) -> None:
    target = tmp_path / "imagenette.pack"
    more = folders(tmp_path / "more", contents({"train": 6, "val": 2}))
    (more / "val/n02979186/ILSVRC2012_val_00000003.JPEG").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        writer.write(target, "imagenette", ilsvrc.survey("imagenette", more), 1)
    told: list[tuple[str, int]] = []
    writer.write(target, "imagenette", ilsvrc.survey("imagenette", source), 1, lambda *t: told.append(t))
    assert told[0] == ("train", 0)
    assert equal(target, made)


@pytest.mark.usefixtures("threads")
def test_other_images_of_the_same_names_start_afresh(source: Path, made: Path, tmp_path: Path) -> None:
    """A pack never mixes two sources, such as two resolutions of the same photographs."""
    target, part = tmp_path / "imagenette.pack", writer.part_of(tmp_path / "imagenette.pack")
    files = contents(PER_CLASS)
    smaller = folders(tmp_path / "smaller", {
        split: {wnid: {name: jpeg(7, 40, 300) for name in named} for wnid, named in classes.items()}
        for split, classes in files.items()
    })  # fmt: skip
    (smaller / "val/n02979186/ILSVRC2012_val_00000003.JPEG").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        writer.write(target, "imagenette", ilsvrc.survey("imagenette", smaller), 1)
    told: list[tuple[str, int]] = []
    said: list[str] = []
    found = ilsvrc.survey("imagenette", source)
    writer.write(target, "imagenette", found, 1, lambda *t: told.append(t), said.append)
    assert told[0] == ("train", 0)
    assert [text.partition(", since")[0] for text in said] == [
        "train: packing starts over", "val: packing starts over",
    ]  # fmt: skip
    assert equal(target, made)
    target.rename(part)
    state = writer.State(part / "train.pixels", found.names("train"), found.splits["train"][0])
    state.done[:] = True
    state.save()
    (part / "train.pixels").unlink()
    writer.State(part / "train.pixels", found.names("train"), found.splits["train"][0])
    assert not state.path.exists(), "it would soon describe a file of zeros"


def test_an_image_s_origin_is_its_size_and_whether_it_is_patched(tmp_path: Path) -> None:
    """Folders and archives of the same images resume each other's packs."""
    (tmp_path / "a.JPEG").write_bytes(bytes(5))
    file = Location(str(tmp_path / "a.JPEG"), "a.JPEG")
    member, longer = (Location("/x/y.tar", "a.JPEG", 512, size) for size in (5, 6))
    patch = Location(f"/x/{PATCH}", "a.JPEG", 512, 5)
    missing = Location(str(tmp_path / "b.JPEG"), "b.JPEG")
    assert file.origin == member.origin
    assert len({place.origin for place in (file, longer, patch, missing)}) == 4


def test_a_pack_completed_meanwhile_is_taken(
    source: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands may look for the pack before either has made it."""
    monkeypatch.setattr(writer, "_pack", None)  # would fail
    index = writer.write(copy, "imagenette", ilsvrc.survey("imagenette", source), 1)
    assert index == pack.read_index(copy)
    assert not writer.part_of(copy).exists()


@pytest.mark.parametrize("harm", [lambda b: b[:1000], lambda b: b"", lambda b: b[:700] + b"x" + b[701:]])
def test_a_damaged_state_costs_time_alone(
    source: Path, made: Path, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    target = tmp_path / "imagenette.pack"
    part = writer.part_of(target)
    packed(source, target)
    target.rename(part)
    found = ilsvrc.survey("imagenette", source)
    state = writer.State(part / "train.pixels", found.names("train"), found.splits["train"][0])
    state.done[:] = True
    state.save()
    state.path.write_bytes(harm(state.path.read_bytes()))
    packed(source, target)
    assert equal(target, made)


class Interrupts:
    """A piece at whose last sum the user presses Ctrl-C."""

    number, digest, total = 0, bytes(range(32)), np.ones((256, 256, 3), np.int64)

    @property
    def products(self) -> np.ndarray:
        raise KeyboardInterrupt


def test_a_piece_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    """A state that had the piece without its sums would give another mean image, and no check would tell."""
    state = writer.State(tmp_path / "train.pixels", ["a"], [Location("a", "a")])
    before = {name: value.copy() for name, value in vars(state).items() if isinstance(value, np.ndarray)}
    with pytest.raises(KeyboardInterrupt):
        state.take(Interrupts())  # type: ignore[arg-type]
    for name, value in before.items():
        assert np.array_equal(getattr(state, name), value), name


def test_a_killed_worker_is_said(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "pack", die)
    with pytest.raises(DataError, match=r"worker.* was killed.*fewer --workers: it resumes where it was"):
        writer.write(tmp_path / "a.pack", "imagenette", ilsvrc.survey("imagenette", source), 1)


def test_a_worker_is_deaf_to_ctrl_c_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a second to start, in which Ctrl-C would make it print a traceback."""
    monkeypatch.setattr(writer, "pack", deaf)
    with writer._pool(1) as pool:
        assert list(writer._results(pool, iter([0]), 1)) == [True]  # type: ignore[list-item, comparison-overlap]


def test_a_worker_that_would_never_end_is_not_waited_for() -> None:
    """As when another worker was killed while it held the lock of the task queue."""
    with writer._pool(2) as pool:
        assert pool.submit(abs, -1).result() == 1
        (stuck,) = multiprocessing.active_children()
        assert stuck.pid
        os.kill(stuck.pid, signal.SIGSTOP)
    assert stuck.exitcode == -signal.SIGKILL


def test_two_cannot_write_one_pack(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "imagenette.pack"
    writer.part_of(target).mkdir()
    with (
        writer._alone(writer.part_of(target)),
        pytest.raises(DataError, match="is being written by another process; wait for it, or end it"),
    ):
        writer.write(target, "imagenette", ilsvrc.survey("imagenette", source), 1)


def test_sums_are_exact() -> None:
    pixels = np.full((3, 256, 256, 3), 255, np.uint8)
    assert (pieces._products(pixels) == 3 * 256 * 256 * 255 * 255).all()


def test_an_unknown_data_set_is_said() -> None:
    with pytest.raises(UnknownName, match="imagenet"):
        sources.find("imagnet", None)


def test_pieces_cover_all_images() -> None:
    found: Iterator[tuple[int, int]] = pack.spans(10)
    assert list(found) == [(0, 4), (4, 8), (8, 10)]
