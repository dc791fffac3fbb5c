"""`run --detach`: a run that outlives its terminal, can be watched, and stops when told."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

from harness.records.store import Store
from tests.cli.terminal.test_progress import soon
from tests.contract.test_plugins import call
from tests.fakes.packages import coins, installed

WAITS = """
import time
from harness.contract.session import Interrupted

def run(trial, session):
    while not session.stopping():
        time.sleep(0.01)
    raise Interrupted
"""


def test_it_goes_on_by_itself_is_seen_by_watch_and_stops_when_told(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "doe-coins", coins() | {"coins_program.py": WAITS})
    begun = call(tmp_path, "run", "coin-toss", "--protocol", "smoke", "--workers", "1", "--detach")
    assert (begun.returncode, begun.stderr) == (0, "")
    found = re.match(r"running as process (\d+); its output is in (\S+)\n", begun.stdout)
    assert found is not None
    pid, log = int(found[1]), tmp_path / found[2]
    try:
        assert os.getsid(pid) == pid != os.getsid(0)
        assert soon(lambda: "coin-toss final 2 seed 0 2 sides: started" in log.read_text(), 120)
        (row,) = json.loads(call(tmp_path, "watch", "--json").stdout)
        assert row["trial"] == "coin-toss final 2 seed 0 2 sides"
        assert row["process"].startswith(f"process {pid} on ")
    finally:
        os.kill(pid, signal.SIGTERM)
    assert soon(lambda: "coin-toss at smoke (Doe 1999): 0 of 4 trials" in log.read_text(), 120)
    assert "Stopping: running trials are being saved" in log.read_text()
    assert log.parent == tmp_path / "results"
    assert Store(tmp_path / "results").records == []
