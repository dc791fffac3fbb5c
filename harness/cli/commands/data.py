"""`repro data`: verify, prepare, fetch."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from harness.cli.terminal.progress import Progress
from harness.contract.errors import BadValue
from harness.contract.progress import Tracker
from harness.data import folders, sources
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.data.readable import reading
from harness.engines.signals import second_ctrl_c_ends_at_once
from harness.records.conditions import DataIdentity
from harness.records.files import sweep

ARCHIVE, MEGABYTES = "cifar-10-python.tar.gz", 170
POLL = 1.0  # seconds between two checks of the download's size


def verify(dataset: str, data_dir: Path | None, progress: Progress) -> list[Path]:
    """The data set's files, once checked; DataError names the first with the wrong content, or unreadable."""
    source = sources.find(dataset, data_dir)
    if source is None or source.place is None:
        raise sources.missing(dataset, data_dir)
    place = source.place
    with reading(place):
        return _checked(dataset, source.identity, place, progress)


def _checked(dataset: str, identity: DataIdentity, place: Path, progress: Progress) -> list[Path]:
    if dataset not in PHOTOGRAPHS:
        return verify_cifar10(place, progress)
    if not folders.packed(place):
        raise BadValue(
            f"{place} is a folder of image files, which has no checksums; "
            f"its digest is {identity.digest}, and './repro.py data prepare {dataset} --source "
            f"{place}' makes a pack"
        )
    return _pack(place, progress)


def verify_cifar10(root: Path, progress: Progress) -> list[Path]:
    """The files, each checked against its official MD5; DataError names the first mismatch."""
    with progress as tracker, tracker.task(f"checking CIFAR-10 in {root}"):
        from harness.data import cifar10  # imports torch, which a wrong folder does not need

        return cifar10.verify(root)


def _pack(place: Path, progress: Progress) -> list[Path]:
    from harness.data.packing import pack

    opened = pack.Pack(place)
    total = sum(split.images for split in opened.index.splits.values())
    with progress as tracker, tracker.task(f"checking {place}", total, unit="images") as advance:
        return pack.verify(opened, advance)


def prepare(
    dataset: str, source: Path, out: Path | None, workers: int | None, progress: Progress
) -> Path | None:
    """The data set's pack, created if there is none; None if Ctrl-C stopped it."""
    from harness.data.packing import prepare
    from harness.data.packing.writer import part_of

    destination = sources.destination(out)
    if dataset in PHOTOGRAPHS:
        sweep(part_of(destination / DATA_SETS[dataset].pack))
    with progress as tracker, second_ctrl_c_ends_at_once():
        return prepare.prepare(dataset, source, destination, workers, tracker)


def fetch(data_dir: Path | None, progress: Progress) -> Path:
    """Downloads CIFAR-10; returns its folder."""
    from harness.data import cifar10

    socket.setdefaulttimeout(20)  # a network that drops packets would otherwise hang forever
    destination = sources.destination(data_dir)
    progress.say(f"Fetching CIFAR-10 ({MEGABYTES} MB) into {destination}, unless it is there …")
    own_bar = redirect_stderr(io.StringIO())  # torchvision's own bar would mix with these lines
    with progress as tracker, _growing(destination / ARCHIVE, tracker), own_bar:
        return cifar10.fetch(destination)


@contextmanager
def _growing(path: Path, tracker: Tracker) -> Iterator[None]:
    """Shows a file's growth as progress, from a separate thread."""
    over = threading.Event()
    with tracker.task("fetching CIFAR-10", MEGABYTES, unit="MB") as advance:

        def follow() -> None:
            seen = 0.0
            while not over.wait(POLL):
                size = path.stat().st_size / 1e6 if path.exists() else 0.0
                advance(size - seen)
                seen = size

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
