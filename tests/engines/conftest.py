"""A Ray cluster of two nodes on this machine, for the tests of this folder that need one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.cluster import small_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """One per test process, which is connected to its first node."""
    pytest.importorskip("ray", minversion="2.51")
    from harness.engines.cluster.connection import connect

    with small_cluster(nodes=2) as found:
        import ray

        try:
            connect(found.address)
            yield found
        finally:
            ray.shutdown()
