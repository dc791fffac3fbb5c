"""Work grows as the store does, and each file is read once: what a command does is counted, not timed."""

from __future__ import annotations

import cProfile
import io
import pstats
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harness.cli.commands import explain, report, status
from harness.cli.commands import list as listing
from harness.cli.terminal.progress import progress_on
from harness.records import keys, store
from harness.records.store import Store
from harness.reporting.figures import selection
from tests.fakes.evidence.experiments import console
from tests.fakes.evidence.full_store import records

FEW, MANY = 150, 450
MOST = 15_000  # calls per record: a report lays out each one's line in two pages


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Two stores, one with three times the records of the other, which are its first."""
    few, many = (tmp_path_factory.mktemp("stores") / name for name in ("few", "many"))
    store = Store(many)
    made = records(store)
    for record in islice(made, FEW):
        store.append(record)
    shutil.copytree(many, few)
    for record in islice(made, MANY - FEW):
        store.append(record)
    return {FEW: few, MANY: many}


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of a report's time, and the same for each section whatever else is stored."""
    monkeypatch.setattr(selection, "FIGURES", dict.fromkeys(selection.FIGURES, lambda *given: []))


def show_list(root: Path) -> None:
    listing.show(Store(root), False, console(), progress_on(console()))


def show_status(root: Path) -> None:
    status.show(Store(root), False, False, console(), console())


def show_why(root: Path) -> None:
    status.show(Store(root), True, False, console(), console())


def show_explanation(root: Path) -> None:
    explain.show("crop-flip", None, Store(root), False, console())


def write_report(root: Path) -> None:
    report.write(root / "report", Store(root), progress_on(console()))


warm: set[Callable[[Path], None]] = set()  # what has run here, and so has imported and cached all it needs
COMMANDS = (show_list, show_status, show_why, show_explanation, write_report)
Command = Callable[[Path], None]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_record_is_read_once_and_settings_are_spelled_out_once(
    command: Command, stores: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[bytes] = Counter()
    spelled: Counter[int] = Counter()

    def counted_decode(text: bytes) -> Any:
        read[text] += 1
        return decode(text)

    def counted_object(value: Any) -> str:
        spelled[id(value)] += hasattr(value, "exclusive")
        kept.append(value)
        return spell(value)

    kept: list[object] = []
    decode, spell = store.decode, keys._object
    monkeypatch.setattr(store, "decode", counted_decode)
    monkeypatch.setattr(keys, "_object", counted_object)
    command(stores[MANY])
    warm.add(command)
    assert len(read) == MANY
    assert set(read.values()) == {1}
    assert max(spelled.values(), default=0) <= 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_further_record_costs_little_whatever_else_is_stored(
    command: Command, stores: dict[int, Path]
) -> None:
    if command not in warm:  # imports and caches do not count
        command(stores[MANY])
    few, many = (_calls(command, stores[count]) for count in (FEW, MANY))
    assert many - few < MOST * (MANY - FEW)


def _calls(command: Command, root: Path) -> int:
    """Functions that are called."""
    profile = cProfile.Profile()
    profile.runcall(command, root)
    found = pstats.Stats(profile, stream=io.StringIO())
    return int(found.total_calls)  # type: ignore[attr-defined]
