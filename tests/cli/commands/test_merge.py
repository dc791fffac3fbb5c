"""`merge` as a person sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import repro
import reproductions
from harness.records.store import Store
from tests.fakes.evidence.experiments import decisive, filled, noisy, reproduction


def call(*arguments: str | Path) -> str:
    return CliRunner().invoke(repro.app, ["merge", *map(str, arguments)], catch_exceptions=False).stdout


def test_it_says_who_measured_what_and_where_they_disagree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))
    monkeypatch.setenv("COLUMNS", "300")
    filled(tmp_path / "a", 5, lambda arm, seed: decisive(arm, seed) * 1.001)
    filled(tmp_path / "b", 5, lambda arm, seed: noisy(arm, seed) * (1.3 if arm == "tanh" else 1 + seed / 100))
    said = call(tmp_path / "all", f"here={tmp_path / 'a'}", f"there={tmp_path / 'b'}")
    assert "all holds the records of here (10), there (10)" in said
    assert "10 trials were run by several laboratories, 0 of them with results identical to the bit" in said
    assert "I²" in said
    assert len(Store(tmp_path / "all").records) == 20
    found = json.loads(call(tmp_path / "all", f"here={tmp_path / 'a'}", "--json"))
    assert found["merged"] == [{"name": "here", "new": 0, "known": 10}]
    assert found["laboratories"] == {"here": 10, "there": 10}
    (effect,) = found["effects"]
    assert effect["heterogeneity"]["df"] == 1
    assert effect["heterogeneity"]["p"] < 0.001
