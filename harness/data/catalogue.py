"""What is known about each data set: a new one is an entry here. No torch, no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """A data set: its official figures, the folders it is unpacked to, and how to get it."""

    name: str
    title: str
    classes: int
    images: Mapping[str, int]  # in each official split
    folders: tuple[str, ...]  # below a data folder, as its authors or torchvision unpack it
    how: str  # how to get it
    photographs: bool = True  # JPEGs, which `data prepare` packs
    tested: str = "val"  # the split that errors are counted on
    digest: str = ""  # of the official archive, if every file is tied to it
    year: int = 0  # of the ILSVRC that it belongs to, if any, as in the names of its archives

    @property
    def pack(self) -> str:
        """The folder that `data prepare` makes."""
        return f"{self.name}.pack"


DATA_SETS = {
    one.name: one
    for one in (
        DataSet(
            "cifar10",
            "CIFAR-10",
            10,
            {"train": 50_000, "test": 10_000},
            ("cifar-10-batches-py",),
            "get it with './repro.py data fetch'",
            photographs=False,
            tested="test",
            digest="c58f30108f718f92721af3b95e74349a",  # MD5; torchvision's checks tie the files to it
        ),
        DataSet(
            "imagenette",
            "Imagenette",
            10,
            {"train": 9_469, "val": 3_925},
            ("imagenette", "imagenette2", "imagenette2-320", "imagenette2-160"),
            "unpack imagenette2.tgz into one of these parent folders",
        ),
        DataSet(
            "imagenet",
            "ILSVRC-2012",
            1000,
            {"train": 1_281_167, "val": 50_000},
            (),
            "pack it with './repro.py data prepare imagenet --source DIR', "
            "where DIR holds the ILSVRC-2012 archives or train/ and val/",
            year=2012,
        ),
        DataSet(
            "imagenet-2010",
            "ILSVRC-2010",
            1000,
            {"train": 1_261_406, "val": 50_000, "test": 150_000},
            (),
            "pack it with './repro.py data prepare imagenet-2010 --source DIR', "
            "where DIR holds the ILSVRC-2010 archives or train/, val/ and test/",
            tested="test",
            year=2010,
        ),
    )
}
PHOTOGRAPHS = tuple(name for name, one in DATA_SETS.items() if one.photographs)


def training_images(dataset: str | None) -> int:
    """The training images of the whole data set; 0 if none is read."""
    return DATA_SETS[dataset].images["train"] if dataset in DATA_SETS else 0


def tested_images(dataset: str | None) -> int:
    """The images of the split that errors are counted on; 0 if none is read."""
    return DATA_SETS[dataset].images[DATA_SETS[dataset].tested] if dataset in DATA_SETS else 0
