"""Merging loses nothing, replaces nothing, can be interrupted, and remembers who measured what."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.errors import BadValue, StoreError
from harness.contract.trial import Trial
from harness.records import merge as module
from harness.records.merge import LaboratoryStore, Merged, laboratories, merge
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.trials import STAND_IN, record_for, small


def record(seed: int, epochs: float, day: int = 1) -> Record:
    return replace(record_for(Trial(small(), seed), epochs_high=epochs), finished=f"2030-01-{day:02}")


def lab(root: Path, *records: Record) -> LaboratoryStore:
    store = Store(root)
    for one in records:
        store.append(one)
    return LaboratoryStore(root.name, root)


def names(root: Path) -> dict[str, list[float | None]]:
    return {
        name: sorted(r.metrics["epochs_high"] or 0 for r in own) for name, own in laboratories(root).items()
    }


def contents(root: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (root / "records").glob("*.json"))


def test_every_record_is_there_as_it_was(tmp_path: Path) -> None:
    into = lab(tmp_path / "all", record(0, 5.0))
    a, b = lab(tmp_path / "a", record(0, 6.0, 2), record(1, 7.0)), lab(tmp_path / "b", record(0, 8.0, 3))
    before = contents(into.root) + contents(a.root) + contents(b.root)
    assert merge(into.root, [a, b]) == [Merged("a", 2, 0), Merged("b", 1, 0)]
    assert contents(into.root) == sorted(before)
    attempts = Store(into.root).attempts(record(0, 0.0).key)
    assert [one.metrics["epochs_high"] for one in attempts] == [5.0, 6.0, 8.0]
    key = attempts[0].key
    assert sorted(p.name for p in (into.root / "records").glob(f"{key}-*")) == [
        f"{key}-{n}.json" for n in (1, 2, 3)
    ]
    assert names(into.root) == {"all": [5.0], "a": [6.0, 7.0], "b": [8.0]}


def test_to_merge_again_changes_nothing(tmp_path: Path) -> None:
    a = lab(tmp_path / "a", record(0, 6.0), record(1, 7.0))
    merge(tmp_path / "all", [a])
    before = sorted(tmp_path.glob("all/**/*"))
    assert merge(tmp_path / "all", [a]) == [Merged("a", 0, 2)]
    assert sorted(tmp_path.glob("all/**/*")) == before


def test_a_copy_of_a_copy_keeps_the_first_name(tmp_path: Path) -> None:
    a, b = lab(tmp_path / "a", record(0, 6.0)), lab(tmp_path / "b", record(1, 7.0))
    merge(tmp_path / "both", [a, b])
    lab(tmp_path / "both", record(2, 8.0))
    merge(tmp_path / "all", [LaboratoryStore("both", tmp_path / "both"), a])
    assert names(tmp_path / "all") == {"a": [6.0], "b": [7.0], "both": [8.0]}


def test_an_interrupted_merge_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = lab(tmp_path / "a", *(record(seed, 6.0 + seed) for seed in range(4)))
    write, left = module.write_next, [3]  # the note and two records

    def failing(folder: Path, stem: str, content: str) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(folder, stem, content)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_next", failing)
        with pytest.raises(
            StoreError, match=r"all cannot be read or written: No space left.*same command again"
        ):
            merge(tmp_path / "all", [a])
    assert len(Store(tmp_path / "all").records) == 2
    assert names(tmp_path / "all").keys() == {"a"}
    assert merge(tmp_path / "all", [a]) == [Merged("a", 2, 2)]
    assert names(tmp_path / "all") == {"a": [6.0, 7.0, 8.0, 9.0]}
    assert contents(tmp_path / "all") == contents(a.root)


@pytest.mark.parametrize("damage", [lambda b: b[:50], lambda b: b.replace(b'"format": 3', b'"format": 9')])
def test_a_damaged_record_is_refused_by_name(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    good, bad = lab(tmp_path / "good", record(0, 6.0)), lab(tmp_path / "bad", record(1, 7.0))
    (path,) = (bad.root / "records").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=f"nothing was merged.*: {re.escape(str(path))}"):
        merge(tmp_path / "all", [good, bad])
    assert not (tmp_path / "all").exists()


def test_looks_and_the_seeds_asked_for_come_along(tmp_path: Path) -> None:
    a, b = lab(tmp_path / "a", record(0, 6.0)), lab(tmp_path / "b", record(1, 7.0))
    for source, seeds in ((a, 5), (b, 10)):
        Store(source.root).ask("relu-speedup", "smoke", STAND_IN, seeds)
        look = source.root / "looks" / "relu-speedup.smoke.0" / "3-1.json"
        look.parent.mkdir(parents=True)
        look.write_text(f'{{"n": 3, "by": "{source.name}"}}')
    (a.root / "looks" / "older").mkdir()  # as a version without that note began it
    (a.root / "looks" / "begun").mkdir()
    (a.root / "looks" / "begun" / "declared").write_text("seeds are added at 3, 5, 10\n")
    for _ in range(2):
        merge(tmp_path / "all", [b, a])
    assert Store(tmp_path / "all").asked("relu-speedup", "smoke", STAND_IN) == 10
    looks = tmp_path / "all" / "looks"
    assert sorted(os.listdir(looks)) == ["begun", "older", "relu-speedup.smoke.0"]
    assert os.listdir(looks / "begun") == ["declared"]
    assert sorted(os.listdir(looks / "relu-speedup.smoke.0")) == ["3-1.json", "3-2.json"]


def test_a_laboratory_has_a_name_of_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        lab(tmp_path / name / "results", record(0, 6.0))
    a, b = (LaboratoryStore.parse(str(tmp_path / name / "results")) for name in ("a", "b"))
    assert (a.name, b.name) == ("results", "results")
    with pytest.raises(BadValue, match=r"would both be called results: name it, as in lab-a=.*b/results"):
        merge(tmp_path / "all", [a, b])
    named = [LaboratoryStore.parse(f"{name}={tmp_path / name / 'results'}") for name in ("a", "b")]
    assert [one.name for one in named] == ["a", "b"]
    merge(tmp_path / "all", named)
    with pytest.raises(BadValue, match="'lab/a' cannot name a laboratory"):
        LaboratoryStore.parse(f"lab/a={tmp_path}")
    with pytest.raises(BadValue, match="cannot name a laboratory: use up to 100 letters"):
        LaboratoryStore.parse(f"{'a' * 300}={tmp_path}")


def test_what_is_no_store_is_named(tmp_path: Path) -> None:
    a = lab(tmp_path / "a", record(0, 6.0))
    with pytest.raises(StoreError, match="nowhere holds no records"):
        merge(tmp_path / "all", [a, LaboratoryStore("x", tmp_path / "nowhere")])
    with pytest.raises(BadValue, match="cannot be merged into itself"):
        merge(a.root, [LaboratoryStore("x", a.root)])
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file is not a folder; name the folder of a store"):
        merge(tmp_path / "file", [a])
    assert not (tmp_path / "all").exists()


def test_a_damaged_note_is_named(tmp_path: Path) -> None:
    merge(tmp_path / "all", [lab(tmp_path / "a", record(0, 6.0))])
    (note,) = (tmp_path / "all" / "merged").iterdir()
    note.write_text("{")
    with pytest.raises(StoreError, match=r"a-1.json is not a complete note of a merge"):
        laboratories(tmp_path / "all")


@pytest.mark.parametrize("name", ["./../../evil", "/evil", ["x"], "a/b", "", 3])
def test_a_note_of_another_store_names_no_file_elsewhere(name: object, tmp_path: Path) -> None:
    a = lab(tmp_path / "deep" / "a", record(0, 6.0))
    merge(tmp_path / "deep" / "middle", [a])
    (note,) = (tmp_path / "deep" / "middle" / "merged").iterdir()
    note.write_text(json.dumps({**json.loads(note.read_text()), "laboratory": name}))
    with pytest.raises(StoreError, match=r"a-1.json is not a complete note of a merge"):
        merge(tmp_path / "deep" / "all", [LaboratoryStore("middle", tmp_path / "deep" / "middle")])
    assert not [path for path in tmp_path.rglob("*evil*") if path.is_file()]


@pytest.mark.parametrize("content", ["99999", "-1", "many"])
def test_a_number_of_seeds_that_a_store_would_not_believe_is_not_taken_over(
    content: str, tmp_path: Path
) -> None:
    a = lab(tmp_path / "a", record(0, 6.0))
    mine = Store(tmp_path / "all")
    mine.ask("relu-speedup", "smoke", STAND_IN, 10)
    theirs = Store(a.root).place("asked", "relu-speedup", "smoke", STAND_IN)
    theirs.parent.mkdir()
    theirs.with_name(f"{theirs.name}.10").write_text(content)
    merge(tmp_path / "all", [a])
    assert Store(tmp_path / "all").asked("relu-speedup", "smoke", STAND_IN) == 10


def test_a_pipe_among_the_notes_hangs_nothing(tmp_path: Path) -> None:
    a = lab(tmp_path / "a", record(0, 6.0))
    (a.root / "asked").mkdir()
    os.mkfifo(a.root / "asked" / "pipe")
    assert merge(tmp_path / "all", [a])[0].new == 1
