"""Where a data set is, and what identifies it. Needs no torch, so that plans and reports start at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.contract.errors import BadValue, DataError, UnknownName
from harness.data import folders

VARIABLE = "REPRO_DATA"
# The fingerprint is the MD5 of the official archive; torchvision's checks tie the unpacked files to it.
FINGERPRINTS = {"cifar10": "cifar10:c58f30108f718f92721af3b95e74349a"}
FOLDERS = {"cifar10": "cifar-10-batches-py"}
DATASETS = (*FOLDERS, *folders.PACKS)
HOW = {
    "cifar10": "get it with './repro.py data fetch'",
    "imagenette": "unpack imagenette2.tgz into one of these parent folders",
    "imagenet": "pack it with './repro.py data prepare imagenet --source DIR', "
    "where DIR holds the ILSVRC-2012 archives or train/ and val/",
    "imagenet-2010": "pack it with './repro.py data prepare imagenet-2010 --source DIR', "
    "where DIR holds the ILSVRC-2010 archives or train/, val/ and test/",
}
STAND_IN = "stand-in:gratings-1"
STAND_IN_NOTICE = (
    "CIFAR-10 was not found, so a procedural stand-in (ten classes of coloured gratings) was trained on: "
    "nothing here says anything about the paper or about photographs."
)


@dataclass(frozen=True)
class Source:
    """A data set as found: the folder that holds it (None for the stand-in) and its fingerprint."""

    dataset: str
    root: Path | None
    fingerprint: str

    @property
    def stand_in(self) -> bool:
        """Whether this is the procedural stand-in."""
        return self.root is None


def search_path(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The folders that are looked in, in order: `--data-dir`, `$REPRO_DATA`, `./data`."""
    if data_dir is not None and not data_dir.is_dir():
        raise BadValue(f"--data-dir {data_dir} is not a folder; name the folder that holds the data sets")
    named = [data_dir] if data_dir is not None else []
    from_environment = [Path(environ[VARIABLE])] if environ.get(VARIABLE) else []
    return [*named, *from_environment, Path("data")]


def find(dataset: str, data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Source | None:
    """The first folder on the search path that holds the data set, or None."""
    if dataset not in DATASETS:
        raise UnknownName("data set", dataset, DATASETS)
    for root in search_path(data_dir, environ):
        fingerprint = _fingerprint(dataset, root)
        if fingerprint is not None:
            return Source(dataset, root, fingerprint)
    return None


def _fingerprint(dataset: str, root: Path) -> str | None:
    """What identifies the data set below `root`, None where it is not there."""
    if dataset in FOLDERS:
        return FINGERPRINTS[dataset] if (root / FOLDERS[dataset]).is_dir() else None
    place = folders.located(dataset, root)
    if place is None:
        return None
    from harness.data import fingerprint  # brings numpy, which CIFAR-10's plans can do without

    return fingerprint.of(dataset, place)


def stand_in(dataset: str) -> Source:
    """The procedural stand-in for the data set."""
    return Source(dataset, None, STAND_IN)


def missing(dataset: str, data_dir: Path | None) -> DataError:
    """What to tell someone who lacks the data set: what, where it was looked for, and how to get it."""
    roots = search_path(data_dir)
    if dataset in FOLDERS:
        places = [root / FOLDERS[dataset] for root in roots]
    else:
        places = [place for root in roots for place in folders.candidates(dataset, root)]
    looked = ", ".join(map(str, places))
    return DataError(
        f"no {dataset} found (looked for {looked}); {HOW[dataset]}, "
        f"or name its parent folder with --data-dir or ${VARIABLE}"
    )


def destination(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a data set is downloaded to: the first folder named, else `./data`; it need not exist yet."""
    return data_dir or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else Path("data"))
