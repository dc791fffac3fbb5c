"""Standard output of every kind: without a terminal, without Unicode, full, closed; names with brackets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.terminal.console import Output
from harness.cli.terminal.tables import FAILURE, WARNING, say
from harness.contract.trial import Trial
from harness.records.store import Store
from tests.fakes.evidence.trials import record_for, small
from tests.fakes.running import known_speed

ROOT = Path(__file__).resolve().parents[2]
LOOKING = (("list",), ("status", "--why"), ("explain", "relu-speedup"))
JSON = tuple((*words, "--json") for words in LOOKING)
RUN = ("run", "architecture", "--protocol", "smoke")  # counts layers: there is nothing to train
DRY = ("run", "relu-speedup", "--protocol", "smoke", "--dry-run")


def call(
    *words: str | Path, results: Path, out: object = subprocess.PIPE, **environ: str
) -> subprocess.CompletedProcess[str]:
    """A command in its own process, without data."""
    clean = {k: v for k, v in os.environ.items() if k not in ("REPRO_DATA", "FORCE_COLOR", "PYTHONUTF8")}
    command = [sys.executable, str(ROOT / "repro.py"), *map(str, words), "--results-dir", str(results)]
    return subprocess.run(
        command, env=clean | environ, cwd=results.parent, stdout=out, stderr=subprocess.PIPE,  # type: ignore[call-overload]
        encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip


def filled(root: Path) -> Path:
    """A results folder with a record, a damaged one, and this machine's speed, so that none is measured."""
    store = Store(root)
    known_speed.keep(root)
    store.append(record_for(Trial(small(), 0), reached=0.0))
    cut = store.append(record_for(Trial(small(), 1), reached=0.0))
    cut.write_bytes(cut.read_bytes()[:100])
    return root


ENCODING = {"PYTHONIOENCODING": "ascii"}
LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
EVENTS = (*RUN, "--json")
ENDS = (
    LOOKING[0],
    JSON[0],
    RUN,
    EVENTS,
)  # tables, JSON, a run's lines and events


# Either way leads to the same encoding of standard output; one of them per command is enough.
@pytest.mark.parametrize(
    ("words", "environ"),
    [(LOOKING[0], ENCODING), *((words, LOCALE) for words in (*LOOKING, RUN, DRY))],
    ids=lambda value: " ".join(value),
)
def test_a_terminal_without_unicode_shows_something_else(
    tmp_path: Path, words: tuple[str, ...], environ: dict[str, str]
) -> None:
    done = call(*words, results=filled(tmp_path / "results"), **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "relu-speedup" in done.stdout or words[0] in ("status", "run")


@pytest.mark.parametrize("words", JSON, ids=" ".join)
def test_json_is_whole_without_unicode(tmp_path: Path, words: tuple[str, ...]) -> None:
    results = tmp_path / "results"
    results.mkdir()
    plain = call(*words, results=results, PYTHONIOENCODING="ascii").stdout
    assert json.loads(plain) == json.loads(call(*words, results=results, PYTHONIOENCODING="utf-8").stdout)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ENDS, ids=" ".join)
def test_a_full_output_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = call(*words, results=filled(tmp_path / "results"), out=full)
    assert done.returncode == 2
    assert done.stderr == "repro: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", ENDS, ids=" ".join)
def test_an_output_that_nobody_reads_any_more_ends_silently(tmp_path: Path, words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = call(*words, results=filled(tmp_path / "results"), out=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_events_and_a_dry_run_for_scripts_have_standard_output_to_themselves(tmp_path: Path) -> None:
    ran = call(*EVENTS, results=tmp_path / "results")
    assert [json.loads(line)["event"] for line in ran.stdout.splitlines()] == [
        "run_planned",
        "experiment_ended",
    ]
    assert "architecture at smoke: no trials needed" in ran.stderr
    dry = call(*DRY, "--json", results=filled(tmp_path / "results"))
    (found,) = json.loads(dry.stdout)["experiments"]
    assert (found["reproduction"], found["protocol"], found["seeds"]) == ("relu-speedup", "smoke", 2)
    assert len(found["trials"]) == found["to_run"] > 0
    assert {one["stored"] for one in found["trials"]} == {False}
    assert "is not a whole record" in dry.stderr


def test_a_terminal_of_unknown_width_is_printed_to(tmp_path: Path) -> None:
    assert "relu-speedup" in call("list", results=tmp_path, COLUMNS="0").stdout


def test_what_is_quiet_prints_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Output(sparing=True)
    for style in ("", "bold", WARNING, FAILURE):
        say(quiet, f"in {style or 'plain'}", style)
    assert capsys.readouterr().out.split("\n") == [f"in {WARNING}", f"in {FAILURE}", ""]


def test_events_for_a_closed_output_are_refused(tmp_path: Path) -> None:
    words = " ".join((*EVENTS, "--results-dir", str(tmp_path)))
    shell = f"{sys.executable} {ROOT / 'repro.py'} {words} >&-"
    done = subprocess.run(shell, shell=True, stderr=subprocess.PIPE, check=False, cwd=tmp_path)
    assert (done.returncode, b"--json prints to standard output" in done.stderr) == (2, True)


def test_a_closed_output_is_no_error_of_this_program(tmp_path: Path) -> None:
    shell = f"{sys.executable} {ROOT / 'repro.py'} list --results-dir {tmp_path} >&-"
    done = subprocess.run(shell, shell=True, stderr=subprocess.PIPE, check=False, cwd=tmp_path)
    assert b"Traceback" not in done.stderr


def test_brackets_in_a_path_stay(tmp_path: Path) -> None:
    """Neither a tag, nor the end of one, nor an emoji's name is taken for markup."""
    name = "[bold]:x:[/x]"
    folder = tmp_path / "a" / name
    missing = call("run", "relu-speedup", "--data-dir", folder, results=tmp_path / "r")
    assert (missing.returncode, f"--data-dir {folder} is not" in missing.stderr) == (2, True)
    folder.mkdir(parents=True)
    done = call("status", results=filled(folder / "results"))
    assert done.returncode == 0, done.stderr
    assert str(folder / "results" / "records") in done.stdout
    examined = call("doctor", "--data-dir", folder, results=folder / "results", COLUMNS="5000")
    assert "Traceback" not in examined.stderr
    assert str(folder) in examined.stdout
    unwritable = tmp_path / "file"
    unwritable.write_text("")
    refused = call("report", "--out", unwritable / name, results=folder / "results")
    assert (refused.returncode, str(unwritable / name) in refused.stderr) == (2, True)
