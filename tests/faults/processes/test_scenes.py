"""Which words in a command's output are a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.processes.scenes import RUN

OURS = """train: 3 of 9 images
Traceback (most recent call last):
  File "harness/data/packing/prepare.py", line 30, in prepare
    index = read(path)
EOFError: Ran out of input
"""
# What a child of Python's multiprocessing says if its parent is gone before it is told what to do.
ORPHANS = """Traceback (most recent call last):
  File "<string>", line 1, in <module>
  File "multiprocessing/spawn.py", line 122, in spawn_main
    exitcode = _main(fd, parent_sentinel)
               ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "multiprocessing/spawn.py", line 130, in _main
    preparation_data = reduction.pickle.load(from_parent)
EOFError: Ran out of input
"""


@pytest.mark.parametrize(
    ("said", "faults"),
    [("all is well", 0), (OURS, 1), (ORPHANS, 0), (ORPHANS + OURS, 1), (OURS + ORPHANS, 1)],
)
def test_a_traceback_is_a_fault_unless_it_is_an_orphans(said: str, faults: int, tmp_path: Path) -> None:
    (tmp_path / "output").write_text(said)
    assert len(RUN.traceback(tmp_path)) == faults
