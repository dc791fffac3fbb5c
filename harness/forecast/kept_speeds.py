"""Speeds of this machine that no record tells: measured once and kept in the store, `<results>/speeds.json`.

A speed is of one worker, in useful multiply-adds per second. Reading them needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from harness.contract.device import Device
from harness.contract.trial import Precision
from harness.records import environment
from harness.records.files import read, write_whole

FILE = "speeds.json"
Positive = Annotated[float, msgspec.Meta(ge=1, le=1e21)]  # a speed: no worker does so few or so many
Table = dict[str, dict[str, dict[Precision, Positive]]]  # by hardware, torch's version and precision


def kept(root: Path, device: Device) -> Mapping[Precision, float]:
    """What was measured on one of such devices, with today's torch."""
    hardware = environment.hardware(device)
    return _read(root).get(hardware or "", {}).get(environment.torch_version(), {})


def missing(root: Path, device: Device, wanted: Iterable[Precision]) -> list[Precision]:
    """Those of the wanted precisions that could be kept and are not; none where the hardware has no name."""
    if environment.hardware(device) is None:
        return []
    return sorted(set(wanted) - kept(root, device).keys())


def keep(root: Path, device: Device, measured: Mapping[Precision, float]) -> None:
    """Adds speeds to those that are kept, in place of a damaged file; OSError where none can be written."""
    hardware, torch = environment.hardware(device), environment.torch_version()
    if hardware is None:
        return
    table = _read(root)
    table.setdefault(hardware, {}).setdefault(torch, {}).update(measured)
    write_whole(root / FILE, json.dumps(table, indent=1, sort_keys=True) + "\n")


def _read(root: Path) -> Table:
    """All that is kept; nothing where the file is missing or damaged, so that it is measured again."""
    try:
        return msgspec.json.decode(read(root / FILE), type=Table)
    except (OSError, UnicodeError, RecursionError, msgspec.DecodeError):
        return {}
