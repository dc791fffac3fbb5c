"""Small sources of photographs that tests pack: synthetic ones, and the real ones where available."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from harness.data import sources
from harness.data.packing import ilsvrc, writer

WNIDS = ("n01440764", "n02102040", "n02979186")
NUMBERS = {1: WNIDS[2], 2: WNIDS[0], 3: WNIDS[1]}  # a kit's own order is not the sorted one


def jpeg(seed: int, width: int = 90, height: int = 70) -> bytes:
    """A small photograph of nothing."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    made = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(made, "JPEG")
    return made.getvalue()


def contents(per_class: Mapping[str, int]) -> dict[str, dict[str, dict[str, bytes]]]:
    """Files by split, class and name, as ILSVRC names them."""
    found: dict[str, dict[str, dict[str, bytes]]] = {}
    for split, count in per_class.items():
        found[split] = {wnid: {} for wnid in WNIDS}
        for i in range(count * len(WNIDS)):
            wnid = WNIDS[i % len(WNIDS)]
            name = f"{wnid}_{i}" if split == "train" else f"ILSVRC2012_{split}_{i + 1:08}"
            found[split][wnid][f"{name}.JPEG"] = jpeg(hash_of(split, i))
    return found


def hash_of(split: str, i: int) -> int:
    return 1000 * len(split) + i


def folders(root: Path, files: Mapping[str, Mapping[str, Mapping[str, bytes]]]) -> Path:
    """The files as `<split>/<class>/<name>` below `root`."""
    for split, classes in files.items():
        for wnid, named in classes.items():
            (root / split / wnid).mkdir(parents=True)
            for name, content in named.items():
                (root / split / wnid / name).write_bytes(content)
    return root


def pack(source: Path, target: Path, workers: int = 1) -> Path:
    """A pack of a folder of the three classes, made by threads, which start faster than processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ilsvrc.CLASSES, "imagenette", len(WNIDS))
        patch.setattr(writer, "_pool", ThreadPoolExecutor)
        writer.write(target, "imagenette", ilsvrc.survey("imagenette", source), workers)
    return target


def tar(files: Mapping[str, bytes], compressed: bool = False) -> bytes:
    """An archive of files by name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz" if compressed else "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def meta(year: int, numbers: Mapping[int, str]) -> bytes:
    """A kit's `meta.mat`: the classes by number, and a class of classes, which has no images."""
    kinds = [
        (f"ILSVRC{year}_ID", "f8"),
        ("WNID", "O"),
        ("words", "O"),
        ("gloss", "O"),
        ("num_children", "f8"),
        ("children", "O"),
    ]
    rows = [(float(i), wnid, "a word", "a gloss", 0.0, np.array([])) for i, wnid in numbers.items()]
    rows.append((float(len(numbers) + 1), "n00001740", "entity", "all", 2.0, np.array([1.0, 2.0])))
    made = io.BytesIO()
    savemat(made, {"synsets": np.array(rows, dtype=kinds)[:, None]})
    return made.getvalue()


def truth(classes: Mapping[str, Mapping[str, bytes]]) -> str:
    """The kit's numbers of a split's images in the order of their names."""
    number = {wnid: i for i, wnid in NUMBERS.items()}
    labels = {name: number[wnid] for wnid, named in classes.items() for name in named}
    return "".join(f"{labels[name]}\n" for name in sorted(labels))


def archives(root: Path, files: Mapping[str, Mapping[str, Mapping[str, bytes]]], year: int = 2012) -> Path:
    """The files as the official archives, with a development kit."""
    root.mkdir(parents=True, exist_ok=True)
    stem = {2012: "ILSVRC2012_img", 2010: "ILSVRC2010_images"}[year]
    inner = {f"{wnid}.tar": tar(named) for wnid, named in files["train"].items()}
    (root / f"{stem}_train.tar").write_bytes(tar(inner))
    kit = {f"devkit/data/{'meta.mat'}": meta(year, NUMBERS)}
    for split in sorted(set(files) - {"train"}):
        flat = {
            f"{split}/{name}": content for named in files[split].values() for name, content in named.items()
        }
        (root / f"{stem}_{split}.tar").write_bytes(tar(dict(reversed(flat.items()))))
        kind = {"val": "validation", "test": "test"}[split]
        kit[f"devkit/data/ILSVRC{year}_{kind}_ground_truth.txt"] = truth(files[split]).encode()
    (root / f"ILSVRC{year}_devkit_t12.tar.gz").write_bytes(tar(kit, compressed=True))
    return root


def native() -> list[Path]:
    """The photographs at their native sizes; the test is skipped where there are none."""
    for root in sources.search_path(None):
        if found := sorted((root / "imagenet-samples").glob("*.JPEG")):
            return found
    pytest.skip("needs photographs: imagenet-samples/*.JPEG below $REPRO_DATA or data")


def shared(name: str) -> Path:
    """A file or folder among the data sets; the test is skipped where it is not."""
    for root in sources.search_path(None):
        if (root / name).exists():
            return root / name
    pytest.skip(f"needs {name} below $REPRO_DATA or data")
