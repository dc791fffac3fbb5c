"""Files of data sets: photographs, packs, archives with their lists, and CIFAR-10's batches."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets import CIFAR10

from harness.data import cifar10, datasets, photographs
from harness.data.packing import ilsvrc, writer
from harness.data.packing.pack import Pack, verify
from tests.fakes.photographs import WNIDS, archives, contents, folders, meta, tar
from tests.faults.inputs.target import TAKEN, Evil, Target, WrongVerdict

KINDS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF", "GIF", "TGA", "PCX", "ICO", "PDF", "EPS")
MODES = ("RGB", "L", "CMYK", "P", "1", "RGBA", "I;16")


def targets(folder: Path) -> list[Target]:
    """Everything below a data folder."""
    return [_photographs(), *_packs(folder), *_sources(folder), _batches(folder)]


def _photographs() -> Target:
    def read(content: bytes, number: int) -> str:
        found = photographs.decode(io.BytesIO(content), "a photograph")
        if found.shape != (256, 256, 3) or found.dtype != np.uint8:
            raise WrongVerdict("a photograph has another shape")
        return TAKEN

    return Target("photographs", 60, [*_images()], read)


def _images() -> list[bytes]:
    colours = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    made = []
    for kind in KINDS:
        for mode in MODES:
            file = io.BytesIO()
            try:
                Image.fromarray(colours).convert("RGB" if mode == "I;16" else mode).save(file, kind)
            except (OSError, ValueError, KeyError):
                continue  # not every format has every mode
            made.append(file.getvalue())
    return made


def _packs(folder: Path) -> list[Target]:
    """A pack whose index, or one of whose files, is replaced."""
    ilsvrc.CLASSES["imagenette"], kept = len(WNIDS), ilsvrc.CLASSES["imagenette"]
    writer._pool, pool = ThreadPoolExecutor, writer._pool  # type: ignore[assignment]
    try:
        source = folders(folder / "photographs", contents({"train": 1, "val": 1}))
        place = folder / "imagenette.pack"
        writer.write(place, "imagenette", ilsvrc.survey("imagenette", source), 1)
    finally:
        ilsvrc.CLASSES["imagenette"], writer._pool = kept, pool
    files = {path.name: path.read_bytes() for path in place.iterdir()}
    names = [name for name in files if name.endswith((".npy", ".txt"))]
    index = Pack(place).index

    def opened(content: bytes, number: int) -> str:
        _restore(place, files)
        (place / "index.json").write_bytes(content)
        pack = Pack(place)
        pack.labels("train"), pack.mean(), datasets._basis(pack.index.colours)
        if pack.index.fingerprint == index.fingerprint:
            verify(pack)
        return TAKEN

    def sealed(text: str) -> bytes:
        """The index with its matching fingerprint, if it has the shape of an index."""
        try:
            content = json.loads(text)
            content["fingerprint"] = _fingerprint(content)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return text.encode("utf-8", "surrogatepass")
        return json.dumps(content).encode()

    def checked(content: bytes, number: int) -> str:
        _restore(place, files)
        (place / names[number]).write_bytes(content)
        pack = Pack(place)
        for split in ("train", "val"):
            pack.labels(split), pack.pixels(split)
        pack.mean()
        verify(pack)
        if content != files[names[number]]:
            raise WrongVerdict(f"a damaged {names[number]} was verified")
        return TAKEN

    return [
        Target("packs, their index", 50, [files["index.json"]], opened, True, sealed),
        Target("packs, their other files", 40, [files[name] for name in names], checked),
    ]


def _fingerprint(content: dict) -> str:
    """As computed by `Index.fingerprint`, for any content."""
    counted = {name: {**split, "names": ""} for name, split in content["splits"].items()}
    listed = [1, content["classes"], counted, content["mean"], content["colours"]]
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:32]


def _restore(place: Path, files: dict[str, bytes]) -> None:
    for name in ("index.json", *(name for name in files if name.endswith((".npy", ".txt")))):
        (place / name).write_bytes(files[name])


def _sources(folder: Path) -> list[Target]:
    """Archives, a development kit, and the lists that may replace it."""
    source = archives(folder / "archives", contents({"train": 1, "val": 1}))
    names = [path.name for path in sorted(source.iterdir())]
    seeds = {name: (source / name).read_bytes() for name in names}
    lists = {
        "synset_words.txt": "".join(f"{wnid} a word\n" for wnid in WNIDS).encode(),
        "val.txt": b"".join(b"ILSVRC2012_val_%08d.JPEG %d\n" % (i, i - 1) for i in (1, 2, 3)),
        "ILSVRC2012_validation_ground_truth.txt": b"1\n2\n3\n",
        "ILSVRC2012_devkit_x.tar.gz": tar({"data/synset_words.txt": b"n1 a\n"}, compressed=True),
    }
    every = {**seeds, **lists}
    order = list(every)

    def surveyed(content: bytes, number: int) -> str:
        for name in order:
            (source / name).unlink(missing_ok=True)
        for name, whole in seeds.items():
            (source / name).write_bytes(whole)
        (source / order[number]).write_bytes(content)
        kept, ilsvrc.CLASSES["imagenet"] = ilsvrc.CLASSES["imagenet"], len(WNIDS)
        try:
            found = ilsvrc.survey("imagenet", source)
        finally:
            ilsvrc.CLASSES["imagenet"] = kept
        for places, labels in found.splits.values():
            if len(places) != len(labels) or not all(0 <= label < len(WNIDS) for label in labels):
                raise WrongVerdict("an image has a label of no class")
            for place in places[:1]:
                place.open()
        return TAKEN

    def tabled(content: bytes, number: int) -> str:
        (source / "meta.mat").write_bytes(content)
        try:
            ilsvrc._numbers(source)
        finally:
            (source / "meta.mat").unlink()
        return TAKEN

    return [
        Target("archives, kits and lists", 15, [*every.values()], surveyed),
        Target("tables of a kit", 1, [meta(2012, dict(enumerate(WNIDS, 1)))], tabled),
    ]


def _batches(folder: Path) -> Target:
    """A small CIFAR-10, whose official checksums are replaced by those of these files."""
    place = folder / "cifar" / "cifar-10-batches-py"
    place.mkdir(parents=True)
    batch = {"data": [[0] * 3072] * 2, "labels": [3, 4]}
    files = {name: pickle.dumps(batch) for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)}
    files["batches.meta"] = pickle.dumps({"label_names": list("abcdefghij")})
    for name, content in files.items():
        (place / name).write_bytes(content)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    order, evil = list(files), pickle.dumps(Evil(folder))

    def read(content: bytes, number: int) -> str:
        official = CIFAR10.train_list, CIFAR10.test_list, CIFAR10.meta
        CIFAR10.train_list = [[name, sums[name]] for name, _ in official[0]]
        CIFAR10.test_list = [[name, sums[name]] for name, _ in official[1]]
        CIFAR10.meta = {**official[2], "md5": sums["batches.meta"]}
        name = order[number % len(order)]
        (place / name).write_bytes(content)
        try:
            cifar10.load(place, name != "test_batch")
            if content != files[name]:
                raise WrongVerdict(f"a damaged {name} was read")
        finally:
            CIFAR10.train_list, CIFAR10.test_list, CIFAR10.meta = official
            (place / name).write_bytes(files[name])
        return TAKEN

    return Target("CIFAR-10's batches", 30, [*files.values(), *[evil] * len(files)], read)
