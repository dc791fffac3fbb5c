"""How far a trial is, noted beside its lease for whoever looks at the store, and removed with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.contract.session import TrialProgress
from harness.records.files import write_over

SUFFIX = ".so-far"
LONGEST = 1_000  # bytes that a note may have


@dataclass(frozen=True)
class SoFar:
    """What a trial said last, and how long it would take at most from then on, if that is known."""

    progress: TrialProgress
    seconds_left: float | None = None


def publish(lease: Path, so_far: SoFar) -> None:
    """Writes it, as well as the disk lets it: the next note puts right what this one could not."""
    with suppress(OSError):
        write_over(_beside(lease), msgspec.json.encode(so_far))


def noted(lease: Path) -> SoFar | None:
    """What was noted last; None where nothing was, or what is there is no note."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        path = _beside(lease)
        if path.is_file():
            with path.open("rb") as file:
                return msgspec.json.decode(file.read(LONGEST), type=SoFar)
    return None


def forget(lease: Path) -> None:
    """Removes the note."""
    with suppress(OSError):
        _beside(lease).unlink()


def notes(folder: Path) -> list[Path]:
    """The leases of which there is a note, whether they are there or not."""
    return [path.with_suffix("") for path in folder.glob(f"*{SUFFIX}")]


def _beside(lease: Path) -> Path:
    return lease.with_name(f"{lease.name}{SUFFIX}")
