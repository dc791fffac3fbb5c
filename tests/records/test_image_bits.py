"""Bits of images: unpacking returns what was packed, and nothing else is accepted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.image_bits import packed, unpacked


@given(st.lists(st.booleans(), max_size=70))
def test_what_is_packed_is_found_again(flags: list[bool]) -> None:
    assert unpacked(packed(flags), len(flags)).tolist() == flags


def test_the_first_image_is_in_the_highest_bit() -> None:
    assert packed([True, False, False, False, False, False, False, True, True]) == "gYA="


@pytest.mark.parametrize(("text", "count"), [("gYA=", 8), ("gYA=", 17), ("g", 1), ("gY!=", 9)])
def test_another_number_or_another_text_is_refused(text: str, count: int) -> None:
    with pytest.raises(ValueError, match=r"bits of|base64|padd|Non-"):
        unpacked(text, count)


def test_they_come_from_arrays_too() -> None:
    assert unpacked(packed(np.array([1, 0, 1])), 3).tolist() == [True, False, True]
