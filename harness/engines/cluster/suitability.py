"""Whether a node has what a trial was planned with: code, torch, Numba, device, data. Does not need Ray."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fasteners import InterProcessLock

from harness.contract import plugins
from harness.contract.device import CPU, Device
from harness.contract.errors import DataError, EngineError, StoreError
from harness.contract.trial import Precision
from harness.data import sources
from harness.data.catalogue import DATA_SETS
from harness.data.sources import Source
from harness.engines.machine import gpus
from harness.records import environment
from harness.records.conditions import Conditions, DataIdentity
from harness.records.provenance import packages_hash, provenance

SILENCE = 20.0  # seconds without a byte before a download is abandoned


@dataclass(frozen=True)
class Expected:
    """What the driver planned trials with, and a node must have as well."""

    source: str  # hash of the program's files
    packages: str  # hash of the files of packages that provide papers and reproductions
    conditions: Conditions
    data: Path | None  # where the driver has the data set
    folder: Path  # for checkpoints and for files shared between trials
    hardware: str | None = None  # None: any
    compiler: str | None = field(default_factory=lambda: environment.version("numba"))


def check(expected: Expected) -> Path | None:
    """Where this node has the data; a HarnessError says what the node lacks and how to get it."""
    _check_code(expected.source)
    _check_packages(expected.packages)
    _check_torch(expected.conditions.torch)
    _check_compiler(expected.compiler)
    device = device_for(expected.conditions)
    _check_device(device, expected.conditions.precision)
    _check_hardware(device, expected.hardware)
    _check_folder(expected.folder)
    return _data(expected.conditions.data, expected.data)


def device_for(conditions: Conditions) -> Device:
    """The device of a trial on this node: Ray shows it only its own GPUs, numbered from 0."""
    single = conditions.devices == 1
    return Device(conditions.device, 0 if single and not conditions.on(CPU) else None, conditions.devices)


def hardware(device: Device) -> str:
    """The name of the CPU or GPU; empty for a GPU that torch cannot reach."""
    return (gpus.name(device) or "") if device.cuda else environment.cpu_name()


def _check_code(source: str) -> None:
    here = provenance().source
    if here != source:
        raise EngineError(
            f"its code differs (source {here}; {source} where the run was started): "
            "check out the same commit, without other changes, on every node"
        )


def _check_packages(packages: str) -> None:
    if packages_hash() != packages:
        here = plugins.versions() or "none"
        raise EngineError(
            f"its packages with reproductions (it has {here}) differ from those where the run was started: "
            "install the same ones on every node"
        )


def _check_torch(version: str) -> None:
    here = environment.torch_version()
    if here != version:
        raise EngineError(
            f"it has torch {here}, but the trials are for {version}: install the pinned versions on every "
            "node with 'make environment'"
        )


def _check_compiler(version: str | None) -> None:
    """On a CPU Numba compiles the norms, and without it they are rounded differently."""
    here = environment.version("numba")
    if here != version:
        raise EngineError(
            f"it has Numba {here or 'not at all'}, but the trials are for {version or 'nodes without it'}: "
            "install the pinned versions on every node with 'make environment'"
        )


def _check_device(device: Device, precision: Precision) -> None:
    have = gpus.count() if device.cuda else device.count
    if have < device.count:
        raise EngineError(f"torch sees {have} CUDA devices there, but a trial needs {device.count}")
    if precision is Precision.BF16 and not environment.has_bf16(device.kind):
        raise EngineError(
            "its hardware has no bf16, and emulating it is ten times slower: give --precision fp32"
        )


def _check_hardware(device: Device, expected: str | None) -> None:
    here = hardware(device)
    if expected not in (None, here):
        raise EngineError(f"it has {here}, but only runs on the same hardware are compared ({expected})")


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be created there ({error.strerror}): name a folder that all nodes can write to "
            "with --storage"
        ) from None


def _data(identity: DataIdentity | None, place: Path | None) -> Path | None:
    """The data found by the usual search, starting in the driver's folder; CIFAR-10 is downloaded."""
    if identity is None or identity.stand_in:
        return None
    found = _found(identity.dataset, place)
    if found.identity != identity:
        raise DataError(f"{found.place} holds {found.identity}, but the trials are for {identity}")
    if not DATA_SETS[identity.dataset].photographs and found.place is not None:
        _verify(found.place)
    return found.place


def _found(dataset: str, place: Path | None) -> Source:
    near = place.parent if place is not None and place.parent.is_dir() else None
    found = sources.find(dataset, near)
    if found is None and not DATA_SETS[dataset].photographs:
        found = _fetch(dataset)
    if found is None:
        raise sources.missing(dataset, near)
    return found


def _fetch(dataset: str) -> Source | None:
    """The data set, downloaded by one process of this machine at a time."""
    from harness.data import cifar10

    root = sources.destination(None)
    with _one_at_a_time(root), _impatient():
        cifar10.fetch(root)
    return sources.find(dataset, None)


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    lock = root / ".fetching"
    with InterProcessLock(lock):
        yield
    lock.unlink(missing_ok=True)


@contextmanager
def _impatient() -> Iterator[None]:
    """Sets a timeout, since a network that drops packets would otherwise hang forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@cache
def _verify(place: Path) -> None:
    """Checks every file of CIFAR-10 against its official MD5, once per process."""
    from harness.data import cifar10

    cifar10.verify(place)
