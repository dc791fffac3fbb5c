"""A large store's list of checked files saves reading them, and does not vouch for a file that changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.errors import StoreError
from harness.contract.trial import Trial
from harness.contract.visible import visible
from harness.records import checked, store
from harness.records.record import Record, decode
from harness.records.store import Store
from tests.fakes.evidence.trials import record_for, small

COUNT = 4
CURVE = ({"epoch": 1.0, "loss": 2.25, "train_error": None}, {"epoch": 2.0, "loss": 1.5, "train_error": 0.125})
DETAILS = {"columns": 2, "of another program": ["\u202eforged", {"deep": [1, None]}]}


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "WORTHWHILE", COUNT)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every record's text that is decoded in full."""
    found: list[bytes] = []

    def noted(data: bytes) -> Record:
        found.append(data)
        return decode(data)

    monkeypatch.setattr(store, "decode", noted)
    return found


def fill(root: Path, count: int = COUNT, first: int = 0) -> list[Path]:
    """A store with this many records, as they are appended; returns their files."""
    records = [record_for(Trial(small(), first + i), reached=1.0) for i in range(count)]
    filled = Store(root)
    return [filled.append(replace(r, curve=CURVE, details=DETAILS)) for r in records]


def test_the_second_reading_is_the_first_without_decoding(tmp_path: Path, decoded: list[bytes]) -> None:
    files = fill(tmp_path)
    first = Store(tmp_path).records
    assert len(decoded) == COUNT
    second = Store(tmp_path)
    assert second.records == first
    assert [record.curve for record in second.records] == [CURVE] * COUNT
    assert [record.details for record in second.records] == [
        {**DETAILS, "of another program": ["\\u202eforged", {"deep": [1, None]}]}
    ] * COUNT
    assert {second.file(record) for record in second.records} == set(files)
    assert len(decoded) == COUNT


NUMBER, RATE = st.floats(-3e38, 3e38), st.none() | st.floats(0, 1)


@settings(max_examples=20)  # of several records each, written through to the disk
@given(st.lists(st.tuples(NUMBER, st.text(), RATE), min_size=COUNT, max_size=2 * COUNT))
def test_nothing_is_lost_on_the_way(contents: list[tuple[float, str, float | None]]) -> None:
    with TemporaryDirectory() as folder:
        filled = Store(folder)
        for seed, (value, text, rate) in enumerate(contents):
            made = record_for(Trial(small(), seed), metric=value, rate=rate)
            curve = ({"epoch": value, "loss": rate},)
            filled.append(replace(made, error=text, curve=curve, details={"text": [text, value]}))
        read = Store(folder).records
        assert (Path(folder) / checked.FILE).exists()
        assert Store(folder).records == read
        found = {record.trial["seed"]: (record.error, record.curve) for record in Store(folder).records}
        expected = [(visible(text), ({"epoch": value, "loss": rate},)) for value, text, rate in contents]
        assert found == dict(enumerate(expected))


def test_what_is_added_later_is_read_beside_what_is_listed(tmp_path: Path, decoded: list[bytes]) -> None:
    fill(tmp_path)
    _ = Store(tmp_path).records
    fill(tmp_path, 2, first=COUNT)
    assert len(Store(tmp_path).records) == COUNT + 2
    assert len(decoded) == COUNT + 2
    fill(tmp_path, COUNT - 2, first=COUNT + 2)
    assert len(Store(tmp_path).records) == 2 * COUNT  # enough are new to be worth another list
    decoded.clear()
    assert len(Store(tmp_path).records) == 2 * COUNT
    assert not decoded


def in_place(root: Path) -> None:
    """Changes a number to another with as many digits, and sets the modification time back."""
    path = next(iter(sorted((root / "records").glob("*.json"))))
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"2.25", b"9.25"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def exchanged(root: Path) -> None:
    """Two records, each under the other's name."""
    one, other, *_ = sorted((root / "records").glob("*.json"))
    one.rename(root / "third")
    other.rename(one)
    (root / "third").rename(other)
    one.write_bytes(one.read_bytes()[:-5])


@pytest.mark.parametrize(
    ("change", "found"),
    [(in_place, ["is not a whole record"]), (exchanged, ["is not a whole record", "whose files are named"])],
)
def test_a_file_that_was_changed_is_checked_again(
    tmp_path: Path, change: Callable[[Path], None], found: list[str]
) -> None:
    fill(tmp_path)
    assert Store(tmp_path).damaged == ()
    change(tmp_path)
    after = Store(tmp_path)
    assert all(words in said for words, said in zip(found, after.damaged, strict=True))
    assert len(after.records) == COUNT - len(found)


def test_the_list_of_a_copy_is_not_believed(tmp_path: Path, decoded: list[bytes]) -> None:
    fill(tmp_path / "here")
    _ = Store(tmp_path / "here").records
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert len(Store(tmp_path / "there").records) == COUNT
    assert len(decoded) == 2 * COUNT


def test_another_program_s_list_is_not_believed(
    tmp_path: Path, decoded: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    _ = Store(tmp_path).records
    monkeypatch.setattr(checked, "_program", lambda: "another")
    assert Store(tmp_path).records == Store(tmp_path).records
    assert len(decoded) == 2 * COUNT  # and its own takes the other's place


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"program": 1}', b"[" * 100_000, b"\xff\xfe"])
def test_a_list_that_is_none_costs_no_more_than_none(
    tmp_path: Path, decoded: list[bytes], damage: bytes
) -> None:
    fill(tmp_path)
    (tmp_path / checked.FILE).write_bytes(damage)
    assert len(Store(tmp_path).records) == COUNT
    assert Store(tmp_path).damaged == ()
    assert len(decoded) == COUNT  # the first of the two has replaced it


def test_a_store_that_cannot_be_written_to_is_read_all_the_same(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / checked.FILE).mkdir()
    assert len(Store(tmp_path).records) == COUNT


def test_a_small_store_has_no_list(tmp_path: Path) -> None:
    fill(tmp_path, COUNT - 1)
    assert len(Store(tmp_path).records) == COUNT - 1
    assert not (tmp_path / checked.FILE).exists()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:90])])
def test_a_curve_whose_file_was_changed_meanwhile_is_one_sentence(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    (path, *_) = fill(tmp_path)
    _ = Store(tmp_path).records
    known = Store(tmp_path)
    (record,) = [record for record in known.records if known.file(record) == path]
    change(path)
    with pytest.raises(
        StoreError, match=rf"{path.name} was changed or removed while .*run the command again"
    ):
        _ = record.curve
