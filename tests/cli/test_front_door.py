"""What belongs to no single command: the version, shell completion, and a quiet run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import repro
from harness.cli.terminal.console import Output
from harness.cli.terminal.progress import Lines, progress_on
from harness.cli.terminal.tables import FAILURE, WARNING, say
from harness.records.provenance import provenance
from tests.fakes.evidence.experiments import filled


def test_the_version_names_the_code() -> None:
    done = CliRunner().invoke(repro.app, ["--version"])
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.strip().endswith(f", {provenance()}")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("run relu-", ["relu-speedup"]),
        ("explain two-gpu", ["two-gpu-error", "two-gpu-time"]),
        ("run lrn --precision ", ["auto", "fp32", "bf16"]),
        ("data verify cif", ["cifar10"]),
        ("export out --to pa", ["parquet"]),
    ],
)
def test_a_shell_is_offered_names(words: str, offered: list[str]) -> None:
    line = f"repro.py {words}"
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    environ = asked | {"_REPRO.PY_COMPLETE": "complete_bash"}
    assert CliRunner().invoke(repro.app, prog_name="repro.py", env=environ).stdout.split() == offered


def test_a_sparing_console_shows_warnings_and_failures_alone(capsys: pytest.CaptureFixture[str]) -> None:
    console = Output(sparing=True)
    progress = progress_on(console)
    assert isinstance(progress, Lines)
    say(console, "a result")
    progress.say("a trial started")
    say(console, "look out", WARNING)
    progress.say("it failed", FAILURE)
    assert capsys.readouterr().out.splitlines() == ["look out", "it failed"]


def test_what_only_reads_records_needs_no_torch(tmp_path: Path) -> None:
    filled(tmp_path / "a", 1)
    program = (
        "import sys, repro\n"
        "for words in ('compare a a', 'export out --to csv --results-dir a', 'merge all a'):\n"
        "    repro.app(words.split(), standalone_mode=False)\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(repro.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_a_quiet_run_says_nothing_where_nothing_is_wrong(tmp_path: Path) -> None:
    words = ["run", "architecture", "--protocol", "smoke", "--results-dir", str(tmp_path)]
    assert CliRunner().invoke(repro.app, words).stdout
    assert CliRunner().invoke(repro.app, [*words, "--quiet"]).stdout == ""
