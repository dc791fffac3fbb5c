"""The command line as a person uses it, rightly and wrongly."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import repro
from harness.cli.commands import doctor
from harness.contract.errors import HarnessError
from harness.contract.trial import Trial
from harness.data import sources
from harness.engines.machine import gpus
from harness.paper.catalogue import CLAIMS
from harness.records import environment
from harness.records.store import Store
from tests.fakes.evidence.trials import GRATINGS, record_for, small
from tests.fakes.running import known_speed

ROOT = Path(__file__).resolve().parents[2]
NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")


def call(*arguments: str | Path) -> str:
    """What a command prints; its error is raised."""
    result = CliRunner().invoke(repro.app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def process(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command in its own process, without data unless it is named."""
    clean = {k: v for k, v in os.environ.items() if k != "REPRO_DATA"}
    command = [sys.executable, str(ROOT / "repro.py"), *map(str, arguments)]
    return subprocess.run(command, env=clean | environ, capture_output=True, text=True, check=False, cwd=ROOT)


Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Like `process`, without the seconds that one takes to start: the same front door in this process."""
    monkeypatch.delenv("REPRO_DATA", raising=False)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(gc, "set_threshold", lambda *counts: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # typer replaces it with its own

    def ended(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["repro.py", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            repro.main()
        code = end.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(sys.argv, code, *capsys.readouterr())

    return ended


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "relu-sped"), "unknown claim 'relu-sped' (nearest: relu-speedup"),
        (
            ("run", "relu-speedup", "--protocol", "cifar"),
            "unknown protocol 'cifar' of relu-speedup (nearest: cifar10",
        ),
        (("run", "relu-speedup", "--seeds", "0"), "--seeds 0 must be at least 1"),
        (("run", "relu-speedup", "--workers", "0"), "--workers 0 must be at least 1"),
        (("run", "relu-speedup", "--device", "gpu"), "--device gpu is not one of auto, cpu, cuda"),
        (("run", "relu-speedup", "--data-dir", "nowhere"), "--data-dir nowhere is not a folder"),
        (("run", "relu-speedup", "--quiet", "--verbose"), "--quiet shows less and --verbose shows more"),
        (("run", "relu-speedup", "--json", "--detach"), "--json prints here, but a run with --detach"),
        (("run", "relu-sped", "--detach"), "unknown claim 'relu-sped' (nearest: relu-speedup"),
        (("run",), "name the claims to run, or give --all"),
        (("run", "relu-speedup", "--all"), "--all runs every claim, and relu-speedup names some"),
        (("run", "relu-speedup", "lrn", "--protocol", "cifar10"), "unknown protocol 'cifar10' of lrn"),
        (("list", "--results-dir", ""), "a path is empty; name one, or '.' for the current folder"),
        (("report", "--out", ""), "a path is empty; name one"),
        (("merge", "a", "b="), "'b=' names no folder; give FOLDER or NAME=FOLDER"),
        (("status", "--results-dir", "x" * 300), "cannot be looked up: File name too long"),
        (("evaluate", "--weights", "x" * 300), "cannot be looked up: File name too long"),
        (("bench", "lrn", "--recipe", "caffe"), "--recipe caffe is for the workload imagenet"),
        (("bench", "lrn", "--seconds", "0"), "--seconds 0 is not above 0 and at most 3600"),
        (("data", "verify", "--data-dir", "nowhere"), "--data-dir nowhere is not a folder"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, main: Call
) -> None:
    folder = ("--results-dir", tmp_path) if arguments[0] == "run" else ()
    result = main(*arguments, *folder)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("repro: ")
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@NO_GPU
def test_a_gpu_that_is_not_there(tmp_path: Path, main: Call) -> None:
    result = main("run", "relu-speedup", "--device", "cuda", "--results-dir", tmp_path)
    assert result.returncode == 2
    assert "sees 0 CUDA devices; use --device cpu" in result.stderr


def test_a_launcher_of_copies_is_told_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: Call
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    result = main("run", "relu-speedup", "--protocol", "smoke", "--results-dir", tmp_path)
    assert result.returncode == 2
    assert "start only one, with --gpus 4" in result.stderr


def test_a_results_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    result = process("run", "relu-speedup", "--protocol", "smoke", "--results-dir", tmp_path / "results")
    assert result.returncode == 2
    assert f"{tmp_path / 'results'} is not a folder; name the folder of a store" in result.stderr


def test_nothing_is_trained_on_a_damaged_file(cifar_root: Path, tmp_path: Path, main: Call) -> None:
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for path in cifar_root.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "data_batch_4").unlink()
    (folder / "data_batch_4").write_bytes(b"cut")
    results = tmp_path / "results"
    result = main(
        "run",
        "relu-speedup",
        "--protocol",
        "smoke",
        "--results-dir",
        results,
        "--data-dir",
        tmp_path / "data",
    )
    assert result.returncode == 2
    assert "data_batch_4 is damaged" in result.stderr
    assert Store(results).records == []


def test_data_that_is_missing_stops_all_but_smoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPRO_DATA", raising=False)
    known_speed.keep(tmp_path / "results")
    with pytest.raises(HarnessError, match=r"no cifar10 found \(looked for .*data fetch"):
        call("run", "relu-speedup", "--protocol", "cifar10", "--dry-run")
    assert sources.STAND_IN_NOTICE[:40] in call("run", "relu-speedup", "--protocol", "smoke", "--dry-run")


def test_list_knows_every_claim(tmp_path: Path) -> None:
    *rows, mistakes, question = json.loads(call("list", "--json", "--results-dir", tmp_path))
    assert (mistakes["claim"], mistakes["question"]) == (None, "does-not-train")
    assert (question["claim"], question["question"], question["stored"]) == (None, "implementations", "none")
    assert question["command"].startswith("./repro.py run implementations --protocol ")
    assert [row["claim"] for row in rows] == [claim.id for claim in CLAIMS]
    by_claim = {row["claim"]: row for row in rows}
    assert by_claim["relu-speedup"]["verdict"] == "not run"
    assert "./repro.py run relu-speedup --protocol cifar10" in by_claim["relu-speedup"]["why"]
    assert "relu-speedup" in call("list", "--results-dir", tmp_path)


def test_a_claim_that_pilots_showed_to_get_no_verdict_is_named_before_anything_runs(
    cifar_root: Path, tmp_path: Path
) -> None:
    known_speed.keep(tmp_path)
    where = ("--dry-run", "--data-dir", cifar_root.parent, "--results-dir", tmp_path, "--device", "cpu")
    said = "expect invalid (under-fitted): weight-decay at cifar10-scarce; in pilots"
    assert said in " ".join(call("run", "weight-decay", "--protocol", "cifar10-scarce", *where).split())
    assert "under-fitted" not in call("run", "crop-flip", "--protocol", "cifar10-scarce", *where)


def test_a_dry_run_shows_the_trials_and_runs_none(cifar_root: Path, tmp_path: Path) -> None:
    known_speed.keep(tmp_path)
    where = ("--data-dir", cifar_root.parent, "--results-dir", tmp_path)
    out = call("run", "relu-speedup", "--protocol", "cifar10", "--dry-run", "--device", "cpu", *where)
    assert re.search(
        r"42 trials to run, at most .* on \d+ workers, at a speed calibrated on this machine", out
    )
    assert "the learning rate of tanh and relu, then 10 final trials each" in " ".join(out.split())
    assert Store(tmp_path).records == []


def test_status_tells_fresh_from_stale_and_names_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record_for(Trial(small(), 0), reached=0.0))
    cut = store.append(record_for(Trial(small(), 1), reached=0.0))
    cut.write_bytes(cut.read_bytes()[:100])
    out = call("status", "--why", "--results-dir", tmp_path)
    assert "no current plan includes this trial" in " ".join(out.split())
    assert cut.name in "".join(out.split())
    rows = json.loads(call("status", "--why", "--json", "--results-dir", tmp_path))
    assert [row["standing"] for row in rows] == ["stale"]


def test_status_names_some_of_many_files_left_out_and_all_when_asked_why(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder
    folder.mkdir()
    for number in range(9):
        (folder / f"cut{number}-1.json").write_text("{}")
    said, why = (call("status", *asked, "--results-dir", tmp_path) for asked in ((), ("--why",)))
    assert [len(re.findall(r"cut\d-1\.json", "".join(out.split()))) for out in (said, why)] == [3, 9]
    assert "6 more files are left out" in " ".join(said.split())


COUNTS = ["run", "architecture", "--protocol", "smoke"]  # counts layers, and trains nothing


@pytest.mark.parametrize(
    "command", [["--help"], ["list"], ["status"], ["report"], ["watch"], pytest.param(COUNTS, marks=NO_GPU)]
)
def test_what_needs_no_torch_does_not_import_it(command: list[str], tmp_path: Path) -> None:
    folder = [] if command == ["--help"] else ["--results-dir", str(tmp_path)]
    code = (
        "import sys, repro\n"
        "try:\n    repro.app(sys.argv[1:])\nexcept SystemExit: pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, *folder], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_a_report_of_a_mistyped_folder_is_refused_and_creates_nothing(tmp_path: Path) -> None:
    refused = process("report", "--results-dir", tmp_path / "mistyped")
    assert refused.returncode == 2
    assert f"--results-dir {tmp_path / 'mistyped'} does not exist; name a folder" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_help_needs_little_processor_time() -> None:
    """Half a second is promised for an idle machine; CPU time does not count other work."""
    before = os.times()
    process("--help")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 1.0


def test_doctor_names_what_is_missing_and_its_fix(tmp_path: Path, main: Call) -> None:
    result = main("doctor", "--json", "--results-dir", tmp_path, "--data-dir", tmp_path)
    checks = {row["check"]: row for row in json.loads(result.stdout)}
    assert checks["packages"]["state"] == "ok"
    assert result.returncode == (0 if checks["data"]["state"] == "ok" else 1)
    if checks["data"]["state"] == "MISSING":
        assert checks["data"]["fix"] == "./repro.py data fetch"


def test_verify_reads_every_file(cifar_root: Path) -> None:
    assert call("data", "verify", "--data-dir", cifar_root.parent).count("ok  ") == 7


def test_a_smoke_run_without_data_says_so_everywhere(tmp_path: Path) -> None:
    """From the command to the page: the stand-in is trained on, named in the records and on the page."""
    empty = tmp_path / "empty"
    empty.mkdir()
    known_speed.keep(tmp_path / "results")
    options = ("--protocol", "smoke", "--seeds", "1", "--workers", "1", "--results-dir", tmp_path / "results")
    done = subprocess.run(
        [sys.executable, str(ROOT / "repro.py"), "run", "error-rate", *map(str, options)],
        env={k: v for k, v in os.environ.items() if k != "REPRO_DATA"}, cwd=empty,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    started = re.findall(r"^(.*): started$", done.stdout, re.MULTILINE)
    ended = re.findall(r"^ *\d+  (.*): ok", done.stdout, re.MULTILINE)
    assert sorted(started) == sorted(ended)
    assert all(done.stdout.index(f"{one}: started") < done.stdout.index(f"{one}: ok") for one in started)
    assert "procedural stand-in" in " ".join(done.stdout.split())
    records = Store(tmp_path / "results").records
    assert len(records) == len(started) > 0
    assert {r.conditions.data for r in records} == {GRATINGS}
    call("report", "--results-dir", tmp_path / "results")
    for page in ("report.html", "report.md"):
        text = " ".join((tmp_path / "results" / "report" / page).read_text().split())
        assert "procedural stand-in" in text
    rows = json.loads(call("list", "--json", "--results-dir", tmp_path / "results"))
    assert next(row for row in rows if row["claim"] == "error-rate")["verdict"] == "smoke"


@pytest.mark.parametrize(
    ("flags", "words"), [("avx2 avx512f", "no native bf16"), ("avx512_bf16", "supports bf16")]
)
def test_doctor_says_whether_the_processor_has_bf16(
    flags: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_cpu_flags", lambda: set(flags.split()))
    checks = {check.name: check.seen for check in islice(doctor.examine(None, Path("results")), 3)}
    assert words in checks["processor"]


def test_doctor_says_how_many_trials_the_gpus_take(monkeypatch: pytest.MonkeyPatch) -> None:
    models = ("H100", "T4", "H100")
    monkeypatch.setattr(gpus, "_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(models))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: models[index])
    monkeypatch.setattr(environment, "cores", lambda: 32)
    checks = {check.name: check.seen for check in islice(doctor.examine(None, Path("results")), 4)}
    assert checks["GPU"] == "H100, T4, H100; 8 trials in parallel on 2 of them by default"
    assert gpus.count() == 3
