"""Hidden characters are spelled out, in text and in JSON alike, and nothing else is touched."""

from __future__ import annotations

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.visible import visible, visible_json

HIDDEN = ["\x00", "\x08", "\x0c", "\r", "\x1b", "\x7f", "\x9b", "\u061c", "\u200b", "\u200f", "\u2028"]
HIDDEN += ["\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\U000e0041", "\udcff"]


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_what_is_hidden_is_spelled_out(hidden: str) -> None:
    spelled = hidden.encode("unicode_escape", "surrogatepass").decode().replace("\\x", "\\u00")
    spelled = {"\\r": "\\u000d"}.get(spelled, spelled)
    assert visible(f"a{hidden}b") == f"a{spelled}b"
    for ascii_ in (True, False):
        written = json.dumps(f"a{hidden}b", ensure_ascii=ascii_).encode("utf-8", "replace")
        assert msgspec.json.decode(visible_json(written)) in (f"a{spelled}b", "a?b")


@pytest.mark.parametrize(
    "text", ["", "plain", "zwei\nZeilen\tund so", "über × § – 😀 日本語 é", "\\u202e", "C:\\new"]
)
def test_other_text_stays(text: str) -> None:
    assert visible(text) == text
    assert msgspec.json.decode(visible_json(json.dumps(text).encode())) == text


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_nothing_hidden_is_left_in_text_or_json(text: str) -> None:
    read = msgspec.json.decode(visible_json(json.dumps({text: [text]}).encode()))
    assert read == {visible(text): [visible(text)]}
    kinds = {unicodedata.category(c) for c in visible(text) if c not in "\t\n"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(c) for c in visible(text)} & {
        "RLO",
        "LRO",
        "RLE",
        "LRE",
        "RLI",
        "LRI",
        "FSI",
    }
