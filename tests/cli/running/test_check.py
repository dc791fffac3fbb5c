"""`run --check`: a run exits with 1 if a verdict says less than earlier evidence, and not otherwise."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

import reproductions
from harness.cli.running.check import check, there
from harness.contract.errors import BadValue
from harness.records.store import Store
from tests.fakes.evidence.experiments import (
    console,
    decisive,
    experiment,
    filled,
    printed,
    reproduction,
    vague,
)


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))


def checked(before: Store, after: Store, report: Path | None = None) -> tuple[bool, str]:
    out = console()
    return check(before.root, [experiment(5)], after, out, report), printed(out)


def test_a_verdict_that_says_less_fails_and_one_that_says_more_does_not(tmp_path: Path) -> None:
    good, bad = filled(tmp_path / "a", 5, decisive), filled(tmp_path / "b", 5, vague)
    worse, said = checked(good, bad, tmp_path / "junit.xml")
    assert not worse
    assert "verdict on relu-speedup at cifar10: reproduced → inconclusive (worse)" in said
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("failures") == "1"
    assert checked(bad, good)[0]
    assert checked(good, good) == (True, "")


def test_only_what_was_run_is_checked(tmp_path: Path) -> None:
    good, bad = filled(tmp_path / "a", 5, decisive), filled(tmp_path / "b", 5, vague)
    elsewhere = replace(experiment(5).protocol, name="another")
    other, out = replace(experiment(5), protocol=elsewhere), Console(file=io.StringIO(), width=200)
    assert check(good.root, [other], bad, out, None)
    assert "has no evidence on what was run" in printed(out)


def test_what_cannot_be_checked_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match=r"--check .*nowhere does not exist; name a results folder"):
        there(tmp_path / "nowhere", None)
    with pytest.raises(BadValue, match=r"--junit x.xml reports what --check finds"):
        there(None, Path("x.xml"))
