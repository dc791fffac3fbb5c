"""`data prepare`: a source of photographs becomes a pack, with progress, in as many goes as it takes."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.contract.errors import BadValue, DataError, UnknownName
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.data.packing import archives, ilsvrc, writer
from harness.data.packing.ilsvrc import Survey
from harness.data.packing.pack import Index, Pack
from harness.records import environment


def prepare(dataset: str, source: Path, out: Path, workers: int | None, console: Console) -> Path | None:
    """The pack of the data set below `out`, made if it is not there; None where Ctrl-C stopped it."""
    if dataset not in PHOTOGRAPHS:
        raise UnknownName("data set to pack", dataset, PHOTOGRAPHS)
    if workers is not None and workers < 1:
        raise BadValue(f"--workers {workers} must be at least 1")
    target = out / DATA_SETS[dataset].pack
    if target.exists():
        console.print(f"{target} is there already: {Pack(target).index.identity}", soft_wrap=True)
        return target
    with console.status(f"looking through {source}"):
        found = ilsvrc.survey(dataset, inside(dataset, source))
    _tell_of(dataset, found, console)
    try:
        index = _packed(target, dataset, found, workers or environment.cores(), console)
    except KeyboardInterrupt:
        console.print(f"\nStopped: give the same command again and {target} goes on where it was.")
        return None
    except OSError as error:
        raise _unwritten(target, error) from error
    console.print(f"{target} is ready: {index.identity}", soft_wrap=True)
    return target


def inside(dataset: str, source: Path) -> Path:
    """The folder that holds train/ and val/, or the archives."""
    if not source.is_dir():
        raise BadValue(
            f"--source {source} is not a folder; name the one that holds train/ and val/, or archives"
        )
    for place in (source, *(source / name for name in DATA_SETS[dataset].folders)):
        if (place / "train").is_dir() or archives.archive_of(place, "train"):
            return place
    if unpacked := sorted(source.glob("imagenette*.tgz")):
        raise BadValue(f"{unpacked[0]} must be unpacked first: tar xzf {unpacked[0]}")
    return source


def _tell_of(dataset: str, found: Survey, console: Console) -> None:
    for split, (places, _) in found.splits.items():
        official = DATA_SETS[dataset].images.get(split, len(places))
        if len(places) != official:
            console.print(
                f"[yellow]{split} has {len(places):,} images; the official split has {official:,}[/yellow]"
            )


def _packed(target: Path, dataset: str, found: Survey, workers: int, console: Console) -> Index:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks = {
            split: progress.add_task(split, total=len(places), start=False)
            for split, (places, _) in found.splits.items()
        }

        def tell(split: str, images: int) -> None:
            task = progress.tasks[tasks[split]]
            if task.started:
                progress.advance(task.id, images)
            else:  # of an earlier run: the estimate must not take them for fast ones
                progress.update(task.id, completed=images)
                progress.start_task(task.id)
                if images:
                    console.print(f"{split}: {images:,} of {task.total:,.0f} images are packed already")

        return writer.write(target, dataset, found, workers, tell)


def _unwritten(target: Path, error: OSError) -> DataError:
    return DataError(
        f"{writer.part_of(target)} cannot be written: {error.strerror or error}; "
        "mend that (free space, rights) and give the same command again: what is packed stays"
    )
