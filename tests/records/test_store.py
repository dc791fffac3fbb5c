"""The store appends, whole or not at all, and tells of what is damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.errors import StoreError
from harness.contract.trial import Status, Trial
from harness.records.store import Store, decode, encode
from tests.fakes.trials import STAND_IN, record_for, small

TRIAL = Trial(small(), 0)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = record_for(TRIAL, reached=1.0, epochs_high=None)
    Store(tmp_path).append(record)
    assert Store(tmp_path).records == [record]
    assert Store(tmp_path).lookup(TRIAL, STAND_IN) == record


@given(st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_encoding_loses_nothing(value: float, text: str) -> None:
    record = record_for(TRIAL, metric=value)
    record = type(record)(**{**vars(record), "error": text, "curve": ({"epoch": value},)})
    assert decode(encode(record)) == record


def test_no_attempt_replaces_another(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failed, good = record_for(TRIAL, status=Status.FAILED), record_for(TRIAL, reached=1.0)
    paths = [store.append(failed), store.append(good), store.append(failed)]
    assert len(set(paths)) == 3
    assert Store(tmp_path).find(good.key) == good
    assert len(Store(tmp_path).attempts(good.key)) == 3


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b.replace(b"1.0", b"2.0", 1)]
)
def test_a_damaged_record_is_named_and_left_out(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    store = Store(tmp_path)
    path = store.append(record_for(TRIAL, reached=1.0))
    store.append(record_for(Trial(small(), 1), reached=1.0))
    path.write_bytes(damage(path.read_bytes()))
    after = Store(tmp_path)
    assert len(after.records) == 1
    assert len(after.damaged) == 1
    assert str(path) in after.damaged[0]
    assert "delete it" in after.damaged[0]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.append(record_for(TRIAL))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        StoreError, match=r"could not be written.*No space left on device.*same command again"
    ):
        store.append(record_for(Trial(small(), 1)))
    assert [p.suffix for p in (tmp_path / "records").iterdir()] == [".json"]
    assert len(Store(tmp_path).records) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"results.*--results-dir"):
        Store(tmp_path / "results").writable()
    with pytest.raises(StoreError, match="is not a folder"):
        _ = Store(tmp_path / "results").records


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        Store(tmp_path / "results").writable()


def test_the_most_seeds_ever_asked_for_count(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.asked("relu-speedup", "smoke", STAND_IN) == 0
    store.ask("relu-speedup", "smoke", STAND_IN, 5)
    store.ask("relu-speedup", "smoke", STAND_IN, 3)
    assert store.asked("relu-speedup", "smoke", STAND_IN) == 5
