"""The store appends atomically, and reports what is damaged."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import options
from harness.contract.errors import StoreError
from harness.contract.trial import Status, Trial
from harness.contract.visible import visible
from harness.records.keys import key_of
from harness.records.merge import LaboratoryStore, merge
from harness.records.store import Store, decode, encode
from harness.testing.records import REAL
from tests.fakes.evidence.trials import STAND_IN, record_for, small

TRIAL = Trial(small(), 0)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = record_for(TRIAL, reached=1.0, epochs_high=None)
    Store(tmp_path).append(record)
    assert Store(tmp_path).records == [record]
    assert Store(tmp_path).find(key_of(TRIAL, STAND_IN)) == record


@given(st.floats(-3e38, 3e38), st.text())
def test_encoding_loses_nothing(value: float, text: str) -> None:
    record = record_for(TRIAL, metric=value)
    record = replace(record, error=text, curve=({"epoch": value},))
    assert decode(encode(record)) == replace(record, error=visible(text))


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


def test_a_record_that_finds_no_room_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trial may have taken days, and its checkpoint is gone."""
    results, elsewhere = tmp_path / "results", tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    store, record = Store(results), record_for(TRIAL, reached=1.0)
    store.writable()
    link = os.link

    def full(source: Path, target: Path) -> None:
        if results in target.parents:
            raise OSError(errno.ENOSPC, "No space left on device")
        link(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        with pytest.raises(StoreError, match="No space left on device; fix that, move ") as raised:
            store.append(record)
    (kept,) = elsewhere.rglob("*.json")
    assert f"move {kept} there" in str(raised.value)
    kept.rename(store.folder / kept.name)
    assert Store(results).find(record.key) == record


def test_the_records_of_a_store_are_no_store_themselves(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record_for(TRIAL, reached=1.0))
    said = f"{re.escape(str(store.folder))} holds the records of a store: name that store, {tmp_path}"
    with pytest.raises(StoreError, match=said):
        _ = Store(store.folder).records
    for into, source in ((store.folder, tmp_path), (tmp_path / "all", store.folder)):
        with pytest.raises(StoreError, match=said):
            merge(into, [LaboratoryStore("lab", source)])
    assert [path.name for path in tmp_path.iterdir()] == ["records"]
    (tmp_path / "records" / "records").mkdir()  # an empty folder of that name may become one
    Store(tmp_path / "records" / "records").check()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"results.*--results-dir"):
        Store(tmp_path / "results").writable()
    with pytest.raises(StoreError, match="is not a folder"):
        _ = Store(tmp_path / "results").records


def test_what_stands_in_place_of_a_folder_for_trials_is_named_before_any_runs(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"nothing can be written to .*artifacts: File exists"):
        Store(tmp_path).writable()
    (tmp_path / "artifacts").unlink()
    Store(tmp_path).writable()
    assert os.listdir(tmp_path) == ["records"]


def test_a_note_that_may_not_be_read_is_said_to_be_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.ask("relu-speedup", "smoke", STAND_IN, 5)

    def refused(path: Path) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("harness.records.store.seeds_noted", refused)
    assert store.asked("relu-speedup", "smoke", STAND_IN) == 0
    assert all(said.endswith("is left out: Permission denied; make it readable") for said in store.damaged)
    assert store.damaged


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


# What lies among the records and is not a record


def test_what_is_no_regular_file_is_named_and_left_out_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = record_for(TRIAL, reached=1.0)
    whole = store.append(record)
    os.mkfifo(whole.with_name("pipe-1.json"))
    whole.with_name("endless-1.json").symlink_to("/dev/zero")
    whole.with_name("folder-1.json").mkdir()
    whole.with_name("nothing-1.json").symlink_to(tmp_path / "nowhere")
    os.truncate(os.open(whole.with_name("giant-1.json"), os.O_CREAT | os.O_WRONLY), 1 << 40)
    after = Store(tmp_path)
    assert after.records == [record]
    for name in ("pipe", "endless", "folder", "nothing", "giant"):
        assert any(f"{name}-1.json is not a whole record" in sentence for sentence in after.damaged)
    assert len(after.damaged) == 5


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (0, None),
        (1, "f0-1.json"),
        (3, "f2-1.json"),
        (4, "1 more file is left"),
        (1203, "1,200 more files are"),
    ],
)
def test_of_many_files_left_out_a_few_are_named(tmp_path: Path, count: int, last: str | None) -> None:
    store = Store(tmp_path)
    store.folder.mkdir()
    for number in range(count):
        (store.folder / f"f{number}-1.json").write_text("{}")
    assert len(store.damaged) == count
    said = store.left_out()
    assert len(said) == min(count, 4)
    assert said[:3] == store.damaged[:3]
    assert last is None or last in said[-1]


@pytest.mark.parametrize("change", ["trial", "conditions", "code"])
def test_a_record_of_another_trial_than_its_key_s_answers_nothing(tmp_path: Path, change: str) -> None:
    """As when somebody copies a good result to the key of a bad one."""
    record, other = record_for(TRIAL, reached=1.0), record_for(Trial(small(), 1), REAL, reached=1.0)
    moved = replace(record, **{change: "another code" if change == "code" else getattr(other, change)})
    Store(tmp_path).append(moved)
    store = Store(tmp_path)
    assert store.find(record.key) is None
    (sentence,) = store.damaged
    assert f"{record.key}-*.json is left out: its trial, conditions and code do not match its key" in sentence
    store.append(record)
    assert store.find(record.key) == record


# Notes of how many seeds were requested


@pytest.mark.parametrize("content", ["", "many", "-3", "0", "9" * 30, "1e3", "[5]", "\x005"])
def test_a_note_that_is_no_number_of_seeds_is_named(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    note = store.place("asked", "relu-speedup", "smoke", STAND_IN)
    note.parent.mkdir()
    note.write_text(content)
    assert store.asked("relu-speedup", "smoke", STAND_IN) == 0
    assert any(str(note) in sentence for sentence in store.damaged)
    store.ask("relu-speedup", "smoke", STAND_IN, 5)
    assert store.asked("relu-speedup", "smoke", STAND_IN) == 5


def test_commands_that_start_together_lose_no_number(tmp_path: Path) -> None:
    """Each read that nothing was requested before the other wrote; older versions kept one number alone."""
    first, second = Store(tmp_path), Store(tmp_path)
    assert first.asked("lrn", "cifar10", STAND_IN) == second.asked("lrn", "cifar10", STAND_IN) == 0
    first.ask("lrn", "cifar10", STAND_IN, 10)
    second.ask("lrn", "cifar10", STAND_IN, 3)
    assert Store(tmp_path).asked("lrn", "cifar10", STAND_IN) == 10
    first.place("asked", "lrn", "cifar10", STAND_IN).write_text("12\n")
    assert Store(tmp_path).asked("lrn", "cifar10", STAND_IN) == 12
    assert Store(tmp_path).asked("lrn", "cifar10-short", STAND_IN) == 0


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ESTALE, errno.EIO])
def test_a_record_that_cannot_be_read_just_now_is_not_to_be_deleted(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_for(TRIAL, reached=1.0)
    Store(tmp_path).append(record)
    later = Store(tmp_path)

    def fails(path: Path, *more: int) -> bytes:
        raise OSError(code, os.strerror(code), str(path))

    with monkeypatch.context() as patched:
        patched.setattr("harness.records.store.read", fails)
        (sentence,) = later.damaged
        assert os.strerror(code) in sentence
        assert "delete" not in sentence
    assert later.take_in() == [record]


def test_what_stands_in_place_of_a_note_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    note = store.place("asked", "relu-speedup", "smoke", STAND_IN)
    note = note.with_name(f"{note.name}.5")
    note.mkdir(parents=True)
    pipe = store.place("asked", "relu-speedup", "cifar10", STAND_IN)
    os.mkfifo(pipe)
    assert store.asked("relu-speedup", "smoke", STAND_IN) == 0
    assert store.asked("relu-speedup", "cifar10", STAND_IN) == 0
    assert len(store.damaged) == 2
    with pytest.raises(
        StoreError, match=rf"{note} cannot be written: .*; make it writable, delete what is there"
    ):
        store.ask("relu-speedup", "smoke", STAND_IN, 5)


def test_a_copy_of_a_record_is_no_further_attempt(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.append(record_for(TRIAL))
    shutil.copy(path, path.with_name(f"{path.stem} (copy).json"))
    shutil.copy(path, path.with_name(f"{'0' * 24}-1.json"))
    again = Store(tmp_path)
    assert [again.file(one) for one in again.records] == [path]
    assert len(again.damaged) == 2
    assert all("delete it if it is a copy" in said for said in again.damaged)


def test_a_command_names_the_store_as_a_shell_reads_it(tmp_path: Path) -> None:
    root = tmp_path / "my store"
    words = shlex.split(Store(root).command("status --why"))
    assert words == ["./repro.py", "status", "--why", "--results-dir", str(root)]
    assert Store(options.USUAL).command("list") == "./repro.py list"


def test_what_the_killed_left_half_written_is_swept_from_every_folder(tmp_path: Path) -> None:
    for folder in ("", "records", "asked", "looks/relu-speedup.cifar10.12345678"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        left = tmp_path / folder / ".file.00000000-1-1.part"
        left.touch()
        os.utime(left, (0, 0))
    Store(tmp_path).sweep()
    assert list(tmp_path.rglob("*.part")) == []
