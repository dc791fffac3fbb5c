"""What is computed once of an object that never changes, such as the spelling of a trial's settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 20_000  # objects that are remembered; then all are forgotten, so that a long run does not grow


def once(of: Callable[[Any], T]) -> Callable[[Any], T]:
    """Remembers `of(value)` by the object itself: equal ones may be spelled differently, as 1 and 1.0 are.

    Only for objects that nobody changes. Each is kept, so that no other can be taken for it.
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
