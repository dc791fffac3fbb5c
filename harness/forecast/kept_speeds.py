"""Speeds of this machine that no record gives: measured once and kept in the store, `<results>/speeds.json`.

A speed is that of one worker, in useful multiply-adds per second. Reading speeds needs no torch.
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
from harness.records.files import MALFORMED, read, write_whole

FILE = "speeds.json"
Positive = Annotated[float, msgspec.Meta(ge=1, le=1e21)]  # a speed: no worker is that slow or that fast
Table = dict[str, dict[str, dict[Precision, Positive]]]  # by hardware, torch's version and precision


def kept(root: Path, device: Device) -> Mapping[Precision, float]:
    """The speeds measured on this kind of device with the installed torch."""
    hardware = environment.hardware(device)
    return _read(root).get(hardware or "", {}).get(environment.torch_version(), {})


def missing(root: Path, device: Device, wanted: Iterable[Precision]) -> list[Precision]:
    """The wanted precisions whose speeds are not kept yet; none if the hardware has no name."""
    if environment.hardware(device) is None:
        return []
    return sorted(set(wanted) - kept(root, device).keys())


def keep(root: Path, device: Device, measured: Mapping[Precision, float]) -> None:
    """Adds speeds to the file, replacing a damaged one; OSError if it cannot be written."""
    hardware, torch = environment.hardware(device), environment.torch_version()
    if hardware is None:
        return
    table = _read(root)
    table.setdefault(hardware, {}).setdefault(torch, {}).update(measured)
    write_whole(root / FILE, json.dumps(table, indent=1, sort_keys=True) + "\n")


def _read(root: Path) -> Table:
    """All kept speeds; none if the file is missing or damaged, so that they are measured again."""
    try:
        return msgspec.json.decode(read(root / FILE), type=Table)
    except MALFORMED:
        return {}
