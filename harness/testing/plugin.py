"""The pytest plugin behind the contract: which reproductions its tests are about.

It is loaded wherever this package is installed (entry point `pytest11`), and acts on those tests alone.
"""

from __future__ import annotations

import pytest

CONTRACT = ("harness.testing.contract", "harness.testing.arms")
pytest.register_assert_rewrite(*CONTRACT)
EVERYONE_ELSE = "every package's but alexnet-repro's own"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which package is tested."""
    parser.addini(
        "reproductions_of",
        f"The package whose reproductions the contract is tested of; default: {EVERYONE_ELSE}.",
        default="",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each reproduction, or for each of its protocols."""
    if metafunc.function.__module__ not in CONTRACT:
        return
    from harness.testing.subjects import subjects

    found = subjects(metafunc.config.getini("reproductions_of"))
    if "protocol" in metafunc.fixturenames:
        pairs = [(r, p) for r in found for p in r.protocols]
        names = [f"{r.name}-{p.name}" for r, p in pairs]
        metafunc.parametrize(("reproduction", "protocol"), pairs, ids=names)
    elif "reproduction" in metafunc.fixturenames:
        metafunc.parametrize("reproduction", found, ids=[r.name for r in found])
