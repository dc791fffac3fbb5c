"""Parts that succeed, fail, crash and hang; the page holds them all, and a second call does the rest."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.bench import gpu_suite
from harness.bench.gpu_suite import Options, go_through, main, parts
from harness.bench.gpu_suite_readers import read_bench, read_device, read_tests
from harness.bench.parts import TAIL, Ended, Part, PartOutcome, PartState, run
from harness.bench.probe import KERNELS
from harness.records import environment

STAMP = {"code": "abc", "gpu": "made up"}


def python(name: str, code: str, limit: float = 30.0, kind: str = "check") -> Part:
    """A part that runs some Python."""
    return Part(name, (sys.executable, "-c", code), limit, kind)


MEASURED = {
    "workloads": [
        {
            "workload": "lrn", "title": "made up", "unit": "ms", "batch": 8, "precision": "bf16", "rounds": 3,
            "rows": [
                {
                    "name": "this | harness",
                    "value": {"median": 2.0, "least": 1.0, "most": 3.0, "n": 3},
                    "ratio": {"median": 1.0, "least": 1.0, "most": 1.0, "n": 3},
                    "share": {"median": 0.5, "least": 0.4, "most": 0.6, "n": 3},
                },
                {
                    "name": "alone",
                    "value": {"median": 4.0, "least": 4.0, "most": 4.0, "n": 3}, "ratio": None, "share": None,
                },
            ],
            "failed": {}, "notes": ["a note"],
            "projections": [{"name": "90 epochs", "seconds": 7200.0, "basis": "the rate"}],
        }
    ],
    "failed": {},
}  # fmt: skip
GOOD = python("good", "print('fine')")
BENCH = python("bench lrn", f"print({json.dumps(MEASURED)!r})", kind="bench")
FAILING = python("failing", "raise ImportError('no module named <triton>')")
CRASHING = python("crashing", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
HANGING = python(
    "hanging",
    "import subprocess, sys, time; print('begun', flush=True); "
    "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
    limit=2.0,
)
TESTS = replace(CRASHING, name="tests", kind="test")
ABSENT = Part("absent", ("/no/such/program",), 10.0)
NO_JSON = python("no json", "print('{')", kind="bench")


def states(found: list[PartOutcome]) -> dict[str, PartState]:
    return {one.name: one.state for one in found}


def test_whatever_becomes_of_a_part_is_told_and_the_next_one_begins(tmp_path: Path) -> None:
    todo = [TESTS, FAILING, CRASHING, HANGING, ABSENT, NO_JSON, BENCH, GOOD]
    found = go_through(todo, tmp_path, STAMP, minutes=10, again=False)
    assert states(found) == {
        "tests": PartState.FAILED,
        "failing": PartState.FAILED,
        "crashing": PartState.FAILED,
        "hanging": PartState.TIMED_OUT,
        "absent": PartState.FAILED,
        "no json": PartState.FAILED,
        "bench lrn": PartState.PASSED,
        "good": PartState.PASSED,
    }
    said = {one.name: one.sentence for one in found}
    assert "crashed: SIGSEGV" in said["crashing"]
    assert said["tests"].startswith("crashed: SIGSEGV")
    assert "it exceeded its time limit" in said["hanging"]
    assert "FileNotFoundError" in said["absent"]
    page = (tmp_path / "index.md").read_text()
    assert [part.name for part in todo if part.name not in page] == []
    assert "ImportError: no module named <triton>" in page  # indented, so that it is not markup
    assert "begun" in page
    assert "this \\| harness" in page
    assert re.search(r"\| alone +\|( +4 +\|){3}( +– +\|){4}", page)
    assert "projected, not measured: 90 epochs: 2 h (the rate)" in page
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored["stamp"] == STAMP
    assert [one["name"] for one in stored["parts"]] == [part.name for part in todo]
    assert stored["parts"][6]["measured"] == MEASURED


def test_what_passed_is_not_run_again_unless_the_code_or_the_machine_is_another(tmp_path: Path) -> None:
    once = python("once", f"open({str(tmp_path / 'ran')!r}, 'a').write('x')")
    go_through([once, FAILING], tmp_path, STAMP, 10, again=False)
    assert states(go_through([once, GOOD], tmp_path, STAMP, 10, again=False)) == {
        "once": PartState.PASSED,
        "good": PartState.PASSED,
    }
    assert (tmp_path / "ran").read_text() == "x"
    go_through([once], tmp_path, STAMP, 10, again=True)
    go_through([once], tmp_path, STAMP | {"code": "def"}, 10, again=False)
    assert (tmp_path / "ran").read_text() == "xxx"


def test_results_are_there_while_the_parts_go_on(tmp_path: Path) -> None:
    look = python(
        "look", f"import json; d = json.load(open({str(tmp_path / 'results.json')!r})); "
        "assert [p['state'] for p in d['parts']] == ['passed', 'not run']",
    )  # fmt: skip
    assert states(go_through([GOOD, look], tmp_path, STAMP, 10, again=False))["look"] is PartState.PASSED


def test_no_part_begins_when_the_time_is_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = go_through([GOOD], tmp_path, STAMP, minutes=0.01, again=False)
    assert found.state is PartState.NOT_RUN
    assert found.wrong
    assert found.seconds == 0
    monkeypatch.setattr(gpu_suite, "SHORTEST", 0.5)
    (cut,) = go_through([replace(HANGING, limit=60.0)], tmp_path, STAMP, minutes=0.03, again=False)
    assert (cut.state, cut.sentence) == (PartState.NOT_RUN, gpu_suite.SPENT)
    assert cut.seconds > 0  # it had begun
    (tmp_path / "results.json").write_text("{")  # truncated: none of it counts
    assert gpu_suite.ended_before(tmp_path / "results.json", STAMP) is None


def test_a_workload_with_a_way_that_failed_has_failed_and_keeps_its_numbers(tmp_path: Path) -> None:
    document = {"workloads": [{"workload": "lrn", "failed": {"ours": "out of memory"}}], "failed": {}}
    state, sentence, measured = read_bench(Ended(1, json.dumps(document), "", 1.0), tmp_path)
    assert (state, sentence) == (PartState.FAILED, "lrn, ours: out of memory")
    assert measured == document


@pytest.mark.parametrize(
    ("counts", "code", "state"),
    [
        ('tests="3" failures="0" errors="0" skipped="1"', 0, PartState.PASSED),
        ('tests="3" failures="1" errors="0" skipped="0"', 1, PartState.FAILED),
        ('tests="3" failures="0" errors="0" skipped="3"', 0, PartState.SKIPPED),
        ('tests="0" failures="0" errors="0" skipped="0"', 5, PartState.FAILED),
    ],
)
def test_tests_go_by_pytests_report(counts: str, code: int, state: PartState, tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(f"<testsuites><testsuite {counts}/></testsuites>")
    assert read_tests(Ended(code, "", "", 1.0), tmp_path)[0] is state


def test_the_first_failure_is_quoted_however_much_follows(tmp_path: Path) -> None:
    """By pytest itself; the second failure fills the end of the output."""
    (tmp_path / "test_two.py").write_text(
        "def test_good(): pass\n"
        "def test_first():\n    raise RuntimeError('kernels <do> not\\ncompile')\n"
        f"def test_second():\n    print('x' * {2 * TAIL})\n    assert False\n"
    )
    place = gpu_suite.place(tmp_path, "tests")
    how = ("-q", "--tb=short", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", "/dev/null")
    report = f"--junitxml={place / 'junit.xml'}"
    command = (sys.executable, "-m", "pytest", *how, report, str(tmp_path / "test_two.py"))
    (found,) = go_through([Part("tests", command, 60.0, "test")], tmp_path, STAMP, 10, again=False)
    assert found.state is PartState.FAILED
    quoted = "test_first: RuntimeError: kernels <do> not compile"
    assert found.sentence == f"1 passed, 2 failed, 0 skipped; {quoted}"
    assert "test_first" not in found.output.partition("short test summary")[0]
    assert "test_two.py:3: in test_first\n" in (tmp_path / "index.md").read_text()


def test_every_file_of_gpu_tests_trials_and_every_workload_are_parts(tmp_path: Path) -> None:
    names = [part.name for part in parts(Options("cuda", False, 10, False, tmp_path))]
    for name in ("training/test_graphed.py", "models/layers/test_lrn.py", "data/inputs/test_prefetch.py"):
        assert f"tests of {name}" in names
    trials = "run relu-speedup lrn augmentation-cost"
    assert {trials, "bench imagenet", "bench cifar-trial verdict"} <= set(names)
    assert len(names) == len(set(names)) >= 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--device", "cpu"], "add --quick"),
        ([], "finds no GPU: run this on a machine with an NVIDIA GPU"),
    ],
)
def test_without_a_gpu_one_sentence_says_what_is_missing(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(environment, "gpu_name", lambda index=0: None)
    absent = python("device", """print('{"available": false, "torch": "2.13.0"}')""", kind="device")
    monkeypatch.setattr(gpu_suite, "_device", lambda options: absent)
    assert main([*arguments, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_a_gpu_that_torch_cannot_use_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "gpu_name", lambda index=0: "NVIDIA H100")
    absent = python("device", """print('{"available": false, "torch": "2.13.0"}')""", kind="device")
    monkeypatch.setattr(gpu_suite, "_device", lambda options: absent)
    assert main(["--out", str(tmp_path)]) == 2
    assert "there is an NVIDIA H100, but torch 2.13.0" in (said := capsys.readouterr().err)
    assert "update its driver" in said


def test_a_device_that_multiplies_wrongly_has_failed(tmp_path: Path) -> None:
    seen = json.dumps({"torch.float32": True, "torch.bfloat16": False})
    assert read_device(Ended(0, seen, "", 1.0), tmp_path)[:2] == (
        PartState.FAILED, "wrong products in torch.bfloat16",
    )  # fmt: skip
    assert read_device(Ended(0, '{"torch.float32": true}', "", 1.0), tmp_path)[0] is PartState.PASSED


def test_a_device_on_which_triton_does_not_run_has_failed_and_says_why(tmp_path: Path) -> None:
    """Otherwise PyTorch's operations would be tested and measured in place of the kernels."""
    logged = "response normalisation runs in PyTorch's operations: Triton cannot be imported (no module)"
    state, sentence, measured = read_device(
        Ended(0, json.dumps({KERNELS: False}), f"{logged}\n", 1.0), tmp_path
    )
    assert (state, sentence) == (PartState.FAILED, f"{KERNELS} do not run: {logged}")
    assert measured == {KERNELS: False}
    assert read_device(Ended(0, json.dumps({KERNELS: True}), "", 1.0), tmp_path)[0] is PartState.PASSED


def test_a_part_goes_on_with_what_it_had_stored_unless_all_begin_anew(tmp_path: Path) -> None:
    store = gpu_suite.place(tmp_path, "resumes") / "store"
    part = python(
        "resumes", f"from pathlib import Path; p = Path({str(store)!r}); p.exists() or 1 / p.mkdir()"
    )
    for again, state in ((False, PartState.FAILED), (False, PartState.PASSED), (True, PartState.FAILED)):
        (found,) = go_through([part], tmp_path, STAMP, 10, again=again)
        assert found.state is state


def test_all_of_it_with_parts_that_are_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that cannot be inspected is no reason to stop: the parts say what they find."""
    monkeypatch.setattr(gpu_suite, "parts", lambda options: [GOOD])
    monkeypatch.setattr(gpu_suite, "_device", lambda options: python("device", "print(1 / 0)", kind="device"))
    assert main(["--out", str(tmp_path)]) == 1
    monkeypatch.setattr(
        gpu_suite, "_device", lambda options: python("device", "print('{\"torch\": 1}')", kind="device")
    )
    assert main(["--out", str(tmp_path)]) == 0


def test_a_command_that_writes_without_end_is_ended(tmp_path: Path) -> None:
    ended = run((sys.executable, "-c", "while True: print('x' * 100, flush=True)"), 0.5, tmp_path, tmp_path)
    assert ended.code is None
