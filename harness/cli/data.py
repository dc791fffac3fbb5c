"""`repro data`: verify, prepare, fetch."""

from __future__ import annotations

import socket
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.contract.errors import BadValue
from harness.data import folders, sources


def verify(dataset: str, data_dir: Path | None, console: Console) -> list[Path]:
    """The checked files of the data set as found; DataError names the first that is not what it should be."""
    source = sources.find(dataset, data_dir)
    if source is None or source.root is None:
        raise sources.missing(dataset, data_dir)
    if dataset not in folders.PACKS:
        from harness.data import cifar10  # brings torch, which a wrong folder can do without

        return cifar10.verify(source.root)
    place = folders.located(dataset, source.root)
    if place is None or not folders.packed(place):
        raise BadValue(
            f"{place} is a folder of image files, which has no checksums; "
            f"its fingerprint is {source.fingerprint}, and './repro.py data prepare {dataset}' makes a pack"
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


def prepare(
    dataset: str, source: Path, out: Path | None, workers: int | None, console: Console
) -> Path | None:
    """The pack of the data set, made if it is not there; None where Ctrl-C stopped it."""
    from harness.data.packing import prepare

    return prepare.prepare(dataset, source, sources.destination(out), workers, console)


def fetch(data_dir: Path | None) -> Path:
    """Downloads CIFAR-10; the folder that it is in."""
    from harness.data import cifar10

    socket.setdefaulttimeout(20)  # a network that swallows packets would otherwise never say no
    destination = sources.destination(data_dir)
    typer.echo(f"Fetching CIFAR-10 (170 MB) into {destination} …", err=True)
    return cifar10.fetch(destination)
