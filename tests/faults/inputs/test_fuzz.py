"""A short run of the fuzzer, and that it detects what it should detect."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest

from harness.contract.errors import DataError
from tests.faults.inputs import fuzz, stored
from tests.faults.inputs.mutations import harmed, reshaped
from tests.faults.inputs.target import TAKEN, Evil, Target
from tests.faults.page import PAGE, publish


def test_a_few_hundred_damaged_inputs_are_taken_or_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stored, "EXPERIMENTS", stored.EXPERIMENTS[:3])
    found = fuzz.run(300, 0)
    assert found.faults == []
    rows = {str(name): counts for name, *counts in found.rows}
    assert sum(inputs for inputs, *_ in rows.values()) >= 290
    assert all(taken + refused == inputs for inputs, taken, refused, _ in rows.values())
    assert rows["records"][1] == 0, "no damaged record is taken"
    assert rows["CIFAR-10's batches"][1] == 0, "no damaged batch is unpickled"
    page = Path(copy(PAGE, tmp_path))
    publish(found, page)
    assert found.text in page.read_text(encoding="utf-8"), "it has a section"


def told(read: Callable[[Path], object], folder: Path) -> str:
    def reader(content: bytes, number: int) -> str:
        read(folder)
        return TAKEN

    target = Target("made up", 1, [b"some content"], reader)
    _, faults = fuzz._fuzzed(target, 3, 0, folder)
    return "; ".join(faults)


def slow(folder: Path) -> None:
    time.sleep(5)


def refuse(folder: Path) -> None:
    raise DataError("a file is damaged; get it again")


def two_lines(folder: Path) -> None:
    raise DataError("Traceback\n  more")


READERS: tuple[tuple[Callable[[Path], object], str], ...] = (
    (lambda folder: None, ""),
    (refuse, ""),
    (lambda folder: (folder / "own").write_text("x"), ""),
    (two_lines, "an error that is no one sentence"),
    (lambda folder: {}["x"], "KeyError"),
    (lambda folder: (folder.parent / "elsewhere").write_text("x"), "did what it may not: open"),
    (lambda folder: (folder.parent / "elsewhere").mkdir(exist_ok=True), "did what it may not: os.mkdir"),
    (lambda folder: subprocess.run(["true"], check=True), "did what it may not: subprocess.Popen"),
    (lambda folder: os.system("true"), "did what it may not: os.system"),
    (lambda folder: pickle.loads(pickle.dumps(Evil(folder))), "did what it may not: pickle.find_class"),
    (slow, "hang"),
)


@pytest.mark.parametrize(("read", "said"), READERS, ids=range(len(READERS)))
def test_what_no_reader_may_do_is_seen(
    read: Callable[[Path], object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.inputs.guard.SECONDS", 0.2)
    folder = tmp_path / "own"
    folder.mkdir()
    found = told(read, folder)
    assert said in found
    assert bool(found) == bool(said)


def test_the_same_seed_damages_alike() -> None:
    seed, other = b'{"a": [1, 2, {"b": "text"}]}' * 9, bytes(range(256))
    one, two = ([harmed(seed, other, random.Random(i)) for i in range(200)] for _ in range(2))
    assert one == two
    assert sum(content != seed for content in one) > 190
    text = b'{"a": [1, 2, {"b": "text"}], "c": {}}'
    shapes = {reshaped(text, random.Random(i)) for i in range(200)}
    assert len(shapes) > 150
