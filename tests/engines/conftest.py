"""A Ray cluster of two nodes on this machine, for the tests of this folder that need one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import pytest

SMALL = {"object_store_memory": 80 * 2**20}  # bytes; the least that Ray takes is 75 MiB
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}


@dataclass(frozen=True)
class TestCluster:
    """Two nodes with a core each; this process is connected to the first."""

    __test__ = False
    ray_cluster: Any

    def grow(self) -> Any:
        """A node more."""
        return self.ray_cluster.add_node(num_cpus=1, **SMALL)


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    """Starts in some ten seconds, once in a test process; nothing of it is left behind."""
    pytest.importorskip("ray", minversion="2.51")
    from ray.cluster_utils import Cluster

    from harness.engines.cluster.connection import connect

    # Ray's sockets need a short path, which pytest's own folders have not.
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory(prefix="ray-") as folder,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # of its own pipes
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        head = {"num_cpus": 1, "include_dashboard": False, "temp_dir": folder, **SMALL}
        found = TestCluster(Cluster(initialize_head=True, head_node_args=head))
        found.grow()
        try:
            connect(found.ray_cluster.address)
            yield found
        finally:
            import ray

            ray.shutdown()
            found.ray_cluster.shutdown()
