"""Values computed once per immutable object, such as the canonical text of a trial's settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 20_000  # objects remembered; then all are forgotten, so that a long run's memory stays bounded


def once(of: Callable[[Any], T]) -> Callable[[Any], T]:
    """Caches `of(value)` by object identity: equal values may be written differently, such as 1 and 1.0.

    Only for objects that never change. Each is kept alive, so that no other can get its id.
    """
    known: dict[int, tuple[object, T]] = {}

    @wraps(of)
    def remembered(value: Any) -> T:
        found = known.get(id(value))
        if found is None:
            if len(known) >= MOST:
                known.clear()
            found = known[id(value)] = (value, of(value))
        return found[1]

    return remembered
