"""Caching by object identity: equal objects are not confused, and nothing grows without bound."""

from __future__ import annotations

import pytest

from harness.contract import once as remembering
from harness.contract.once import once


def test_it_is_computed_once_for_an_object() -> None:
    asked: list[object] = []
    spelled = once(lambda value: asked.append(value) or str(value))  # type: ignore[func-returns-value]
    one = (1,)
    assert spelled(one) == spelled(one) == "(1,)"
    assert len(asked) == 1


def test_equal_objects_are_not_confused() -> None:
    spelled = once(str)
    ones, floats = (1, 1), (1.0, 1.0)
    assert ones == floats
    assert (spelled(ones), spelled(floats)) == ("(1, 1)", "(1.0, 1.0)")


def test_no_object_is_taken_for_one_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 10)
    spelled = once(str)
    assert [spelled([i]) for i in range(1_000)] == [str([i]) for i in range(1_000)]
