"""Where a data set is, and what identifies it. Needs no torch, so that plans and reports start at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.contract.errors import BadValue, DataError, UnknownName
from harness.data import folders
from harness.data.catalogue import DATA_SETS
from harness.data.readable import reading
from harness.records.conditions import DataIdentity, Form

VARIABLE = "REPRO_DATA"
GRATINGS = "gratings-1"  # the version of the stand-in
STAND_IN_NOTICE = (
    "CIFAR-10 was not found, so a procedural stand-in (ten classes of coloured gratings) was trained on: "
    "nothing here says anything about the paper or about photographs."
)


@dataclass(frozen=True)
class Source:
    """A data set that was found: its own folder (None for the stand-in) and its identity."""

    place: Path | None
    identity: DataIdentity


def search_path(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The folders searched, in order: `--data-dir`, `$REPRO_DATA`, `./data`."""
    if data_dir is not None and not data_dir.is_dir():
        raise BadValue(f"--data-dir {data_dir} is not a folder; name the folder that holds the data sets")
    named = [data_dir] if data_dir is not None else []
    from_environment = [Path(environ[VARIABLE])] if environ.get(VARIABLE) else []
    return [*named, *from_environment, Path("data")]


def find(dataset: str, data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Source | None:
    """The data set in the first folder on the search path that holds it, or None; DataError if unreadable."""
    if dataset not in DATA_SETS:
        raise UnknownName("data set", dataset, DATA_SETS)
    for root in search_path(data_dir, environ):
        with reading(root):
            place = folders.located(dataset, root)
        if place is not None:
            return Source(place, _identity(dataset, place))
    return None


def check_tested(dataset: str, place: Path) -> None:
    """DataError if a pack lacks the images that errors are counted on, as one from an older version may."""
    if not folders.packed(place):
        return
    from harness.data.packing.pack import Pack  # imports numpy, which CIFAR-10's plans do not need

    known = DATA_SETS[dataset]
    if known.tested not in Pack(place).index.splits:
        raise DataError(
            f"{place} has no {known.tested} images, on which errors on {known.title} are counted; "
            "pack it again from a folder that has them"
        )


def _identity(dataset: str, place: Path) -> DataIdentity:
    if known := DATA_SETS[dataset].digest:
        return DataIdentity(dataset, Form.FILES, known)
    from harness.data import fingerprint  # imports numpy, which CIFAR-10's plans do not need

    return fingerprint.of(dataset, place)


def stand_in(dataset: str) -> Source:
    """The procedural stand-in for the data set."""
    return Source(None, DataIdentity(dataset, Form.STAND_IN, GRATINGS))


def missing(dataset: str, data_dir: Path | None) -> DataError:
    """The error for a missing data set: what is missing, where it was searched for, and how to get it."""
    places = [place for root in search_path(data_dir) for place in folders.candidates(dataset, root)]
    looked = ", ".join(map(str, places))
    return DataError(
        f"no {dataset} found (looked for {looked}); {DATA_SETS[dataset].how}, "
        f"or name its parent folder with --data-dir or ${VARIABLE}"
    )


def destination(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where data sets are downloaded to: the first folder named, else `./data`; it need not exist yet."""
    return data_dir or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else Path("data"))
