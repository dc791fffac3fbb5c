"""`export`: other programs read back what the records and the assessments hold, to the last digit."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import repro
import reproductions
from harness.cli.options import ExportFormat
from harness.contract.errors import BadValue, StoreError, UnknownName
from harness.contract.trial import Status
from harness.records import Store
from harness.records.frames import curves
from harness.records.record import Record
from harness.reporting import sides
from harness.verdicts.comparing.effect_rows import EffectRow
from tests.fakes.evidence.experiments import HERE, filled, noisy, record_for, reproduction, trial

CURVE = ({"epoch": 0.1 + 0.2, "loss": 2.0}, {"epoch": 1.0, "loss": None})
READ = {
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
    "json": lambda path: pd.DataFrame(json.loads(path.read_text())),
}
LACKING = importlib.util.find_spec("pyarrow") is None
NEEDS_PYARROW = pytest.mark.skipif(LACKING, reason="needs pyarrow")
PUBLISHED = Path(repro.__file__).parent / "reports" / "2026-11-28-xeon-2-cores"
FORMATS = [pytest.param(to, marks=[NEEDS_PYARROW] * (to == "parquet")) for to in ExportFormat]


@pytest.fixture(autouse=True)
def _only_the_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Whole runs with costs and curves, and a failed one without."""
    source, found = filled(tmp_path / "source", 5, noisy), Store(tmp_path / "results")
    for record in Store(source.root).records:
        found.append(replace(record, curve=CURVE, cost={"seconds": 1 / 3}, finished="2030-01-01T00:00:00Z"))
    found.append(record_for(trial("relu", 77), HERE, Status.FAILED))
    return Store(found.root)


def exported(store: Store, to: str, name: str) -> pd.DataFrame:
    out = store.root / "out"
    arguments = ["export", str(out), "--to", to, "--results-dir", str(store.root)]
    done = CliRunner().invoke(repro.app, arguments, catch_exceptions=False)
    assert done.stdout.split() == [str(out / f"{n}.{to}") for n in ("records", "curves", "effects")]
    frame = READ[to](out / f"{name}.{to}")
    assert isinstance(frame, pd.DataFrame)
    return frame


def known(value: object) -> object:
    """A cell, or None if it is empty, however the format says so."""
    return None if value == "" or pd.isna(value) else value


def numbers(record: Record) -> dict[str, float | None]:
    return {**{f"cost_{name}": value for name, value in record.cost.items()}, **record.metrics}


@pytest.mark.parametrize("to", FORMATS)
def test_records_come_back(store: Store, to: str) -> None:
    rows = exported(store, to, "records").to_dict("records")
    assert len(rows) == len(store.records) == 11
    for row, record in zip(rows, store.records, strict=True):
        assert row["key"] == record.key
        assert json.loads(str(row["settings"])) == record.settings
        assert (row["seed"], row["status"], row["device"]) == (record.trial["seed"], record.status, "cpu")
        assert (known(row["error"]) or "", known(row["finished"]) or "") == (record.error, record.finished)
        found = {name: known(row[name]) for name in ("cost_seconds", "epochs")}
        assert found == {"cost_seconds": None, "epochs": None} | numbers(record)


@pytest.mark.parametrize("to", FORMATS)
def test_curves_come_back(store: Store, to: str) -> None:
    rows = exported(store, to, "curves").to_dict("records")
    told = [(r.key, r.trial["seed"], p["epoch"], p["loss"]) for r in store.records for p in r.curve]
    assert [(r["key"], r["seed"], r["epoch"], known(r["loss"])) for r in rows] == told
    assert len(told) == 20


@pytest.mark.parametrize("to", FORMATS)
def test_effects_come_back(store: Store, to: str) -> None:
    rows = exported(store, to, "effects").to_dict("records")
    told = sides.of_store(store).rows
    assert [{str(n): known(v) for n, v in row.items()} for row in rows] == [cells(row) for row in told]
    assert len(told) == 1


def cells(row: EffectRow) -> dict[str, object]:
    return {name: known(value) for name, value in vars(row).items()}


@NEEDS_PYARROW
def test_published_records_read_back_from_parquet_are_the_stores_frames(tmp_path: Path) -> None:
    arguments = ["export", str(tmp_path), "--to", "parquet", "--results-dir", str(PUBLISHED)]
    CliRunner().invoke(repro.app, arguments, catch_exceptions=False)
    read = {name: pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("records", "curves")}
    records = Store(PUBLISHED).records
    assert (len(read["records"]), len(read["curves"])) == (len(records), sum(len(r.curve) for r in records))
    assert len(records) > 50
    frame = Store(PUBLISHED).frame()
    pd.testing.assert_frame_equal(read["records"].set_index("key"), frame, check_exact=True)
    pd.testing.assert_frame_equal(read["curves"], curves(records), check_exact=True)


def test_what_json_holds_can_be_compared(store: Store) -> None:
    exported(store, "json", "effects")
    assert sides.side(store.root / "out").rows == sides.of_store(store).rows
    assert sides.side(store.root / "out" / "effects.json").rows == sides.of_store(store).rows


def test_every_column_is_described(store: Store) -> None:
    text = (Path(repro.__file__).parent / "docs" / "export.md").read_text(encoding="utf-8")
    for name in ("records", "curves", "effects"):
        lacking = [c for c in exported(store, "csv", name).columns if f"`{c}`" not in text]
        assert lacking in ([], ["cost_seconds", "epochs"])  # costs and metrics follow their rule


@pytest.mark.parametrize(
    ("to", "kind", "sentence"),
    [
        ("mlflow", UnknownName, r"unknown format 'mlflow' \(known: csv, json, parquet\)"),
        ("csv", StoreError, "there are no records in nowhere; name another folder with --results-dir"),
    ],
)
def test_wrong_input_is_one_sentence(to: str, kind: type[Exception], sentence: str, tmp_path: Path) -> None:
    arguments = ["export", str(tmp_path), "--to", to, "--results-dir", "nowhere"]
    with pytest.raises(kind, match=sentence):
        CliRunner().invoke(repro.app, arguments, catch_exceptions=False)


def test_parquet_without_pyarrow_names_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadValue, match=r"needs pyarrow: pip install '\.\[export\]' in the checkout"):
        exported(store, "parquet", "records")


def test_a_folder_that_cannot_be_written_is_named(store: Store) -> None:
    (store.root / "out").write_text("a file")
    with pytest.raises(StoreError, match=r"out/records.csv cannot be written"):
        exported(store, "csv", "records")
