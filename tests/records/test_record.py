"""Records on the disk: whole, checked, and readable by versions that know less of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from harness.contract.trial import Trial
from harness.records.record import FORMAT, OtherFormat, Record, Unreadable, decode, encode
from harness.records.store import Store
from tests.fakes.trials import STAND_IN, record_for, small

TRIAL = Trial(small(), 0)
RECORD = record_for(TRIAL, STAND_IN, reached=1.0, epochs_high=None)


def text(**changes: Any) -> str:
    """The record with other content and a digest that fits, as another version might write it."""
    content = json.loads(encode(RECORD)) | changes
    content.pop("digest")
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return json.dumps({"digest": digest, **content})


def test_what_is_written_is_read() -> None:
    assert decode(encode(RECORD)) == RECORD


def test_a_field_more_is_passed_over() -> None:
    assert decode(text(weather="fair")) == RECORD


@pytest.mark.parametrize("found", [FORMAT + 1, 99])
def test_a_newer_format_is_said_to_be_newer(found: int) -> None:
    with pytest.raises(OtherFormat, match=rf"a newer version of this program wrote it \(format {found}"):
        decode(text(format=found, conditions="of another shape"))


def test_a_record_without_a_format_is_said_to_be_older() -> None:
    content = json.loads(encode(RECORD))
    del content["format"]
    with pytest.raises(OtherFormat, match="an older version"):
        decode(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"key": 3}, r"\$\.key"),
        ({"metrics": {"reached": "yes"}}, r"\$\.metrics"),
        ({"curve": [3]}, r"\$\.curve\[0\]"),
        ({"status": "splendid"}, r"\$\.status"),
        ({"conditions": {"device": "abacus", "torch": "2"}}, r"\$\.conditions\.device"),
        ({"conditions": {"device": "cpu"}}, r"\$\.conditions"),
    ],
)
def test_another_shape_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(Unreadable, match=path):
        decode(text(**changes))


@pytest.mark.parametrize("whole", ["", "[]", "3", '{"format": 2', "[" * 100_000, "\ud800"])
def test_what_is_no_record_is_unreadable(whole: str) -> None:
    with pytest.raises((Unreadable, OtherFormat)):
        decode(whole.encode("utf-8", "surrogatepass"))


def test_a_store_leaves_other_formats_out_and_says_which(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.append(RECORD)
    newer = path.with_name("0-1.json")
    newer.write_text(text(format=FORMAT + 1))
    again = Store(tmp_path)
    assert again.records == [RECORD]
    (sentence,) = again.damaged
    assert str(newer) in sentence
    assert "newer version" in sentence
    assert "delete" not in sentence


def test_a_records_provenance_is_read_back() -> None:
    made = Record(**{**vars(RECORD), "environment": {"commit": "abc", "dirty": True, "source": "0"}})
    assert made.made_by == "abc+changes"
    assert RECORD.made_by == "source "
