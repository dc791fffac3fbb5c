"""The pytest plugin behind the contract: selects the reproductions that its tests are about.

It is loaded wherever this package is installed (entry point `pytest11`), and affects only those tests.
"""

from __future__ import annotations

import pytest

CONTRACT = ("harness.testing.contract", "harness.testing.arms")
pytest.register_assert_rewrite(*CONTRACT)
EVERYONE_ELSE = "every package except alexnet-repro"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option for the package to test."""
    parser.addini(
        "reproductions_of",
        f"The package whose reproductions are tested against the contract; default: {EVERYONE_ELSE}.",
        default="",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Generates a test for each reproduction, or for each of its protocols."""
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
