"""`watch`: it tells who runs what from the leases as they are, and changes nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

import repro
from harness.cli.commands import watch
from harness.cli.running.rows import Rows
from harness.cli.running.trials import Trials
from harness.contract.errors import StoreError
from harness.contract.formatting import count
from harness.contract.processes import this_process
from harness.contract.session import TrialProgress
from harness.engines.leases import Holder
from harness.engines.messages import Messages
from harness.engines.runner import run
from harness.records.keys import key_of
from harness.records.record import Record
from harness.records.store import Store
from tests.cli.terminal.test_progress import lines, soon
from tests.fakes.evidence.experiments import Fake, Nobody, experiment

HERE = this_process()


def asked(root: Path, *words: str) -> str:
    arguments = ["watch", "--results-dir", str(root), *words]
    return CliRunner().invoke(repro.app, arguments, catch_exceptions=False, env={"COLUMNS": "200"}).stdout


def files(root: Path) -> Mapping[str, tuple[int, int]]:
    """What lies below a folder, with sizes and times, including the folders."""
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in root.rglob("*")}


class Watched(Fake):
    """An engine that somebody looks at during its third trial."""

    seen = ""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def finished(self) -> Iterator[Record]:
        if len(self.order) == 2:
            before = files(self.root)
            self.seen = asked(self.root) + asked(self.root, "--json")
            assert files(self.root) == before
        yield from super().finished()


def test_running_trials_are_named_with_who_runs_them(tmp_path: Path) -> None:
    engine, of = Watched(tmp_path), experiment(2)
    run([of], engine, Store(tmp_path), Nobody())
    table, _, listed = engine.seen.partition("[")
    third, fourth = (planned.trial for planned in of.evidence(Store(tmp_path)).plan.trials[2:])
    rows = {row["key"]: row for row in json.loads(f"[{listed}")}
    assert {key: row["trial"] for key, row in rows.items()} == {
        of.key(third): "relu-speedup final relu seed 0",
        of.key(fourth): "relu-speedup final relu seed 1",
    }
    assert {row["process"] for row in rows.values()} == {f"process {os.getpid()} on {HERE.host}"}
    assert all(row["silent_seconds"] < 60 for row in rows.values())
    assert "relu-speedup final relu seed 1" in table
    assert f"2 running in {tmp_path}; 2 records, the latest" in table
    assert asked(tmp_path).startswith(f"nothing is running in {tmp_path}; 4 records, the latest")


class Reporting(Fake):
    """An engine whose third trial reports its progress before somebody looks."""

    seen = ""

    def __init__(self, root: Path, messages: Messages) -> None:
        super().__init__()
        self.root, self.messages = root, messages

    def finished(self) -> Iterator[Record]:
        if len(self.order) == 2:
            key = key_of(*self.pending[0])
            for epoch in (1.0, 3.0):
                self.messages.put((key, TrialProgress(epoch, 12.0, 0.345)))
            assert soon(lambda: '"epoch": 3.0' in asked(self.root, "--json"))
            self.seen = asked(self.root) + asked(self.root, "--json")
        yield from super().finished()


def test_how_far_a_trial_is_can_be_seen_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.leases.BEAT", 0.01)
    messages: Messages = SimpleQueue()
    engine = Reporting(tmp_path, messages)
    with lines() as shown, Trials(Rows(shown), messages) as watcher:
        run([experiment(2)], engine, Store(tmp_path), watcher)
    table, _, listed = engine.seen.partition("[")
    third, fourth = sorted(json.loads(f"[{listed}"), key=lambda row: str(row["trial"]))
    assert (third["epoch"], third["epochs"], third["error"]) == (3.0, 12.0, 0.345)
    assert third["seconds_left"] > 0
    assert [fourth[name] for name in ("epoch", "epochs", "error", "seconds_left")] == [None] * 4
    assert table.count("epoch 3 of 12, error 34.5%, at most ") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records"]


def test_who_is_gone_is_left_out_and_who_is_silent_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    (tmp_path / "leases").mkdir()
    far = replace(HERE, host="far", machine="another")
    left = {"a.1": replace(HERE, pid=process.pid), "b.1": HERE, "b.2": far, "c.1": far}
    for name, whose in left.items():
        (tmp_path / "leases" / name).write_bytes(msgspec.json.encode(Holder(whose, "2026-01-01", "\x1b[2J")))
    (tmp_path / "leases" / "d.1").write_bytes(b"no lease")
    an_hour_ago = time.time() - 3600
    os.utime(tmp_path / "leases" / "b.2", (an_hour_ago, an_hour_ago))
    rows = {row["key"]: row for row in json.loads(asked(tmp_path, "--json"))}
    assert set(rows) == {"b", "c", "d"}
    assert rows["b"]["process"] == f"process {HERE.pid} on far"
    assert rows["b"]["silent_seconds"] >= 3600 > rows["c"]["silent_seconds"]
    assert "unknown machine" in rows["d"]["process"]
    shown = asked(tmp_path)
    assert "\x1b" not in shown
    assert shown.count("silent for") == 1
    assert f"{HERE.pid} on far, silent for 60 min" in shown


def test_a_terminal_is_drawn_again_until_ctrl_c(tmp_path: Path) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=140, _environ={"TERM": "xterm"})
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        (tmp_path / "records").mkdir(exist_ok=True)
        (tmp_path / "records" / f"{len(waits)}.json").touch()
        if len(waits) == 3:
            raise KeyboardInterrupt

    watch.show(tmp_path, False, screen, wait)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert [f"; {count(n, 'record')}" in shown for n in range(4)] == [True, True, True, False]


def test_a_folder_that_is_not_there_runs_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path / "nowhere") == f"nothing is running in {tmp_path / 'nowhere'}; 0 records\n"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file is not a folder; name the folder of a store"):
        asked(tmp_path / "file")
