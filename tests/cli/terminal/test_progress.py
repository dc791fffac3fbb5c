"""What a person sees of long-running work: bars on a terminal, lines elsewhere, markup nowhere."""

from __future__ import annotations

import io
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import repro
from harness.bench import bench
from harness.cli.commands import data
from harness.cli.terminal import progress
from harness.cli.terminal.progress import Bars, Lines, Progress, progress_on
from harness.contract.progress import SILENT, tracked
from harness.data import cifar10
from harness.data.packing import ilsvrc, pack, pieces, writer
from tests.fakes.bench import measured
from tests.fakes.evidence.experiments import Clock
from tests.fakes.photographs import contents, folders


def soon(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something becomes true within this many seconds."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=140, _environ={"TERM": "xterm"})


def plain() -> Console:
    return Console(file=io.StringIO(), width=40, _environ={})


def lines(clock: Clock | None = None, interval: float = 30) -> Lines:
    return Lines(plain(), interval, clock=clock or Clock())


def written(shown: Progress) -> str:
    assert isinstance(shown.console.file, io.StringIO)
    return shown.console.file.getvalue()


def test_a_terminal_gets_bars_and_all_else_lines() -> None:
    assert isinstance(progress_on(terminal()), Bars)
    assert isinstance(progress_on(plain()), Lines)
    dumb = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(progress_on(dumb), Lines)


def test_lines_come_by_themselves_while_nothing_happens() -> None:
    with Lines(plain(), interval=0.1, patience=0.1) as shown, shown.task("looking"):
        assert soon(lambda: len(re.findall(r"^looking: 0\.\d s so far$", written(shown), re.MULTILINE)) >= 3)
    said = written(shown)
    assert re.fullmatch(r"looking: done in [\d.]+ s", said.splitlines()[-1])
    time.sleep(0.3)
    assert written(shown) == said


def test_what_is_soon_over_gets_no_line_and_what_fails_none_that_says_done() -> None:
    clock = Clock()
    shown = lines(clock)
    with shown.task("short", 3) as advance:
        advance(3)
        clock.now = 1.9
        shown.beat()
    assert written(shown) == ""

    def fail() -> None:
        with shown.task("long", 4, done=2, unit="images") as advance:
            advance(1)
            clock.now = 11.9
            shown.beat()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert written(shown) == "long: 3 of 4 images, 10 s left\n"


class Flushed(io.StringIO):
    """A stream that knows what was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.out = ""

    def flush(self) -> None:
        self.out = self.getvalue()


def test_every_line_is_written_out_at_once_and_whole() -> None:
    stream = Flushed()
    shown = Lines(Console(file=stream, width=40), interval=0.01, patience=0)
    said = ["a line that is longer than the width of the console, by far"] * 50

    def write() -> None:
        for sentence in said:
            shown.say(sentence)
            assert stream.out.count(said[0]) >= 1

    threads = [threading.Thread(target=write) for _ in range(4)]
    with shown, shown.task("beside"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert stream.out.count(f"{said[0]}\n") == 200
    assert all(line == said[0] or line.startswith("beside: ") for line in stream.out.splitlines())


@pytest.mark.parametrize("shown", [Bars(terminal()), Lines(plain(), 0.01, 0)], ids=["bars", "lines"])
def test_names_and_sentences_are_no_markup(shown: Progress) -> None:
    with shown, shown.task("/data/[/x]/[bold]", 2) as advance:
        advance(1)
        shown.warn("[red]careful[/x]")
        assert soon(lambda: "/data/[/x]/[bold]" in written(shown))
    assert "[red]careful[/x]" in written(shown)


def test_tracked_items_come_through_and_are_counted() -> None:
    shown = Bars(terminal())
    for tracker in (SILENT, shown):
        assert list(tracked("abc", "drawing", tracker)) == ["a", "b", "c"]
    with shown:
        list(tracked("abc", "drawing", shown))
    assert "drawing" in written(shown)
    SILENT.say("nothing")
    SILENT.warn("nothing")


def test_a_download_is_followed_and_the_library_s_own_bar_is_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(root: Path) -> Path:
        print("a bar of its own", file=sys.stderr)
        (root / data.ARCHIVE).write_bytes(b"0" * 2_500_000)
        assert soon(lambda: "fetching CIFAR-10: 2 of 170 MB" in written(shown))
        return root / "cifar"

    monkeypatch.setattr(cifar10, "fetch", fetch)
    monkeypatch.setattr(data, "POLL", 0.01)
    shown = Lines(plain(), interval=0.05, patience=0.05)
    assert data.fetch(tmp_path, shown) == tmp_path / "cifar"
    assert f"Fetching CIFAR-10 (170 MB) into {tmp_path}" in written(shown)
    assert capsys.readouterr().err == ""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every task is reported at once, and again and again."""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "INTERVAL", 0.02)


def call(*arguments: str | Path) -> str:
    """What a command prints, on either stream."""
    done = CliRunner().invoke(repro.app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.usefixtures("impatient")
def test_commands_that_take_long_say_so_without_a_terminal(
    tmp_path: Path, cifar_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = call("report", "--results-dir", tmp_path)
    assert re.search(r"^judging claims: \d+ of \d+", report, re.MULTILINE)
    assert "checking CIFAR-10 in" in call("data", "verify", "--data-dir", cifar_root.parent)
    monkeypatch.setattr(bench, "measure", lambda *_: time.sleep(0.2) or measured("lrn"))
    assert "workloads: 0 of 1" in call("bench", "lrn")


@pytest.mark.usefixtures("impatient")
def test_packing_and_checking_a_pack_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_pool", ThreadPoolExecutor)
    monkeypatch.setitem(ilsvrc.CLASSES, "imagenette", 3)
    slow = pieces.pack
    monkeypatch.setattr(writer, "pack", lambda task: time.sleep(0.2) or slow(task))
    source = folders(tmp_path / "source", contents({"train": 3, "val": 3}))
    said = call("data", "prepare", "imagenette", "--source", source, "--out", tmp_path, "--workers", "1")
    assert "packing train: 9 of 9 images" in said
    assert re.search(r"^packing train: done in", said, re.MULTILINE)
    digest = pack.digest
    monkeypatch.setattr(pack, "digest", lambda content: time.sleep(0.05) or digest(content))
    checked = call("data", "verify", "imagenette", "--data-dir", tmp_path)
    assert re.search(r"^checking .*imagenette.pack: \d+ of 18 images", checked, re.MULTILINE)
