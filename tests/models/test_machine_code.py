"""Compiled functions: kept, not mistaken for one another, and compiled anew where keeping them fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.models.machine_code import compiled

TWICE = """
import numpy as np
from harness.models.machine_code import compiled

@compiled("f4(f4)")
def twice(a):
    return a + a

print(twice(np.float32(21)), sum(twice.stats.cache_hits.values()))
"""


def ran(program: Path, folder: Path) -> str:
    root = str(Path(__file__).resolve().parents[2])
    environ = os.environ | {"PYTHONPATH": root, "NUMBA_CACHE_DIR": str(folder)}
    done = subprocess.run([sys.executable, program], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_code_is_kept_for_the_next_process_and_made_anew_if_damaged(tmp_path: Path) -> None:
    program, folder = tmp_path / "twice.py", tmp_path / "kept"
    program.write_text(TWICE)
    assert [ran(program, folder) for _ in range(2)] == ["42.0 0", "42.0 1"]
    for kept in folder.rglob("*.nb*"):
        kept.write_bytes(kept.read_bytes()[:50])
    assert ran(program, folder) == "42.0 0"
    unwritable = tmp_path / "file"
    unwritable.write_text("")
    assert ran(program, unwritable / "below") == "42.0 0"


def test_each_closed_over_number_has_a_name_of_its_own() -> None:
    def adding(number: int) -> object:
        @compiled("f4(f4)")
        def add(a):  # type: ignore[no-untyped-def]
            return a + number

        return add

    one, two, again = adding(1), adding(2), adding(1)
    names = [add.py_func.__qualname__ for add in (one, two, again)]  # type: ignore[attr-defined]
    assert names[0] == names[2] != names[1]
    assert [add(np.float32(1)) for add in (one, two, again)] == [2, 3, 2]  # type: ignore[operator]


def test_a_fault_in_the_function_is_raised() -> None:
    with pytest.raises(Exception, match="undefined"):

        @compiled("f4(f4)")
        def wrong(a):  # type: ignore[no-untyped-def]
            return undefined(a)  # type: ignore[name-defined]  # noqa: F821
