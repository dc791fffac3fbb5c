"""Labels of ILSVRC: classes by WordNet id in sorted order, and the development kits' labels of flat splits.

The kits number the classes 1–1000 in their own order, which only `meta.mat` gives. Caffe's `val.txt` instead
gives each file's number 0–999 in the sorted order, and `synset_words.txt` names the classes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.contract.errors import DataError
from harness.contract.visible import visible
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.data.packing import archives, meta_table
from harness.data.packing.archives import Location
from harness.records import files

CLASSES = {name: DATA_SETS[name].classes for name in PHOTOGRAPHS}
TRUTH = {"val": "validation_ground_truth.txt", "test": "test_ground_truth.txt"}
WORDS, META = "synset_words.txt", "meta.mat"
MOST = 16 << 20  # bytes in a list
MOST_META = 1 << 20  # compressed, at most a thousandfold
MOST_KIT = 1 << 30  # unpacked


@dataclass(frozen=True)
class Survey:
    """All images of a source: classes in label order, and each split's places with their labels, in order."""

    classes: tuple[str, ...]
    splits: dict[str, tuple[list[Location], list[int]]]

    def names(self, split: str) -> list[str]:
        """`<class>/<file>` of every image of a split."""
        return [f"{self.classes[label]}/{p.name}" for p, label in zip(*self.splits[split], strict=True)]


def survey(dataset: str, source: Path) -> Survey:
    """Every image below `source` with its label; DataError says what is missing or inconsistent.

    Images are ordered by label and then by name, so that folders and archives give the same pack.
    """
    known = DATA_SETS[dataset]
    train = archives.by_class(source, "train", known.year)
    if train is None:
        raise DataError(
            f"{source} has no training images: neither folders train/<class>/ nor an archive *_train.tar; "
            "name the folder that holds them with --source"
        )
    classes = _classes(dataset, source, sorted(train))
    _matching(source, "train", list(train), classes)
    splits = {"train": _sorted(source, "train", train, classes, known.year)}
    for split in known.images:  # ILSVRC-2012's test images have no labels
        images = None if split == "train" else _labelled(source, split, classes, known.year)
        if images is not None:
            splits[split] = _sorted(source, split, images, classes, known.year)
    if "val" not in splits:
        raise DataError(f"{source} has no validation images: neither a folder val/ nor an archive *_val.tar")
    return Survey(classes, splits)


def _classes(dataset: str, source: Path, found: Sequence[str]) -> tuple[str, ...]:
    """The sorted WordNet ids: from the lists if there are any, else from the training folders."""
    year = DATA_SETS[dataset].year
    listed = sorted(_words(source, year) or _numbers(source, year).values() or found)
    if len(listed) != CLASSES[dataset]:
        where = f"the class list in {source}" if listed != list(found) else f"{source}/train"
        raise DataError(
            f"{where} has {len(listed)} classes where {dataset} has {CLASSES[dataset]}; complete it, "
            f"or add {WORDS} or the development kit, which name the missing ones"
        )
    return tuple(listed)


def _matching(source: Path, split: str, found: Sequence[str], classes: Sequence[str]) -> None:
    if missing := sorted(set(classes) - set(found)):
        raise DataError(
            f"class {missing[0]} is missing from {source / split} ({len(missing)} in all); unpack it again"
        )
    if extra := sorted(set(found) - set(classes)):
        raise DataError(f"{source / split} has class {extra[0]}, which is not in the class list; remove it")


def _sorted(
    source: Path, split: str, images: dict[str, list[Location]], classes: Sequence[str], year: int
) -> tuple[list[Location], list[int]]:
    places: list[Location] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(images.get(name, []), key=lambda place: place.name)
        if not found and split == "train":
            raise DataError(f"class {name} has no images in {source / split}; unpack it again")
        places += archives.patched(source, split, found, year)
        labels += [label] * len(found)
    return places, labels


def _labelled(
    source: Path, split: str, classes: Sequence[str], year: int
) -> dict[str, list[Location]] | None:
    """The images of a validation or test split by class, according to its folders or the kit's lists."""
    folders = archives.by_class(source, split, year)
    if folders is not None:
        _matching(source, split, list(folders), classes)
        return folders
    places = archives.flat(source, split, year)
    if places is None:
        return None
    images: dict[str, list[Location]] = {name: [] for name in classes}
    for place, name in zip(places, truth(source, split, places, classes, year), strict=True):
        images[name].append(place)
    return images


def truth(
    source: Path, split: str, places: Sequence[Location], classes: Sequence[str], year: int = 0
) -> list[str]:
    """The class of every image of a flat split, in the order of `places`; DataError if one has none."""
    by_name = document(source, f"{split}.txt", year)
    if by_name is not None:
        return _by_name(by_name, places, _words(source, year) or classes, source / f"{split}.txt")
    kit, numbers = document(source, TRUTH[split], year), _numbers(source, year)
    if kit is None or not numbers:
        raise _unlabelled(source, split, TRUTH[split] if kit is None else META, year)
    ids = _text(kit, TRUTH[split], source).split()
    if len(ids) != len(places):
        raise DataError(
            f"{TRUTH[split]} has {len(ids)} labels for {len(places)} {split} images in {source}; "
            "one of them is cut short: get it again"
        )
    return [_named(numbers, number, f"{TRUTH[split]}, line {i}") for i, number in enumerate(ids, 1)]


def _unlabelled(source: Path, split: str, lacks: str, year: int) -> DataError:
    """The error for images without labels: which file to get, and which one is only another year's."""
    official = f"ILSVRC{year}" if year else "*"
    there = list(source.glob("*devkit*"))
    other = [] if archives.of_year(there, year) else archives.of_year(there)
    why = f" ({visible(other[0].name)} is of another year)" if other else ""
    get = f"the development kit ({official}_devkit*.tar.gz)"
    if lacks == TRUTH["test"]:
        get = f"{official}_{lacks}, which is a separate download"
    return DataError(
        f"the {split} images in {source} have no labels: {lacks} is missing{why}; put {get}, "
        f"or {split}.txt with {WORDS}, beside the archives"
    )


def _by_name(content: bytes, places: Sequence[Location], classes: Sequence[str], path: Path) -> list[str]:
    lines = _text(content, path.name, path.parent).splitlines()
    pairs = (line.split() for line in lines if line.strip())
    labels = {PurePosixPath(pair[0]).name: pair[-1] for pair in pairs}
    if unknown := [place.name for place in places if place.name not in labels]:
        raise DataError(f"{path} has no label for {unknown[0]}; get the list that belongs to these images")
    known = {str(i): name for i, name in enumerate(classes)}
    return [_named(known, labels[place.name], f"{path}, {place.name}") for place in places]


def _text(content: bytes, name: str, source: Path) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise DataError(f"{name} in {source} is no text; get it again") from None


def _named(classes: dict[str, str], number: str, where: str) -> str:
    if number not in classes:
        raise DataError(
            f"{where}: label {visible(number)} is outside the list of {len(classes)} classes; "
            "get the list and the labels from the same development kit"
        )
    return classes[number]


def _words(source: Path, year: int = 0) -> list[str]:
    """The classes in the order of `synset_words.txt`; empty without that file."""
    content = document(source, WORDS, year) or b""
    return [line.split()[0] for line in content.decode("utf-8", "replace").splitlines() if line.strip()]


def _numbers(source: Path, year: int = 0) -> dict[str, str]:
    """The class of each of the kit's numbers, from `meta.mat`; empty without that file."""
    content = document(source, META, year)
    if content is None:
        return {}
    if len(content) > MOST_META:
        raise DataError(f"{META} in {source} has {len(content):,} bytes, too many; get the kit again")
    try:
        return dict(meta_table.numbers(content))
    except meta_table.NoTable as error:
        said = visible(str(error))
        raise DataError(f"{META} in {source} cannot be read ({said}); get the kit again") from None


def document(source: Path, name: str, year: int = 0) -> bytes | None:
    """A file whose name ends in `name`: beside the images, in an unpacked kit, or in a kit's archive.

    What is named after another year than `year` is not looked at.
    """
    for path in _documents(source, year):
        if path.name.endswith(name):
            return _read(path)
    kits = archives.of_year((path for path in source.glob("*devkit*.tar.gz") if path.is_file()), year)
    found = (_in_kit(kit, name) for kit in kits)
    return next((content for content in found if content is not None), None)


def _read(path: Path) -> bytes:
    try:
        return files.read(path, MOST)
    except OSError as error:
        raise DataError(f"{visible(str(path))} cannot be read: {error.strerror}; get it again") from None


def _in_kit(kit: Path, name: str) -> bytes | None:
    """The first file in a kit's archive whose name ends in `name`; refuses a kit that unpacks to too much."""
    unpacked = 0
    try:
        with tarfile.open(kit, "r:gz") as archive:
            for member in archive:
                unpacked += member.size
                if unpacked > MOST_KIT:
                    raise tarfile.ReadError("it unpacks to too much")
                own = PurePosixPath(member.name).name
                if member.isfile() and own.endswith(name) and not own.startswith("."):
                    content = archive.extractfile(member)
                    return content.read(MOST) if content else None
    except archives.DAMAGE as error:
        raise archives.damaged(str(kit), error) from None
    return None


def _documents(source: Path, year: int) -> Iterator[Path]:
    kits = archives.of_year(source.glob("*devkit*"), year)
    folders = [source, source / "data", *kits, *(kit / "data" for kit in kits)]
    for folder in sorted(folder for folder in folders if folder.is_dir()):
        yield from archives.of_year((path for path in folder.iterdir() if path.is_file()), year)
