"""Records on the disk: whole, checked, and readable by versions that know less of them."""

from __future__ import annotations

import hashlib
import json
import pickle
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
    rest = json.dumps(content)[1:]
    return f'{{"digest": "{hashlib.sha256(rest.encode()).hexdigest()[:16]}",{rest}'


def test_what_is_written_is_read() -> None:
    assert decode(encode(RECORD)) == RECORD


def test_a_field_more_is_passed_over() -> None:
    assert decode(text(weather="fair")) == RECORD


def test_a_record_whose_digest_is_of_its_values_is_read_and_checked() -> None:
    content = json.loads(encode(RECORD)) | {"format": 2}
    content.pop("digest")
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    assert decode(json.dumps({"digest": digest, **content})) == RECORD
    with pytest.raises(Unreadable, match="digest"):
        decode(json.dumps({"digest": digest, **content, "code": "another"}))


def test_any_change_of_a_text_is_noticed() -> None:
    written = encode(RECORD)
    for changed in (written.replace("reached", "leached"), written + " ", written.replace("\n", "\n ")):
        with pytest.raises(Unreadable, match="digest"):
            decode(changed)


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


def test_a_record_that_was_read_is_decoded_as_far_as_it_is_used() -> None:
    whole = Record(**{**vars(RECORD), "curve": ({"epoch": 1.0},), "details": {"side": 5}})
    read = decode(encode(whole))
    assert not {"curve", "details"} & vars(read).keys()
    assert (read.curve, read.details) == (whole.curve, whole.details)
    assert read == whole
    assert decode(encode(read)) == whole
    assert pickle.loads(pickle.dumps(decode(encode(whole)))) == whole
    with pytest.raises(AttributeError):
        _ = read.weather  # type: ignore[attr-defined]


def test_records_share_the_value_of_their_settings() -> None:
    other = decode(encode(record_for(Trial(small(), 1))))
    assert decode(encode(RECORD)).settings is other.settings
