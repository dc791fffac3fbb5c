"""Default values of options, read from a file in the current folder and handed to typer.

Precedence: the command line, then the environment, then the file, then the option's own default.
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
# Each key with the commands it applies to: `data prepare --workers` is not `run --workers`.
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
    """The values a file sets, by key; `file` is empty if there is none."""

    file: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        if not self.file:
            return f"none: {FILE} or [tool.{TABLE}] of {PROJECT} in the current folder can set some"
        return f"{self.file}: {', '.join(f'{key} = {value}' for key, value in self.values.items())}"


def read(folder: Path = Path()) -> Defaults:
    """The defaults in repro.toml, else in pyproject.toml; BadValue for anything that is not a setting."""
    file = folder / FILE
    if file.is_file():
        return Defaults(FILE, _checked(FILE, _toml(file)))
    if (folder / PROJECT).is_file():
        tools = _toml(folder / PROJECT).get("tool")
        found = tools.get(TABLE) if isinstance(tools, dict) else None
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
        raise BadValue(f"{file}: tool.{TABLE} is not a table: write [tool.{TABLE}] with keys below it")
    for key, value in found.items():
        if key not in KEYS:
            raise UnknownName(f"key in {file}", key, KEYS)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise BadValue(f"{file}: {key} = {value!r} must be a string or a whole number")
    return found


def apply(context: typer.Context) -> None:
    """Makes them the defaults of every command that has the option."""
    found = read()
    commands: Mapping[str, Any] = getattr(context.command, "commands", {})
    for key, value in found.values.items():
        for name in KEYS[key]:
            _check(found.file, key, value, commands[name], context)
    taken = {key: value for key, value in found.values.items() if not _from_environment(key)}
    context.default_map = {name: _of(name, command, taken) for name, command in commands.items()}


def _from_environment(key: str) -> bool:
    """Whether an environment variable sets it, which takes precedence over the file."""
    return key == "data-dir" and bool(os.environ.get(VARIABLE))


def _of(name: str, command: Any, taken: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a command, or of each of its subcommands."""
    own = {key.replace("-", "_"): str(value) for key, value in taken.items() if name in KEYS[key]}
    below = getattr(command, "commands", {})
    return dict.fromkeys(below, own) if below else own


def _check(file: str, key: str, value: object, command: Any, context: typer.Context) -> None:
    """BadValue if the option does not accept the value."""
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
