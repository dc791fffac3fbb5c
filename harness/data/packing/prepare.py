"""`data prepare`: turns a source of photographs into a pack, with progress, in as many runs as needed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from harness.contract.errors import BadValue, DataError, UnknownName
from harness.contract.progress import SILENT, Advance, Tracker
from harness.data import fingerprint
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.data.packing import archives, ilsvrc, writer
from harness.data.packing.ilsvrc import Survey
from harness.data.packing.pack import Index, Pack
from harness.data.readable import reading
from harness.records import environment
from harness.records.conditions import DataIdentity


def prepare(
    dataset: str, source: Path, out: Path, workers: int | None, tracker: Tracker = SILENT
) -> Path | None:
    """The data set's pack below `out`, created if there is none; None if Ctrl-C stopped it."""
    if dataset not in PHOTOGRAPHS:
        raise UnknownName("data set to pack", dataset, PHOTOGRAPHS)
    if workers is not None and workers < 1:
        raise BadValue(f"--workers {workers} must be at least 1")
    target = out / DATA_SETS[dataset].pack
    if target.exists():
        tracker.say(f"{target} already exists: {_existing(dataset, target)}")
        return target
    with tracker.task(f"looking through {source}"):
        found = _survey(dataset, source)
    _compare(dataset, source, found, tracker)
    try:
        index = _packed(target, dataset, found, workers or environment.cores(), tracker)
    except KeyboardInterrupt:
        tracker.say(f"Stopped: run the same command again to resume {target}.")
        return None
    except BrokenPipeError:  # the reader is gone
        raise
    except OSError as error:
        raise _unwritten(target, error) from error
    tracker.say(f"{target} is ready: {index.identity}")
    return target


def _existing(dataset: str, target: Path) -> DataIdentity:
    """The identity of a pack that is there; DataError if it is unusable or of another data set."""
    fingerprint.check_readable(target)
    try:
        Pack(target)
    except DataError as error:
        raise DataError(
            f"{target} is there but unusable: delete it first, or copy it again ({error})"
        ) from None
    return fingerprint.of(dataset, target)


def _survey(dataset: str, source: Path) -> Survey:
    with reading(source):
        return ilsvrc.survey(dataset, inside(dataset, source))


def inside(dataset: str, source: Path) -> Path:
    """The folder that holds train/ and val/, or the archives."""
    if not source.is_dir():
        raise BadValue(
            f"--source {source} is not a folder; name the one that holds train/ and val/, or archives"
        )
    known = DATA_SETS[dataset]
    for place in (source, *(source / name for name in known.folders)):
        if (place / "train").is_dir() or archives.archive_of(place, "train", known.year):
            return place
    if unpacked := sorted(source.glob("imagenette*.tgz")):
        raise BadValue(f"{unpacked[0]} must be unpacked first: tar xzf {unpacked[0]}")
    return source


def _compare(dataset: str, source: Path, found: Survey, tracker: Tracker) -> None:
    """Warns of splits of unofficial sizes; DataError for one that is empty, or without the one to test on."""
    official = DATA_SETS[dataset]
    if official.tested not in found.splits:
        raise DataError(f"no {official.tested} images found, on which errors on {official.title} are counted")
    for split, (places, _) in found.splits.items():
        if not places:
            raise DataError(
                f"{source} has no {split} images, only empty folders or an empty archive; get them again"
            )
        size = official.images.get(split, len(places))
        if len(places) != size:
            tracker.warn(f"{split} has {len(places):,} images; the official split has {size:,}")


def _packed(target: Path, dataset: str, found: Survey, workers: int, tracker: Tracker) -> Index:
    begun: dict[str, Advance] = {}
    with ExitStack() as tasks:

        def packed(split: str, images: int) -> None:
            """Counts images; the first count of a split is what an earlier run packed."""
            if split in begun:
                return begun[split](images)
            total = len(found.splits[split][0])
            if images:
                tracker.say(f"{split}: {images:,} of {total:,} images are already packed")
            begun[split] = tasks.enter_context(tracker.task(f"packing {split}", total, images, "images"))
            return None

        return writer.write(target, dataset, found, workers, packed, tracker.say)


def _unwritten(target: Path, error: OSError) -> DataError:
    return DataError(
        f"{writer.part_of(target)} cannot be written: {error.strerror or error}; "
        "fix that (free space, permissions) and run the same command again: what is packed is kept"
    )
