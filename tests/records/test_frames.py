"""Frames hold what the records hold, and no more."""

from __future__ import annotations

from dataclasses import replace

from harness.contract.trial import Trial
from harness.records.frames import curves, frame
from tests.fakes.evidence.trials import record_for, small

CURVE = ({"epoch": 0.5, "loss": 2.0}, {"epoch": 1.0, "loss": None})
RECORDS = [
    replace(record_for(Trial(small(), seed), reached=1.0, epochs_high=float(seed)), curve=CURVE)
    for seed in range(3)
]


def test_a_row_a_record() -> None:
    found = frame(RECORDS)
    assert list(found.index) == [record.key for record in RECORDS]
    assert found["epochs_high"].tolist() == [0.0, 1.0, 2.0]
    assert set(found["program"]) == {"ToTarget"}
    assert found.groupby("status")["seed"].count().to_dict() == {"ok": 3}


def test_a_row_a_point() -> None:
    found = curves(RECORDS)
    assert len(found) == 6
    assert found.groupby("key")["loss"].mean().tolist() == [2.0] * 3
    assert found["loss"].isna().sum() == 3


def test_nothing_gives_empty_frames() -> None:
    assert frame([]).empty
    assert curves([]).empty
