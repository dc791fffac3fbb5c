"""`python -m tests.faults --drivers 5` sees what goes wrong: here with commands that are over at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.faults.processes import drivers
from tests.faults.processes.scenes import Scene


@pytest.fixture(autouse=True)
def at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very short rounds, in a folder that is removed with the test."""
    monkeypatch.setattr(drivers, "APART", 0.1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def scene(*command: str, left: str = "the same", bad: str = "") -> Scene:
    """A command that leaves one thing when alone, and another when others run too."""

    def found(folder: Path) -> dict[str, str]:
        return {"record": left if folder.name.startswith("round") else "the same"}

    return Scene("quick", "quick", lambda _: list(command), found, lambda _: [bad] if bad else [])


def test_what_is_as_a_single_command_leaves_it_is_no_fault() -> None:
    found = drivers.run(2, 1, scene("--version"))
    assert found.faults == []
    assert [row[0] for row in found.rows] == [1, 2]


def test_what_differs_or_is_there_twice_is_a_fault() -> None:
    found = drivers.run(1, 1, scene("--version", left="something else", bad="a trial has 2 records"))
    assert found.faults == ["round 1: a trial has 2 records", "round 1: record is not what it should be"]


def test_a_command_that_ends_otherwise_is_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "round-1"
    folder.mkdir()
    assert drivers.together(scene("--no-such-option"), folder, [0.0, 0.1]) == [2, 2]
