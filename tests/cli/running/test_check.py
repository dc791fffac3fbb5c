"""`run --check`: a run exits with 1 if a verdict says less than earlier evidence, and not otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

import reproductions
from harness.cli.running.check import check, earlier
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
    out, run = console(), [experiment(5)]
    evidence = earlier(before.root, report, run)
    assert evidence
    return check(evidence, run, after, out, report), printed(out)


def test_a_verdict_that_says_less_fails_and_one_that_says_more_does_not(tmp_path: Path) -> None:
    good, bad = filled(tmp_path / "a", 5, decisive), filled(tmp_path / "b", 5, vague)
    worse, said = checked(good, bad, tmp_path / "junit.xml")
    assert not worse
    assert "verdict on relu-speedup at cifar10 on cpu, fp32: reproduced → inconclusive (worse)" in said
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("failures") == "1"
    assert checked(bad, good)[0]
    assert checked(good, good) == (True, "")


def test_what_cannot_be_checked_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match=r"--check .*nowhere does not exist; name a results folder"):
        earlier(tmp_path / "nowhere", None, [experiment(5)])
    with pytest.raises(BadValue, match=r"--junit x.xml reports what --check finds"):
        earlier(None, Path("x.xml"), [experiment(5)])
    elsewhere = replace(experiment(5), protocol=replace(experiment(5).protocol, name="another"))
    with pytest.raises(BadValue, match=r"has no evidence on relu-speedup at another; name other evidence"):
        earlier(filled(tmp_path, 5, decisive).root, None, [elsewhere])
    assert earlier(None, None, [experiment(5)]) is None
