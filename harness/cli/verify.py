"""`data verify`: proves every file of a data set by its checksum."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.contract.errors import BadValue
from harness.data import folders, sources
from harness.data.catalogue import PHOTOGRAPHS


def verify(dataset: str, data_dir: Path | None, console: Console) -> list[Path]:
    """The checked files of the data set as found; DataError names the first that is not what it should be."""
    source = sources.find(dataset, data_dir)
    if source is None or source.place is None:
        raise sources.missing(dataset, data_dir)
    if dataset not in PHOTOGRAPHS:
        from harness.data import cifar10  # brings torch, which a wrong folder can do without

        return cifar10.verify(source.place)
    place = source.place
    if not folders.packed(place):
        raise BadValue(
            f"{place} is a folder of image files, which has no checksums; "
            f"its digest is {source.identity.digest}, and './repro.py data prepare {dataset}' makes a pack"
        )
    return _pack(place, console)


def _pack(place: Path, console: Console) -> list[Path]:
    from harness.data.packing import pack

    opened = pack.Pack(place)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        total = sum(split.images for split in opened.index.splits.values())
        task = progress.add_task("images checked", total=total)
        return pack.verify(opened, lambda images: progress.advance(task, images))
