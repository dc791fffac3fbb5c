"""Records on disk: complete, checked, and readable by versions that know less about them."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.contract.trial import Trial
from harness.records.record import FORMAT, OtherFormat, Record, Unreadable, decode, encode
from harness.records.store import Store
from tests.fakes.evidence.trials import STAND_IN, record_for, small

TRIAL = Trial(small(), 0)
RECORD = record_for(TRIAL, STAND_IN, reached=1.0, epochs_high=None)


def text(**changes: Any) -> str:
    """The record with other content and a matching digest, as another version might write it."""
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


@pytest.mark.parametrize("found", [FORMAT + 1, 99, 10**400])
def test_a_newer_format_is_said_to_be_newer(found: int) -> None:
    said = rf"a newer version of this program wrote it \(format {str(found)[:9]}"
    with pytest.raises(OtherFormat, match=said):
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
        ({"conditions": {"device": "abacus", "torch": "2"}}, r"\$\.device`, of conditions"),
        ({"conditions": {"device": "cpu"}}, "torch`, of conditions"),
    ],
)
def test_another_shape_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(Unreadable, match=path):
        decode(text(**changes))


def nested(levels: int) -> dict[str, Any]:
    return {"a": nested(levels - 1)} if levels else {}


WRONG = {"images": 8, "ten_top1": "AA=="}
QUERY = {"label": 3, "classes": [1], "probabilities": [0.5]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"curve": [1]}, "of curve"),
        ({"curve": {"epoch": 1}}, "of curve"),
        ({"curve": [{"epoch": "first"}]}, "of curve"),
        ({"curve": [{"epoch": 1e300}]}, "of curve"),
        ({"details": [1]}, "of details"),
        ({"details": {"wrong": {**WRONG, "ten_top1": "AAAA"}}}, "3 bytes do not hold the bits of 8 images"),
        ({"details": {"wrong": {**WRONG, "ten_top1": "?"}}}, "of details"),
        ({"details": {"norms": [{"load": 1.0}]}}, "of details"),
        ({"details": {"kernels": [["grey"]]}}, "of details"),
        ({"details": {"side": 0}}, "of details"),
        ({"details": {"queries": [{**QUERY, "label": 1e300}]}}, "of details"),
        ({"details": {"timeline": [{"start": "now"}]}}, "of details"),
        ({"details": {"unknown": nested(500)}}, "deeper"),
        ({"trial": {"settings": nested(100), "seed": 1}}, "deeper"),
        ({"trial": {"settings": 3, "seed": 1}}, "of trial"),
        ({"trial": {"settings": {}}}, "of trial"),
        ({"trial": {"settings": {}, "seed": -1}}, "of trial"),
        ({"trial": {"settings": {}, "seed": 10**400}}, "of trial"),
        ({"trial": {"settings": {}, "seed": 1, "precision": "fp7"}}, "of trial"),
        ({"environment": {"cpu": ["several"]}}, "of environment"),
        ({"environment": {"commit": 3}}, "of environment"),
        ({"metrics": {"centre_top1": 101.0}}, "metric centre_top1 is 101"),
        ({"metrics": {"step_seconds": 0.0}}, "metric step_seconds is 0"),
        ({"metrics": {"epochs_low": -1.0}}, "metric epochs_low is -1"),
        ({"metrics": {"epochs_low": 3.0, "epochs_high": 2.0}}, "epochs_low is 3, more than epochs_high"),
        ({"metrics": {"reached": 1e39}}, "metrics"),
        ({"cost": {"seconds": -1.0}}, r"\$\.cost"),
    ],
    ids=str,
)
def test_what_tables_and_estimates_could_not_take_is_left_out_at_the_door(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unreadable, match=said):
        decode(text(**changes))


def test_a_number_beyond_all_numbers_is_left_out() -> None:
    for number in ("NaN", "1e999", "1" + "0" * 5000):
        written = text(metrics={"reached": 3}).replace('"reached": 3', f'"reached": {number}')
        rest = written.partition(",")[2]
        digest = hashlib.sha256(rest.encode()).hexdigest()[:16]
        with pytest.raises(Unreadable):
            decode(f'{{"digest": "{digest}",{rest}')


def test_an_older_record_of_another_shape_is_left_out() -> None:
    content = json.loads(encode(RECORD)) | {"format": 2, "key": 3, "error": nested(900)}
    with pytest.raises(Unreadable):
        decode(json.dumps(content))


def test_hidden_characters_of_a_record_are_shown() -> None:
    read = decode(text(error="\x1b[2J\u202egood", environment={"os": "L\x07nux"}, details={"norm\u2066": 1}))
    assert read.error == "\\u001b[2J\\u202egood"
    assert read.environment == {"os": "L\\u0007nux"}
    assert read.details == {"norm\\u2066": 1}


def test_a_record_that_names_a_path_of_other_bytes_is_read() -> None:
    """A lone surrogate stands for a byte that is not UTF-8; JSON can spell it, but readers may refuse it."""
    failed = replace(RECORD, error="no such file: caf\udce9")
    assert decode(encode(failed)).error == "no such file: caf\\udce9"


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
