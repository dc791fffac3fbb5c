"""Untrusted inputs: every file that the program reads, damaged at random and read.

    python -m tests.faults --fuzz 100000 --seed 1

Each input is read in this process, under a deadline and with little memory to spare, while everything is
watched that opens files for writing, starts programs or runs code. It must be accepted, or refused in one
sentence.
"""

from __future__ import annotations

import random
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.inputs.guard import Guard, Hang, little_memory
from tests.faults.inputs.target import Target
from tests.faults.page import Findings

COLUMNS = ("read", "inputs", "taken", "refused in a sentence", "faults")
GUARD = Guard()


def run(count: int, seed: int, chosen: str = "") -> Findings:
    """This many damaged inputs, spread over every kind of file, or over the kinds whose names begin so."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # readers may remark on what they read
        folder = Path(name).resolve()
        found = [target for target in targets(folder) if target.name.startswith(chosen)]
        with little_memory(), _no_bytecode():
            told = [_fuzzed(target, _inputs(target, found, count), seed, folder) for target in found]
    rows = [row for row, _ in told]
    summary = f"{sum(int(str(row[1])) for row in rows):,} inputs, seed {seed}."
    return Findings("Damaged inputs", summary, COLUMNS, rows, [fault for _, of in told for fault in of])


def targets(folder: Path) -> list[Target]:
    """Every kind of file, with intact ones to start from, in `folder`."""
    from tests.faults.inputs import data_files, stored, weight_files

    return [*stored.targets(folder / "results"), *data_files.targets(folder), *weight_files.targets(folder)]


def _inputs(target: Target, found: Sequence[Target], count: int) -> int:
    return max(1, round(count * target.share / sum(one.share for one in found)))


def _fuzzed(target: Target, count: int, seed: int, folder: Path) -> tuple[list[object], list[str]]:
    """The target's row, and its faults: each kind once, with the number of the input that shows it."""
    chance = random.Random(f"{seed} {target.name}")
    outcomes, faults = Counter[str](), dict[str, str]()
    for number in range(count):
        outcome = _one(target, chance, folder)
        kind = outcome if outcome in ("taken", "refused") else "fault"
        outcomes[kind] += 1
        if kind == "fault":
            faults.setdefault(outcome.partition(":")[0], f"{target.name}, input {number}: {outcome}")
    row = [target.name, count, outcomes["taken"], outcomes["refused"], outcomes["fault"]]
    return row, list(faults.values())


def _one(target: Target, chance: random.Random, folder: Path) -> str:
    """What became of one input: accepted, refused, or a fault in words."""
    content, number = target.damaged(chance)
    try:
        with GUARD.watching(folder) as seen:
            outcome = target.outcome(content, number)
    except Hang:
        return "hang"
    except Exception as error:  # any exception is a fault
        return f"{type(error).__name__} in {_where(error)}: {error!s:.200}"
    return f"did what it may not: {seen[0]}" if seen else outcome


def _where(error: BaseException) -> str:
    """The project's innermost line that an error came through."""
    trace, found = error.__traceback__, "?"
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if {"harness", "reproductions"} & set(file.parts) and "site-packages" not in file.parts:
            found = f"{file.name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


class _no_bytecode:  # noqa: N801  # what is imported late may not write beside its source
    def __enter__(self) -> None:
        self.before, sys.dont_write_bytecode = sys.dont_write_bytecode, True

    def __exit__(self, *_: object) -> None:
        sys.dont_write_bytecode = self.before
