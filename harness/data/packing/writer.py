"""Writes a pack in pieces, by many processes; if killed and restarted, it resumes.

Everything grows in `<name>.pack.part`, which is renamed when complete. A piece counts as done once its pixels
are flushed and the state that says so is renamed into place; what came after is redone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from harness.contract.errors import DataError
from harness.contract.processes import end_with_parent, without_ctrl_c
from harness.data.folders import INDEX
from harness.data.packing.archives import Location
from harness.data.packing.ilsvrc import Survey
from harness.data.packing.pack import IMAGE, MEAN, VERSION, Colours, Index, Pack, Split, digest, spans
from harness.data.packing.pieces import Piece, Task, pack
from harness.data.photographs import SIDE
from harness.records.files import read, write_whole

SAVE_EVERY = 5.0  # seconds
UNREADABLE = "unreadable.txt"
SAVED = ("done", "digests", "total", "products", "origins")  # in a split's state
Packed = Callable[[str, int], None]  # the split, and how many more of its images are packed


class State:
    """Which pieces of a split are on disk, and the sums over them."""

    def __init__(self, pixels: Path, names: Sequence[str], places: Sequence[Location]) -> None:
        """Loads what `save` left, if it is for the same images in the same order and these exist."""
        count = len(list(spans(len(names))))
        self.pixels, self.path = pixels, pixels.with_suffix(".state.npz")
        self.plan = hashlib.sha256("\n".join([f"{VERSION} {count}", *names]).encode()).digest()
        self.done = np.zeros(count, bool)
        self.digests = np.zeros((count, 32), np.uint8)
        self.total = np.zeros((SIDE, SIDE, 3), np.int64)
        self.products = np.zeros((3, 3), np.int64)
        self.origins = _origins(places)
        self.discarded = False  # whether what an earlier run packed is of other images
        self._resume(pixels.exists() and pixels.stat().st_size == len(names) * IMAGE)

    def _resume(self, there: bool) -> None:
        """Loads what `save` left, unless it is for other images, or damaged."""
        with contextlib.suppress(Exception), np.load(io.BytesIO(read(self.path))) as saved:
            found = {name: saved[name] for name in SAVED}
            own = all((found[name].shape, found[name].dtype) == self._kind(name) for name in SAVED)
            done, origins = found["done"], found.pop("origins")
            same = there and saved["plan"].tobytes() == self.plan and own
            if same and np.array_equal(origins[done], self.origins[done]):
                vars(self).update(found)
            else:
                self.discarded = bool(done.any())
                self.path.unlink()  # it would soon describe pixels that have been overwritten

    def _kind(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        own: np.ndarray = getattr(self, name)
        return own.shape, own.dtype

    def take(self, piece: Piece) -> None:
        """Adds a piece: all of it or nothing, though Ctrl-C may come at any moment."""
        done, digests = self.done.copy(), self.digests.copy()
        done[piece.number], digests[piece.number] = True, np.frombuffer(piece.digest, np.uint8)
        total, products = self.total + piece.total, self.products + piece.products
        vars(self).update(done=done, digests=digests, total=total, products=products)

    def save(self) -> None:
        """Flushes the pixels, then replaces the state atomically."""
        with self.pixels.open("rb+") as file:
            os.fsync(file.fileno())
        content = {name: getattr(self, name) for name in SAVED}
        made = io.BytesIO()
        np.savez(made, plan=np.frombuffer(self.plan, np.uint8), **content)
        _keep(self.path, made.getvalue())


def write(
    target: Path,
    dataset: str,
    found: Survey,
    workers: int,
    packed: Packed = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> Index:
    """Packs every split into `target`; DataError for a full disk or images that cannot be read.

    `packed` is called at once with what an earlier run packed; `say` is told if that cannot be kept.
    """
    folder = part_of(target)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if target.exists():  # another process has completed it since it was looked for
            with contextlib.suppress(OSError):
                folder.rmdir()
            return Pack(target).index
        states = {
            split: State(folder / f"{split}.pixels", found.names(split), places)
            for split, (places, _) in found.splits.items()
        }
        for split in (split for split, state in states.items() if state.discarded):
            say(f"{split}: packing starts over, since the images packed before are not those of this source")
        _reserve(folder, found)
        unreadable = _pack(folder, found, states, workers, packed)
        if unreadable:
            raise _refused(folder, unreadable)
        index = _finish(folder, dataset, found, states)
        folder.rename(target)
    for leftover in [*target.glob("*.state.npz"), target / UNREADABLE]:
        leftover.unlink(missing_ok=True)
    return index


def _origins(places: Sequence[Location]) -> np.ndarray:
    """The SHA-256 of what each piece is made from, uint8 (pieces, 32)."""
    listed = ("\n".join(place.origin for place in places[i:end]) for i, end in spans(len(places)))
    digests = b"".join(hashlib.sha256(lines.encode()).digest() for lines in listed)
    return np.frombuffer(digests, np.uint8).reshape(-1, 32)


def part_of(target: Path) -> Path:
    """The folder in which a pack grows until it is complete."""
    return target.with_name(f"{target.name}.part")


def _pack(folder: Path, found: Survey, states: dict[str, State], workers: int, packed: Packed) -> list[str]:
    """Packs what is missing; returns what could not be read."""
    unreadable: list[str] = []
    with _pool(workers) as pool:
        for split, (places, _) in found.splits.items():
            state = states[split]
            pieces = list(enumerate(spans(len(places))))
            packed(split, sum(end - start for i, (start, end) in pieces if state.done[i]))
            tasks = (
                Task(i, start, places[start:end], state.pixels)
                for i, (start, end) in pieces
                if not state.done[i]
            )
            unreadable += _take(state, _results(pool, tasks, 2 * workers), partial(packed, split))
    return unreadable


def _take(state: State, pieces: Iterator[Piece], packed: Callable[[int], None]) -> list[str]:
    unreadable: list[str] = []
    saved = time.monotonic()
    try:
        for piece in pieces:
            unreadable += piece.unreadable
            if not piece.unreadable:
                state.take(piece)
                packed(piece.images)
            if time.monotonic() - saved >= SAVE_EVERY:
                state.save()
                saved = time.monotonic()
    finally:
        state.save()
    return unreadable


def _results(pool: ProcessPoolExecutor, tasks: Iterator[Task], most: int) -> Iterator[Piece]:
    """Outcomes as they arrive, with at most `most` tasks in progress; an interruption still yields those."""
    running: set[Future[Piece]] = set()
    try:
        for task in tasks:
            with without_ctrl_c():  # it may start a worker
                running.add(pool.submit(pack, task))
            if len(running) >= most:
                yield from _ended(running, FIRST_COMPLETED)
        while running:
            yield from _ended(running, FIRST_COMPLETED)
    except (KeyboardInterrupt, OSError):
        yield from (f.result() for f in wait(running).done if f.exception() is None)
        raise


def _ended(running: set[Future[Piece]], when: str) -> Iterator[Piece]:
    for future in wait(running, return_when=when).done:
        running.discard(future)
        yield future.result()


def _reserve(folder: Path, found: Survey) -> None:
    """Creates files of their final size; DataError, before hours of work, if the disk cannot hold them."""
    sizes = {folder / f"{split}.pixels": len(found.splits[split][0]) * IMAGE for split in found.splits}
    there = sum(path.stat().st_blocks * 512 for path in sizes if path.exists())
    disk = os.statvfs(folder)
    free, needed = disk.f_bavail * disk.f_frsize, sum(sizes.values()) - there
    if needed > free:
        raise DataError(
            f"{folder} has room for {_gigabytes(free)}, the pack needs {_gigabytes(needed)} more; "
            "free some, or name a folder on another disk with --out"
        )
    for path, size in sizes.items():
        with path.open("ab") as file:
            file.truncate(size)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"


def _finish(folder: Path, dataset: str, found: Survey, states: dict[str, State]) -> Index:
    """Writes labels, names, mean and, last, the index."""
    train = states["train"]
    splits = {split: _split(folder, found, split, states[split]) for split in found.splits}
    red, green, blue = map(int, train.total.sum((0, 1)))
    of_red, of_green, of_blue = ((int(r), int(g), int(b)) for r, g, b in train.products)
    products = of_red, of_green, of_blue
    colours = Colours(splits["train"].images * IMAGE // 3, (red, green, blue), products)
    index = Index(dataset, found.classes, splits, _keep(folder / MEAN, _npy(train.total)), colours)
    _keep(folder / INDEX, index.text().encode())
    return index


def _split(folder: Path, found: Survey, split: str, state: State) -> Split:
    labels = _npy(np.array(found.splits[split][1], np.int64))
    names = "".join(f"{name}\n" for name in found.names(split)).encode()
    return Split(
        len(found.splits[split][0]),
        tuple(row.tobytes().hex() for row in state.digests),
        _keep(folder / f"{split}.labels.npy", labels),
        _keep(folder / f"{split}.names.txt", names),
    )


def _npy(array: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def _keep(path: Path, content: bytes) -> str:
    """Writes the file atomically; returns its SHA-256."""
    write_whole(path, content)
    return digest(content)


def _refused(folder: Path, unreadable: Sequence[str]) -> DataError:
    listed = folder / UNREADABLE
    _keep(listed, "".join(f"{line}\n" for line in unreadable).encode())
    return DataError(
        f"{len(unreadable)} images cannot be read, all listed in {listed}; the first: {unreadable[0]}; "
        "replace them and run the same command again, which keeps all that is packed"
    )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Locks the folder; DataError if another process holds it."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataError(f"{folder} is being written by another process; wait for it, or end it") from None
    finally:
        os.close(held)


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes, which end with the block; DataError if one of them was killed."""
    spawned, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
    try:
        with ProcessPoolExecutor(workers, mp_context=spawned, initializer=_start_worker) as pool:
            try:
                yield pool
            finally:
                _end(set(multiprocessing.active_children()) - set(others))
    except BrokenProcessPool:
        raise DataError(
            f"one of {workers} workers was killed, perhaps for lack of memory; "
            "run the same command again, with fewer --workers: it resumes where it was"
        ) from None


def _end(workers: Iterable[BaseProcess]) -> None:
    """Kills workers that have nothing left to do.

    Asked to end, they might never do so, and the executor would wait for them: a worker killed while waiting
    for a task leaves the lock of their queue locked.
    """
    for worker in workers:
        worker.kill()


def _start_worker() -> None:
    """Leaves Ctrl-C to the parent, and ensures that a worker never outlives its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
