"""The short form of the kill tests: `python -m tests.faults --kills 200 --seed 1` is the long one."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults.processes import victims
from tests.faults.processes.kills import DEADLINE, Hunt
from tests.faults.processes.scenes import PREPARE, RUN

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's list of processes")


def test_packing_killed_a_few_times_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    hunt = Hunt(PREPARE, tmp_path, random.Random(1))
    while hunt.kills.total() < 3:
        hunt.kill()
    hunt.end()
    assert hunt.faults == []
    assert hunt.compared


def test_a_second_ctrl_c_ends_a_run_at_once_with_all_of_its_processes(tmp_path: Path) -> None:
    with RUN.start(tmp_path) as process:
        end = time.monotonic() + 120
        while not list(tmp_path.glob("results/leases/*.1")) and time.monotonic() < end:
            time.sleep(0.01)
        family = victims.below(process.pid)
        for _ in range(2):
            victims.send([process.pid, *family], signal.SIGINT)
            time.sleep(0.1)
        assert process.wait(DEADLINE) == 1
    end = time.monotonic() + 10  # Python's own resource tracker ends when it sees that the others are gone
    while victims.alive(family) and time.monotonic() < end:
        time.sleep(0.01)
    assert victims.alive(family) == []
    assert RUN.bad(tmp_path) == []
    assert "Traceback" not in (tmp_path / "output").read_text()
    assert not (tmp_path / "results" / "leases").exists()
