"""`compare` as a person and a pipeline see it: tables, JSON, exit codes, JUnit, and wrong input."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

import repro
import reproductions
from harness.contract.errors import BadValue, HarnessError, StoreError, UnknownName
from harness.records.store import Store
from tests.fakes.evidence.experiments import HERE, Value, decisive, filled, reproduction, vague
from tests.fakes.evidence.full_store import outdated


@pytest.fixture(autouse=True)
def _only_the_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))
    monkeypatch.setenv("COLUMNS", "300")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(repro.app, ["compare", *map(str, arguments)], catch_exceptions=False)


def stores(root: Path, second: Value = vague) -> tuple[Path, Path]:
    """Two folders: one in which the claim is reproduced, and another."""
    filled(root / "a", 5, lambda arm, seed: 1.001 * decisive(arm, seed) + 0.001 * (seed % 2))
    filled(root / "b", 5, second)
    return root / "a", root / "b"


def test_people_read_a_table(tmp_path: Path) -> None:
    out = call(*stores(tmp_path)).stdout
    assert "B − A, or B ÷ A of ratios, with 95 % intervals of independent samples (Welch)" in out
    assert "p, Holm is over the one effect that a verdict rests on" in out
    assert "verdict on relu-speedup at cifar10 on cpu, fp32: reproduced → inconclusive (worse)" in out


def test_at_eighty_columns_no_word_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = call(*stores(tmp_path)).stdout
    assert "…" not in out
    assert "\nrelu-speedup at cifar10: reproduced → inconclusive\neffect  A " in out


def test_scripts_read_json(tmp_path: Path) -> None:
    found = json.loads(call(*stores(tmp_path), "--json").stdout)
    (one,) = found["differences"]
    assert one["first"]["estimate"] / one["second"]["estimate"] == pytest.approx(
        1 / one["contrast"]["estimate"]
    )
    assert one["contrast"]["ci95"]["low"] < one["contrast"]["estimate"] < one["contrast"]["ci95"]["high"]
    assert found["verdicts"] == [
        {
            "claim": "relu-speedup",
            "protocol": "cifar10",
            "A": "reproduced",
            "B": "inconclusive",
            "worse": True,
        }
    ]


@pytest.mark.parametrize(("rule", "there", "back"), [("worse", 1, 0), ("changed", 1, 1)])
def test_a_pipeline_stops_at_what_it_was_told(tmp_path: Path, rule: str, there: int, back: int) -> None:
    first, second = stores(tmp_path)
    assert call(first, second).exit_code == 0
    failed = call(first, second, "--fail-if", rule)
    assert failed.exit_code == there
    assert f"--fail-if {rule}: relu-speedup at cifar10, epochs" in failed.stderr
    assert call(second, first, "--fail-if", rule).exit_code == back
    assert call(first, first, "--fail-if", rule).exit_code == 0


def test_junit_has_a_case_for_each_verdict(tmp_path: Path) -> None:
    first, second = stores(tmp_path)
    assert call(first, second, "--junit", tmp_path / "found.xml").exit_code == 0
    suite = ElementTree.parse(tmp_path / "found.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    case, failure = suite[0], suite[0][0]
    assert (case.get("classname"), case.get("name")) == ("cifar10", "relu-speedup")
    assert (failure.tag, failure.get("message")) == ("failure", "reproduced → inconclusive")
    with pytest.raises(StoreError, match=r"--junit .* cannot be written"):
        call(first, second, "--junit", first / "records")


def test_junit_writes_through_links_and_into_pipes(tmp_path: Path) -> None:
    first, second = stores(tmp_path)
    link, target, pipe = (tmp_path / name for name in ("link.xml", "target.xml", "pipe"))
    target.write_text("old")
    link.symlink_to(target)
    os.mkfifo(pipe)
    assert call(first, second, "--junit", link).exit_code == 0
    assert link.is_symlink()
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_text)
        assert call(first, second, "--junit", pipe).exit_code == 0
        assert read.result(timeout=10) == target.read_text()
    assert pipe.is_fifo()
    assert ElementTree.parse(target).getroot().tag == "testsuite"


def test_the_folder_of_a_rendered_report_stands_for_the_records_beside_it(tmp_path: Path) -> None:
    first, second = stores(tmp_path)
    (first / "report").mkdir()
    (first / "report" / "results.json").write_text("{}")
    said = call(first / "report", second).output.replace("/report", "")
    assert said == call(first, second).output


def test_records_of_other_code_are_named_as_not_compared(tmp_path: Path) -> None:
    first, second = stores(tmp_path)
    store = Store(second)
    store.ask("relu-speedup", "cifar10", HERE, 5)
    store.append(outdated(store.records[0], 1))
    assert "not compared" not in call(first, second).output  # today's code has repeated that trial
    store.file(store.records[0]).unlink()
    assert "not compared, as their records are of other code: relu-speedup" in call(first, second).output
    assert "not compared" not in call(first, first).output


def test_a_precision_without_results_is_not_compared_with_the_other(tmp_path: Path) -> None:
    first, _ = stores(tmp_path)
    with pytest.raises(BadValue, match="a in bf16: no result of today's code, so nothing was compared"):
        call(first, "--precisions")


def test_one_claim_alone(tmp_path: Path) -> None:
    first, second = stores(tmp_path)
    with pytest.raises(BadValue, match="a: no result of today's code about lrn, so nothing was compared"):
        call(first, second, "--claim", "lrn", "--fail-if", "worse")
    assert call(first, second, "--claim", "relu-speedup", "--fail-if", "worse").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        (("a",), BadValue, "compare takes two places A and B, or one place and --precisions"),
        (("a", "b", "--precisions"), BadValue, "compare takes two places A and B"),
        (("a", "nowhere"), BadValue, "nowhere does not exist; name a results folder"),
        (("a", "."), BadValue, "holds neither records nor effects.json"),
        (("a", "notes.txt"), BadValue, "notes.txt is not an effects.json of 'export --to json'"),
        (("a", "b", "--fail-if", "wors"), UnknownName, r"unknown rule 'wors' \(nearest: worse"),
        (("a", "b", "--claim", "lrm"), UnknownName, r"unknown claim 'lrm' \(nearest: lrn"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple[str, ...],
    kind: type[HarnessError],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stores(tmp_path)
    (tmp_path / "notes.txt").write_text("[{}]")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=sentence):
        call(*arguments)
