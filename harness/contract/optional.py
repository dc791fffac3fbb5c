"""What a faster implementation needs and may be missing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


def if_importable(compiler: str, otherwise: str) -> Callable[[Callable[[], T]], Callable[[], T | None]]:
    """Lets a function that imports an implementation give None, logged once, if its compiler is missing."""

    def decorate(load: Callable[[], T]) -> Callable[[], T | None]:
        @cache
        def loaded() -> T | None:
            try:
                return load()
            except ImportError as error:
                log.warning("%s: %s cannot be imported (%s)", otherwise, compiler, error)
                return None

        return loaded

    return decorate
