"""Kernels that cannot be had here: their compiler is taken away by the test."""

from __future__ import annotations

import logging
from typing import Any

import pytest


def said_without(kernel: Any, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is logged while a cached kernel that cannot be had is asked for twice; it is found anew after."""
    kernel.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert kernel() is kernel() is None
    finally:
        kernel.cache_clear()
    return [record.getMessage() for record in caplog.records]
