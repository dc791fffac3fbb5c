"""Options that a user would give each time, from a file in the current folder: they become typer's defaults.

The command line beats the environment, that the file, and that the option's own default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from harness.contract.device import Device
from harness.contract.errors import BadValue, HarnessError, UnknownName
from harness.data.sources import VARIABLE

FILE, PROJECT, TABLE = "repro.toml", "pyproject.toml", "alexnet-repro"
# Each with the commands that it is for: `data prepare --workers` is no `run --workers`.
KEYS: Mapping[str, tuple[str, ...]] = {
    "results-dir": ("list", "run", "status", "watch", "explain", "export", "bench", "report", "doctor"),
    "data-dir": ("run", "bench", "doctor", "evaluate", "data"),
    "device": ("run", "bench", "evaluate"),
    "precision": ("run", "bench"),
    "workers": ("run",),
    "gpus": ("run",),
    "engine": ("run",),
    "address": ("run",),
    "storage": ("run",),
}


@dataclass(frozen=True)
class Defaults:
    """What a file sets, by key; `file` is empty where there is none."""

    file: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        if not self.file:
            return f"none: {FILE} or [tool.{TABLE}] of {PROJECT} in the current folder would set some"
        return f"{self.file}: {', '.join(f'{key} = {value}' for key, value in self.values.items())}"


def read(folder: Path = Path()) -> Defaults:
    """Those of repro.toml or, where that is not there, of pyproject.toml; BadValue for what is no setting."""
    file = folder / FILE
    if file.is_file():
        return Defaults(FILE, _checked(FILE, _toml(file)))
    if (folder / PROJECT).is_file():
        found = _toml(folder / PROJECT).get("tool", {}).get(TABLE)
        if found is not None:
            return Defaults(PROJECT, _checked(PROJECT, found))
    return Defaults("", {})


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadValue(f"{file} cannot be read ({error}): correct it, or move it away") from error


def _checked(file: str, found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise BadValue(f"{file}: tool.{TABLE} is no table: write [tool.{TABLE}] with keys below it")
    for key, value in found.items():
        if key not in KEYS:
            raise UnknownName(f"key in {file}", key, KEYS)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise BadValue(f"{file}: {key} = {value!r} must be a text or a whole number")
    return found


def apply(context: typer.Context) -> None:
    """Makes them the defaults of the commands that have such an option."""
    found = read()
    commands: Mapping[str, Any] = getattr(context.command, "commands", {})
    for key, value in found.values.items():
        for name in KEYS[key]:
            _check(found.file, key, value, commands[name], context)
    taken = {key: value for key, value in found.values.items() if not _from_environment(key)}
    context.default_map = {name: _of(name, command, taken) for name, command in commands.items()}


def _from_environment(key: str) -> bool:
    """Whether a variable says it, which comes before the file."""
    return key == "data-dir" and bool(os.environ.get(VARIABLE))


def _of(name: str, command: Any, taken: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a command, or of each command below it."""
    own = {key.replace("-", "_"): str(value) for key, value in taken.items() if name in KEYS[key]}
    below = getattr(command, "commands", {})
    return dict.fromkeys(below, own) if below else own


def _check(file: str, key: str, value: object, command: Any, context: typer.Context) -> None:
    """BadValue where the option would not take the value."""
    try:
        for option in _options(command, key.replace("-", "_")):
            option.process_value(context, str(value))
        if key == "device" and value != "auto":
            Device.parse(str(value))
        if key in ("workers", "gpus") and int(str(value)) < 1:
            raise BadValue("it must be at least 1")
    except (HarnessError, typer.BadParameter) as error:
        raise BadValue(f"{file}: {key} = {value!r}: {error}") from error


def _options(command: Any, name: str) -> Iterator[Any]:
    for one in (command, *getattr(command, "commands", {}).values()):
        yield from (option for option in one.params if option.name == name)
