"""A trial's progress, noted beside its lease for other processes to read, and removed with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.contract.session import TrialProgress
from harness.records.files import MALFORMED, read, write_over

SUFFIX = ".so-far"
LONGEST = 1_000  # bytes in a note at most


@dataclass(frozen=True)
class SoFar:
    """What a trial last reported, and at most how long it needed from then on, if known."""

    progress: TrialProgress
    seconds_left: float | None = None


def publish(lease: Path, so_far: SoFar) -> None:
    """Writes the note; a disk error is ignored, since the next note makes up for it."""
    with suppress(OSError):
        write_over(_beside(lease), msgspec.json.encode(so_far))


def noted(lease: Path) -> SoFar | None:
    """The latest note; None if there is none, or the file is not a note."""
    with suppress(*MALFORMED):
        return msgspec.json.decode(read(_beside(lease), LONGEST), type=SoFar)
    return None


def forget(lease: Path) -> None:
    """Removes the note."""
    with suppress(OSError):
        _beside(lease).unlink()


def notes(folder: Path) -> list[Path]:
    """The leases that have a note, whether or not the leases still exist."""
    return [path.with_suffix("") for path in folder.glob(f"*{SUFFIX}")]


def _beside(lease: Path) -> Path:
    return lease.with_name(f"{lease.name}{SUFFIX}")
